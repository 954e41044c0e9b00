"""A tree's files by path: what is shown of a place once search has found it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import closing
from functools import cached_property
from typing import Any

from codebase.index.tree import File, Tree

LARGEST = 8 << 20
_KEPT_BYTES = 64 << 20


class Contents:
    """The files of `tree`; those read last are kept, some 64 MiB of them. Not for several threads at once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    @cached_property
    def files(self) -> dict[str, File]:
        return {file.path: file for file in self._tree.files()}

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no such file, it cannot be read, or has more than 8 MiB."""
        if path not in self._kept:
            self.load([path])
        data = self._kept.get(path)
        if data is not None:
            self._kept.move_to_end(path)
        return data

    def load(self, paths: Iterable[str]) -> None:
        """Reads several files in one go, so that a commit is asked once."""
        wanted = [self.files[path] for path in dict.fromkeys(paths) if path not in self._kept and path in self.files]
        wanted = [file for file in wanted if file.size <= LARGEST]
        reading: Any = self._tree.read(wanted)
        with closing(reading):
            for file, data in zip(wanted, reading, strict=True):
                if data is not None:
                    self._keep(file.path, data)

    def lines(self, path: str) -> list[str]:
        """A file's lines without their ends, undecodable bytes replaced; empty where it cannot be read."""
        data = self.read(path)
        return data.decode("utf-8", "replace").removesuffix("\n").split("\n") if data else []

    def _keep(self, path: str, data: bytes) -> None:
        self._kept[path] = data
        self._bytes += len(data)
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1])
