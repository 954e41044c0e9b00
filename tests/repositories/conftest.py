"""Real repositories, and a real HTTP remote, for the tests of the git room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repositories import Mirror, Remote, Signature
from sandboxes.contract import FileChange
from tests.repositories.git_server import GitServer

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BOT = Signature("Forgehand", "bot@example.invalid")
_PLAIN = {
    "PATH": os.environ["PATH"],
    "HOME": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.invalid",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00+00:00",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.invalid",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00+00:00",
}


def plain_git(folder: Path, *args: str, stdin: bytes = b"") -> str:
    """Git as a person would run it, for preparing and inspecting repositories."""
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *args], cwd=folder, env=_PLAIN, input=stdin, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def file(content: str | bytes, *, executable: bool = False) -> FileChange:
    return FileChange("file", executable, content.encode() if isinstance(content, str) else content)


def link(target: str) -> FileChange:
    return FileChange("symlink", False, os.fsencode(target))


DELETED = FileChange("deleted", False, b"")


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    """Makes a repository with a working tree from {path: content}; a content that is a Path becomes a link to it."""

    def make(files: Mapping[str, str | bytes | Path], name: str = "source") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        plain_git(folder, "init", "-q", "-b", "main")
        write(folder, files)
        plain_git(folder, "add", "-A", "-f")
        plain_git(folder, "commit", "-q", "--allow-empty", "-m", "first")
        return folder

    return make


def write(folder: Path, files: Mapping[str, str | bytes | Path]) -> None:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            place.symlink_to(content)
        else:
            place.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def mirror_of(tmp_path: Path) -> Callable[[Path], Mirror]:
    def make(folder: Path) -> Mirror:
        return Mirror.open(tmp_path / "state" / f"{folder.name}.git", Remote(str(folder)))

    return make


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "served"
    root.mkdir()
    running = GitServer(root)
    yield running
    running.close()


def publish(folder: Path, server: GitServer, name: str = "team/app.git") -> str:
    """Puts a copy of the repository behind the server and returns its address."""
    target = server.root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    plain_git(folder, "clone", "-q", "--bare", str(folder), str(target))
    return f"{server.url}/{name}"
