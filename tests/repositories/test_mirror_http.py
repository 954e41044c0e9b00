"""A mirror of a repository behind HTTP, with a token that must never be seen, and a network that fails."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from repositories import (
    AuthenticationRefused,
    Mirror,
    MirrorBusy,
    NonFastForward,
    PushRejected,
    Remote,
    RemoteUnavailable,
    RepositoryError,
    RepositoryGone,
)
from tests.repositories.conftest import BOT, WHEN, file, plain_git, publish
from tests.repositories.git_server import GitServer

CANARY = "ghs_CANARY0123456789abcdefCANARY"
Source = Callable[..., Path]


def always(status: int) -> Callable[[str, str], int | None]:
    return lambda method, path: status


def opened(tmp_path: Path, url: str, token: Callable[[], str] | None = None) -> Mirror:
    return Mirror.open(tmp_path / "state" / "m.git", Remote(url, token))


def test_clone_fetch_and_push_with_a_token(source: Source, server: GitServer, tmp_path: Path) -> None:
    folder = source({"a": "1", "big": os.urandom(2_000_000)})
    url = publish(folder, server)
    server.accepted = {CANARY}
    mirror = opened(tmp_path, url, lambda: CANARY)
    assert mirror.default_branch() == "main"
    sha = mirror.commit("main", {"more": file(os.urandom(2_000_000))}, "m", BOT, WHEN)
    mirror.push(sha, "forgehand/1", expected=None)
    assert plain_git(server.root / "team/app.git", "rev-parse", "forgehand/1") == sha
    mirror.fetch()
    assert mirror.resolve("forgehand/1") == sha
    assert set(server.seen_tokens) == {CANARY}


def test_the_token_is_asked_for_each_time_and_renewed_once(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({"a": "1"}), server)
    server.accepted = {"new-token"}
    answers = ["old-token", "new-token", "new-token", "stale", "stale"]
    asked: list[str] = []

    def token() -> str:
        asked.append(answers[len(asked)])
        return asked[-1]

    mirror = opened(tmp_path, url, token)
    assert asked == ["old-token", "new-token"]
    mirror.fetch()
    assert len(asked) == 3
    with pytest.raises(AuthenticationRefused):
        mirror.fetch()
    assert len(asked) == 5, "one renewal, no more"


def test_without_a_token_or_with_a_broken_one(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({"a": "1"}), server)
    server.accepted = {CANARY}
    with pytest.raises(AuthenticationRefused):
        opened(tmp_path, url)
    for broken in ("", "with\nnewline-" + CANARY, "bl ank"):
        with pytest.raises(AuthenticationRefused) as refusal:
            opened(tmp_path, url, partial(str, broken))
        assert CANARY not in str(refusal.value)
    server.accepted = None
    assert opened(tmp_path, url).resolve("main")
    assert server.seen_tokens == []


def test_the_token_is_nowhere_to_be_seen_during_a_slow_push(
    source: Source, server: GitServer, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    url = publish(source({"a": "1"}), server)
    server.accepted = {CANARY}
    mirror = opened(tmp_path, url, lambda: CANARY)
    sha = mirror.commit("main", {"b": file("x")}, "m", BOT, WHEN)
    reached, go_on = threading.Event(), threading.Event()

    def block(method: str, path: str) -> int | None:
        if method == "POST" and "git-receive-pack" in path:
            reached.set()
            go_on.wait(30)
        return None

    server.before = block
    failures: list[BaseException] = []

    def push() -> None:
        try:
            mirror.push(sha, "forgehand/1", expected=None)
        except RepositoryError as problem:
            failures.append(problem)

    pushing = threading.Thread(target=push)
    pushing.start()
    assert reached.wait(30)
    family = _descendants(os.getpid())
    names = set()
    for process in family:
        try:
            seen = {part: (process / part).read_bytes() for part in ("comm", "cmdline", "environ")}
        except (FileNotFoundError, ProcessLookupError):
            continue  # another test's of this process, and over; git's own wait for us
        names.add(seen["comm"].decode().strip())
        for part, data in seen.items():
            assert CANARY.encode() not in data, f"{part} of {process}"
    assert {"git", "git-remote-http"} <= names, f"the push was looked at while it ran: {names}"
    go_on.set()
    pushing.join()
    assert failures == []
    assert mirror.remote_head("forgehand/1") == sha
    for kept in (mirror.path.parent, scratch):
        for file_ in kept.rglob("*"):
            assert not file_.is_file() or CANARY.encode() not in file_.read_bytes(), file_
    assert CANARY not in caplog.text
    assert CANARY not in repr(mirror.remote)


def _descendants(pid: int) -> list[Path]:
    children: dict[int, list[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(process.name))
    found, waiting = [], list(children.get(pid, []))
    while waiting:
        child = waiting.pop()
        found.append(Path("/proc", str(child)))
        waiting.extend(children.get(child, []))
    return found


def test_errors_do_not_carry_the_token(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({"a": "1"}), server)
    mirror = opened(tmp_path, url, lambda: CANARY)
    for status in (403, 404, 429, 500, 502):
        server.before = always(status)
        with pytest.raises(RepositoryError) as problem:
            mirror.fetch()
        text = "".join(traceback.format_exception(problem.value))
        assert CANARY not in text
        expected = {403: AuthenticationRefused, 404: RepositoryGone}.get(status, RemoteUnavailable)
        assert type(problem.value) is expected, text


def test_a_redirect_to_another_host_gets_no_token(source: Source, server: GitServer, tmp_path: Path) -> None:
    folder = source({"a": "1"})
    url = publish(folder, server)
    (tmp_path / "evil").mkdir()
    thief = GitServer(tmp_path / "evil", accepted={"whatever"})
    try:
        server.redirect_to = thief.url
        with pytest.raises(RepositoryError):
            opened(tmp_path, url, lambda: CANARY)
        assert thief.seen_tokens == []
    finally:
        thief.close()


def test_a_renamed_repository_is_followed_on_its_host(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({"a": "1"}), server)
    server.accepted = {CANARY}
    server.renamed = ("/team/old.git", "/team/app.git")
    mirror = opened(tmp_path, url.replace("app.git", "old.git"), lambda: CANARY)
    sha = mirror.commit("main", {"b": file("x")}, "m", BOT, WHEN)
    mirror.push(sha, "forgehand/1", expected=None)
    assert mirror.remote_head("forgehand/1") == sha


def test_an_answer_that_got_lost_is_not_a_failed_push(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({"a": "1"}), server)
    mirror = opened(tmp_path, url)
    sha = mirror.commit("main", {"b": file("x")}, "m", BOT, WHEN)
    server.cut_after = "git-receive-pack"
    mirror.push(sha, "forgehand/1", expected=None)
    server.cut_after = None
    assert mirror.remote_head("forgehand/1") == sha
    mirror.push(sha, "forgehand/1", expected=None)


def test_no_server_at_all(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({"a": "1"}), server)
    mirror = opened(tmp_path, url)
    mirror.remote = Remote(f"http://127.0.0.1:{_unused_port()}/team/app.git")
    with pytest.raises(RemoteUnavailable):
        mirror.fetch()


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_the_server_refuses(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({"a": "1"}), server)
    hook = server.root / "team/app.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nwhile read old new ref; do case $ref in *protected*) echo 'GH006: Protected branch update failed';"
        " exit 1;; *no*) echo 'our rules say no'; exit 1;; esac; done\n"
    )
    hook.chmod(0o755)
    mirror = opened(tmp_path, url)
    sha = mirror.commit("main", {"b": file("x")}, "m", BOT, WHEN)
    for branch, reason in (("protected", "protected_branch"), ("no", "hook_declined")):
        with pytest.raises(PushRejected) as refusal:
            mirror.push(sha, branch, expected=None)
        assert refusal.value.reason == reason
        assert mirror.remote_head(branch) is None
    assert "our rules say no" in str(refusal.value)


def test_someone_else_pushed_meanwhile(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({"a": "1"}), server)
    mirror = opened(tmp_path, url)
    ours = mirror.commit("main", {"b": file("ours")}, "m", BOT, WHEN)
    theirs = mirror.commit("main", {"b": file("theirs")}, "m", BOT, WHEN)
    rival = Mirror(mirror.path, mirror.remote)

    def race(method: str, path: str) -> int | None:
        if method == "GET" and "git-receive-pack" in path:
            server.before = lambda method, path: None
            rival.push(theirs, "forgehand/1", expected=None)
        return None

    server.before = race
    with pytest.raises(NonFastForward):
        mirror.push(ours, "forgehand/1", expected=None)
    assert mirror.remote_head("forgehand/1") == theirs


def test_killed_in_the_middle_of_a_clone(source: Source, server: GitServer, tmp_path: Path) -> None:
    url = publish(source({f"f{number}": "x" for number in range(20)}), server)
    path = tmp_path / "state" / "m.git"
    reached, go_on = threading.Event(), threading.Event()

    def block(method: str, path: str) -> int | None:
        if method == "POST":
            reached.set()
            go_on.wait(60)
        return None

    server.before = block
    code = (
        "import sys; from pathlib import Path; from repositories import Mirror, Remote;"
        "Mirror.open(Path(sys.argv[1]), Remote(sys.argv[2]))"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path), url], cwd=Path(__file__).parents[2])
    assert reached.wait(60)
    child.kill()
    child.wait()
    assert not path.exists()
    assert any("cloning" in entry.name for entry in path.parent.iterdir()), "the kill came in the middle"
    with pytest.raises(MirrorBusy):  # the orphaned git still writes, and holds the lock it inherited
        Mirror.open(path, Remote(url), lock_timeout=0.2)
    server.before = lambda method, path: None
    go_on.set()
    mirror = Mirror.open(path, Remote(url), lock_timeout=60)
    assert len(mirror.list_files("main")) == 20
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["m.git", "m.git.lock"]
