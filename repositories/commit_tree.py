"""A commit's files for an index: names, object ids and contents straight from git's objects, no checkout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repositories.errors import EmptyRepository, RevisionUnknown
from repositories.git import Git
from repositories.names import check_revision, is_sha
from repositories.objects import SUBMODULE, SYMLINK, list_tree, read_blobs


class Named(Protocol):
    """What stands for a content."""

    @property
    def blob(self) -> str: ...


@dataclass(frozen=True, slots=True)
class TreeFile:
    """`path` from the root; `blob`: the content's object id; `size` in bytes."""

    path: str
    blob: str
    size: int


class CommitTree:
    """The regular files of one commit."""

    def __init__(self, git: Git, commit: str) -> None:
        self._git, self.commit = git, commit

    def files(self) -> Sequence[TreeFile]:
        return [
            TreeFile(entry.path, entry.sha, entry.size)
            for entry in list_tree(self._git, self.commit)
            if entry.mode not in (SUBMODULE, SYMLINK)
        ]

    def read(self, files: Sequence[Named]) -> Iterator[bytes]:
        """The contents in the order of `files`. RevisionUnknown for an object that is not there."""
        for _, stream, size in read_blobs(self._git, [file.blob for file in files]):
            yield stream.read(size)


def commit_tree(directory: Path, rev: str) -> CommitTree:
    """The files of `rev` in a clone, worktree or bare repository on this machine; nothing in it is run or changed.

    Raises NameRefused, RevisionUnknown, EmptyRepository.
    """
    return CommitTree(*locate(directory, rev))


def locate(directory: Path, rev: str) -> tuple[Git, str]:
    """Git on a clone, worktree or bare repository, and the full name of the commit that `rev` names in it.

    Raises NameRefused, RevisionUnknown, EmptyRepository.
    """
    git = Git(_git_dir(directory))
    check_revision(rev)
    output = git.run(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}",
        what=f"Could not resolve {rev}", accept=(0, 1, 128),
    )  # fmt: skip
    commit = output.stdout.decode("ascii", "replace").strip()
    if output.exit_code == 0 and is_sha(commit):
        return git, commit
    if rev == "HEAD":
        raise EmptyRepository("Nothing to read", "the repository has no commit", "Make a first commit in it")
    raise RevisionUnknown(f"No commit {rev[:80]!r}", "there is no such branch, tag or commit", "Name another")


def _git_dir(directory: Path) -> Path:
    """Where the repository's objects are: below `.git`, where a worktree's or submodule's `.git` says, or here."""
    inside = directory / ".git"
    if inside.is_file():
        said = inside.read_bytes()[:4096].decode("utf-8", "surrogateescape").strip()
        if said.startswith("gitdir:"):
            return (directory / said.removeprefix("gitdir:").strip()).resolve()
    return inside if inside.is_dir() else directory
