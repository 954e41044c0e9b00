"""Where an index gets files from: a commit (repositories.commit_tree), or a folder as it lies there."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_MOST_FILES = 1_000_000
_NOT_ENTERED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache"})


class File(Protocol):
    """`path` with `/`, from the root, undecodable bytes as lone surrogates; `blob`: git's name for the content, or, in
    a folder, a name for this state of the file; `size` in bytes. Hashable."""

    @property
    def path(self) -> str: ...
    @property
    def blob(self) -> str: ...
    @property
    def size(self) -> int: ...


class Tree(Protocol):
    """The files of one state of a repository."""

    def files(self) -> Sequence[File]:
        """Regular files only: links are not followed."""

    def read(self, files: Sequence[File]) -> Iterator[bytes | None]:
        """The contents in the order of `files`; None for what cannot be read."""


@dataclass(frozen=True, slots=True)
class FolderFile:
    path: str
    blob: str
    size: int


class FolderTree:
    """The files below a folder that is no git clone. Links are not followed, folders of tools not entered."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self) -> Sequence[File]:
        found: list[FolderFile] = []
        waiting = [""]
        while waiting and len(found) < _MOST_FILES:
            folder = waiting.pop()
            try:
                entries = sorted(os.scandir(self._root / folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                try:
                    info = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISDIR(info.st_mode):
                    if entry.name not in _NOT_ENTERED:
                        waiting.append(path)
                elif stat.S_ISREG(info.st_mode):
                    state = f"{path}\0{info.st_size}\0{info.st_mtime_ns}\0{info.st_ino}"
                    name = hashlib.sha256(state.encode("utf-8", "surrogateescape")).hexdigest()[:40]
                    found.append(FolderFile(path, f"stat-{name}", info.st_size))
        return found

    def read(self, files: Sequence[File]) -> Iterator[bytes | None]:
        for file in files:
            try:
                fd = os.open(self._root / file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                with open(fd, "rb") as stream:
                    data = stream.read(file.size)
            except OSError:
                yield None
            else:
                yield data
