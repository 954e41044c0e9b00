"""Tests for a tree that is being worked on: what it began as is known, and its changes are asked about as they grow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from codebase.commands import TestCommand
from codebase.history import Past
from codebase.index.cache import BlobCache
from codebase.index.contents import Contents
from codebase.index.corpus import Corpus
from codebase.index.grammars import grammar_for
from codebase.index.links import links_of
from codebase.index.tree import Tree
from codebase.navigation import import_graph
from codebase.testing.edits import MOST_FILES, Edit, compare
from codebase.testing.mapping import TestMap
from codebase.testing.running import commands_for
from codebase.testing.selection import Selection

_LARGEST = 1 << 20
MOST = 10


def build_map(corpus: Corpus, tree: Tree, contents: Contents, cache: BlobCache, past: Past | None = None) -> TestMap:
    """The map of a commit whose index is there: its links are read where they are not kept yet, then its imports."""
    files = [file for path, file in contents.files.items() if grammar_for(path) is not None]
    links = links_of(tree, files, cache)
    return TestMap(corpus, links, import_graph(contents.files, links, contents.read), past)


@dataclass(frozen=True, slots=True)
class Choice:
    """The tests for a change, and the commands that run those of them that are worth running first."""

    selection: Selection
    commands: tuple[str, ...]


class Chooser:
    """`contents`: of the tree as it began, which this object has to itself. `make` gives the map, once, in a thread of
    its own; `known` and `script` as commands_for takes them. For any number of threads."""

    def __init__(
        self, contents: Contents, make: Callable[[], TestMap], known: Sequence[TestCommand] = (), script: str = ""
    ) -> None:
        self._contents, self._make, self._known, self._script = contents, make, known, script
        self._lock = threading.Lock()
        self._made = threading.Event()
        self._begun = False
        self._map: TestMap | None = None
        self.failure: Exception | None = None
        """Why there is no answer, once that is known."""

    def begin(self) -> None:
        """Has the map made beside what the caller goes on with."""
        with self._lock:
            begun, self._begun = self._begun, True
        if not begun:
            threading.Thread(target=self._work, name="test map", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether a question is answered at once."""
        return self._made.is_set() and self._map is not None

    def choose(self, changes: Mapping[str, bytes | None], *, wait_s: float) -> Choice | None:
        """The tests for changes against the tree as it began: new contents by path, None for what was removed.

        None where there is no map after `wait_s` seconds, or none can be made. Files that are not text, that have more
        than 1 MiB, and all after the first 500 do not speak.
        """
        self.begin()
        if not self._made.wait(wait_s) or self._map is None:
            return None
        try:
            with self._lock:
                selection = self._map.select(self._edits(changes), most=MOST)
        except Exception as error:
            # As below: what a hostile tree can do to it ends here.
            self.failure = error
            return None
        return Choice(selection, tuple(commands_for(selection.likely, self._known, self._script)))

    def _work(self) -> None:
        try:
            self._map = self._make()
        except Exception as error:
            # It costs the advice, never the work: whoever asks is told that there is none.
            self.failure = error
        self._made.set()

    def _edits(self, changes: Mapping[str, bytes | None]) -> list[Edit]:
        edits = []
        for path, content in sorted(changes.items())[:MOST_FILES]:
            old = self._contents.read(path)
            if old == content or any(
                data and (len(data) > _LARGEST or b"\0" in data[:8192]) for data in (old, content)
            ):
                continue
            if old is None and content is None:
                continue
            edits.append(compare(PurePosixPath(path).as_posix(), _text(old), _text(content)))
        return edits


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
