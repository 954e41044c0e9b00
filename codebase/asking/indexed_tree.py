"""One commit as questions are put to it: its index, its lines, what leads from file to file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from codebase.index.cache import BlobCache
from codebase.index.contents import Contents
from codebase.index.corpus import Corpus
from codebase.index.links import Links, links_of
from codebase.index.tree import Tree
from codebase.navigation import Navigator


class IndexedTree:
    """`corpus` is of the same files as `tree`; `cache` the one it was built with, open for as long as this is used;
    `commit` is empty for a folder that is no clone."""

    def __init__(self, tree: Tree, cache: BlobCache, corpus: Corpus, *, commit: str = "") -> None:
        self.corpus, self.commit = corpus, commit
        self._tree, self.cache = tree, cache

    @cached_property
    def contents(self) -> Contents:
        return Contents(self._tree)

    @cached_property
    def navigator(self) -> Navigator:
        return Navigator(self._tree, self.cache, self.corpus)

    def links_of(self, paths: Sequence[str]) -> Mapping[str, Links]:
        """What leads from the files at these paths, by path; without those that cannot be read."""
        files = self.contents.files
        return links_of(self._tree, [files[path] for path in paths if path in files], self.cache)
