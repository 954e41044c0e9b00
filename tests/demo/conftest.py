"""A fresh, furnished twin for each test, with every exchange and webhook held against GitHub's description."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import github
import pytest

from demo.github import Person, Stage, Twin
from demo.openapi import Validator, Witness

DEADLINE_S = 30.0


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of `condition`; fails when there is none in time."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {DEADLINE_S:g} s for {what}"
        time.sleep(0.02)


@dataclass
class Received:
    """One webhook as it arrived."""

    headers: dict[str, str]
    raw: bytes

    @property
    def event(self) -> str:
        return self.headers["x-github-event"]

    @property
    def payload(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.raw)
        return loaded

    @property
    def name(self) -> str:
        action = self.payload.get("action")
        return self.event if action is None else f"{self.event}.{action}"


@dataclass
class Receiver:
    """Where the App's webhooks go. `status` is what it answers with."""

    url: str = ""
    status: int = 202
    got: list[Received] = field(default_factory=list)

    def names(self) -> list[str]:
        return [one.name for one in self.got]

    def wait(self, name: str, count: int = 1) -> list[Received]:
        """The webhooks called `name`, once there are `count`."""
        until(lambda: self.names().count(name) >= count, f"{count} of {name}, among {self.names()}")
        return [one for one in self.got if one.name == name]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.got.append(Received({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/webhooks/github"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def validator() -> Validator:
    return Validator()


@pytest.fixture
def witness(validator: Validator) -> Witness:
    return Witness(validator)


@pytest.fixture
def twin(tmp_path: Path, witness: Witness) -> Iterator[Twin]:
    """A running twin. After the test, what it said and heard must have been as GitHub describes it."""
    with Twin(tmp_path / "git", wrap=witness.wrap, observer=witness.webhook) as made:
        yield made
        assert made.postman.wait_idle(DEADLINE_S)
        assert [str(violation) for violation in witness.violations] == []
        assert made.problems() == []


@pytest.fixture
def stage(twin: Twin, receiver: Receiver) -> Stage:
    return twin.furnish("durations", receiver.url)


@pytest.fixture
def integration(stage: Stage) -> github.GithubIntegration:
    """PyGithub as the App."""
    auth = github.Auth.AppAuth(stage.app_id, stage.private_key)
    return github.GithubIntegration(
        auth=auth, base_url=stage.url, retry=None, seconds_between_requests=0, seconds_between_writes=0
    )


@pytest.fixture
def client(stage: Stage) -> github.Github:
    """PyGithub as the App's installation."""
    auth = github.Auth.AppAuth(stage.app_id, stage.private_key).get_installation_auth(stage.installation_id)
    return github.Github(
        auth=auth, base_url=stage.url, retry=None, seconds_between_requests=0, seconds_between_writes=0
    )


def token_of(client: github.Github) -> str:
    """The installation token that PyGithub is using."""
    assert isinstance(client.requester.auth, github.Auth.AppInstallationAuth)
    return client.requester.auth.token


@pytest.fixture
def repo(client: github.Github, stage: Stage) -> Any:
    return client.get_repo(stage.repository)


@pytest.fixture
def maria(twin: Twin, stage: Stage) -> Person:
    return twin.person("maria")


@pytest.fixture
def ravi(twin: Twin, stage: Stage) -> Person:
    return twin.person("ravi")


@pytest.fixture
def otis(twin: Twin, stage: Stage) -> Person:
    return twin.person("otis")


@dataclass
class Clone:
    """A working clone, pushing with an installation token or a person's."""

    folder: Path
    url: str

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        names = ("AUTHOR", "COMMITTER")
        person = {f"GIT_{n}_{k}": v for n in names for k, v in (("NAME", "Test"), ("EMAIL", "test@example.org"))}
        environment = {"PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", **person}
        return subprocess.run(
            ["git", *arguments], cwd=self.folder, env=environment, check=check, capture_output=True, text=True
        )

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def commit(self, message: str = "change") -> str:
        self.git("add", "--all")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD").stdout.strip()


def with_token(url: str, token: str) -> str:
    return url.replace("http://", f"http://x-access-token:{token}@")


@pytest.fixture
def clone(tmp_path: Path, stage: Stage, integration: github.GithubIntegration) -> Clone:
    """A clone of the sample, made over HTTP with an installation token."""
    token = integration.get_access_token(stage.installation_id).token
    url = with_token(f"{stage.url}/{stage.repository}.git", token)
    made = Clone(tmp_path / "clone", url)
    made.folder.mkdir()
    made.git("clone", "-q", url, ".")
    return made


@pytest.fixture
def branch(clone: Clone) -> str:
    """A pushed branch `work` with one commit that no workflow minds; returns its sha."""
    clone.git("checkout", "-qb", "work")
    clone.write("docs/notes.md", "one\ntwo\nthree\n")
    sha = clone.commit("Notes")
    clone.git("push", "-q", "origin", "work")
    return sha


@pytest.fixture
def pull(repo: Any, twin: Twin, branch: str) -> Any:
    """An open pull request from `work`, with CI switched off before it starts."""
    twin.ci.enabled = False
    return repo.create_pull(title="Notes", body="Fixes #1", head="work", base="main")
