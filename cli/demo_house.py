"""The demo's house: a GitHub twin in this process, Forgehand's web and worker as processes of their own."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cli.errors import CannotRun
from demo import samples
from demo.github import Person, Stage, Twin
from demo.github.stage import MAINTAINER, OUTSIDER, REVIEWER
from sandboxes import BubblewrapBackend, LimitUnenforceable, SandboxUnavailable
from store import Database, events
from store.events import Event
from store.schema import Lease, Task

START_WITHIN_S = 120.0
_LOOK_S = 0.03
SAMPLE = "durations"


@dataclass
class House:
    """A running demo. `processes` are Forgehand's own, by name; each may be ended and started again."""

    state: Path
    twin: Twin
    stage: Stage
    environment: Mapping[str, str] = field(repr=False)
    web_url: str
    isolation: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _database: Database | None = None

    @property
    def maintainer(self) -> Person:
        return self._person(MAINTAINER)

    @property
    def reviewer(self) -> Person:
        return self._person(REVIEWER)

    @property
    def outsider(self) -> Person:
        return self._person(OUTSIDER)

    def _person(self, login: str) -> Person:
        return Person(self.twin.url, login, self.stage.tokens[login], self.twin.controls())

    @property
    def database(self) -> Database:
        """The service's own database, for watching."""
        if self._database is None:
            url = self.environment.get("FORGEHAND_DATABASE_URL") or f"sqlite:///{self.state / 'forgehand.db'}"
            self._database = Database(url)
        return self._database

    def start(self, name: str) -> None:
        """Starts `web` or `worker`; its log goes to a file in the state folder."""
        with (self.state / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "cli", name], env=dict(self.environment), stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        """Ends a process as a power cut would: SIGKILL, no time to tidy up."""
        self.processes[name].kill()
        self.processes[name].wait()

    def log(self, name: str) -> str:
        return (self.state / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def tasks(self) -> list[Task]:
        """Every task, oldest first."""
        with self.database.read() as session:
            found = session.query(Task).order_by(Task.created_at).all()
            session.expunge_all()
            return found

    def events(self, task_id: str, after: int = 0) -> list[Event]:
        with self.database.read() as session:
            return events.of_task(session, task_id, after=after)

    def check_alive(self) -> None:
        """CannotRun when one of the processes has ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                tail = self.log(name)[-1500:]
                raise CannotRun(f"the demo's {name} ended with status {process.returncode}. Its log ends:\n{tail}")

    def await_an_end(self, within_s: float | None = None) -> None:
        """Waits as long at most (None: without end) until one of the processes ends: CannotRun when one has."""
        self.check_alive()
        with ExitStack() as opened:
            ends = [os.pidfd_open(process.pid) for process in self.processes.values()]
            for end in ends:
                opened.callback(os.close, end)
            select.select(ends, [], [], within_s)
        self.check_alive()

    def wait(self, what: str, until: Callable[[], bool], *, within_s: float = 60.0) -> float:
        """Waits until something holds and returns the seconds it took; CannotRun says what did not come about."""
        began = time.monotonic()
        while not until():
            if time.monotonic() - began > within_s:
                raise CannotRun(f"{what}: not within {within_s:.0f} s. The logs are in {self.state}")
            self.await_an_end(_LOOK_S)
        return time.monotonic() - began

    def close_processes(self) -> None:
        """Ends Forgehand's processes and leaves GitHub standing."""
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def close(self) -> None:
        self.close_processes()
        if self._database is not None:
            self._database.close()
        self.twin.stop()


@contextmanager
def furnished(
    state: Path, *, script: Path | None = None, overrides: Mapping[str, str] | None = None, twin: Twin | None = None
) -> Iterator[House]:
    """A house with everything running. `script` is the model's, by default the sample's own; `overrides` are further
    FORGEHAND_* settings."""
    if shutil.which("git") is None:
        raise CannotRun("git is not installed: install it and run the demo again")
    state.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    web_url = f"http://127.0.0.1:{port}"
    twin = (twin or Twin(state / "twin")).start()
    house: House | None = None
    try:
        stage = twin.furnish(SAMPLE, hook_url=f"{web_url}/webhooks/github")
        isolation = _isolation(state)
        environment = _environment(state, stage, port, isolation, script) | dict(overrides or {})
        house = House(state, twin, stage, environment, web_url, isolation)
        house.start("web")
        house.start("worker")
        house.wait("the web answers", lambda: _ready(web_url), within_s=START_WITHIN_S)
        house.wait("the worker takes up its duties", lambda: _on_duty(house), within_s=START_WITHIN_S)
        yield house
    finally:
        if house is not None:
            house.close()
        else:
            twin.stop()


def _environment(state: Path, stage: Stage, port: int, isolation: str, script: Path | None) -> dict[str, str]:
    """The settings of the demo: those of production but for shorter waits. Secrets go by file."""
    secrets = state / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    for name, value in (("private-key.pem", stage.private_key), ("webhook-secret", stage.webhook_secret)):
        path = secrets / name
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORGEHAND_")}
    script = script or samples.FOLDER / f"{SAMPLE}.script.yml"
    return kept | {
        "FORGEHAND_STATE_DIR": str(state),
        "FORGEHAND_HOST": "127.0.0.1",
        "FORGEHAND_PORT": str(port),
        "FORGEHAND_GITHUB_API_URL": stage.url,
        "FORGEHAND_GITHUB_APP_ID": str(stage.app_id),
        "FORGEHAND_GITHUB_APP_SLUG": stage.app_slug,
        "FORGEHAND_GITHUB_PRIVATE_KEY_FILE": str(secrets / "private-key.pem"),
        "FORGEHAND_GITHUB_WEBHOOK_SECRETS_FILE": str(secrets / "webhook-secret"),
        "FORGEHAND_GITHUB_TIMEOUT_S": "5",
        "FORGEHAND_GITHUB_WRITE_SPACING_S": "0",
        "FORGEHAND_TRIGGER_ASSIGNEES": stage.trigger_login,
        "FORGEHAND_MODEL": f"scripted:{script}",
        "FORGEHAND_MODEL_TIMEOUT_S": "20",
        "FORGEHAND_SANDBOX_ALLOW_UNISOLATED": "true" if isolation == "none" else "false",
        "FORGEHAND_LEASE_S": "15",
        "FORGEHAND_SWEEP_INTERVAL_S": "0.5",
        "FORGEHAND_DELIVERY_POLL_S": "10",
        "FORGEHAND_CI_SETTLE_S": "1",
        "FORGEHAND_CI_POLL_S": "1",
        "FORGEHAND_REVIEW_DEBOUNCE_S": "0.5",
    }


def _isolation(state: Path) -> str:
    """What will surround the sample's commands. They are the demo's own, so a machine without bubblewrap may run them
    as plain processes; every place that shows the task then says so."""
    try:
        BubblewrapBackend(state).probe()
    except (SandboxUnavailable, LimitUnenforceable):
        return "none"
    return "bubblewrap"


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _on_duty(house: House) -> bool:
    with house.database.read() as session:
        return session.get(Lease, "relay") is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
