"""Files as somebody has changed them since the commit a navigator knows: read as they are now, by themselves.

What they import is not resolved: of what stands in them only the name is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from codebase.index.blob import Blob, read_packed, unpack
from codebase.index.grammars import grammar_for
from codebase.index.parsing import parse_all
from codebase.navigation.names import parts_of
from codebase.navigation.occurrences import find_occurrences, read_occurrences
from codebase.navigation.place import Place

_TEXT_CHARS = 200
SCOPE = "changed since"


@dataclass(frozen=True, slots=True)
class _Now:
    path: str
    blob: str
    size: int


class Present:
    """`changed`: the present content of the files that differ from the commit, None for one that is gone."""

    def __init__(self, changed: Mapping[str, bytes | None]) -> None:
        self.paths = frozenset(changed)
        self._contents = {path: data for path, data in changed.items() if data is not None and grammar_for(path)}

    def outline(self, path: str) -> tuple[Place, ...] | None:
        """The definitions that are in a file now; None for one that is gone or of no language that is known."""
        if path not in self._contents:
            return None
        (blob,) = self._blobs([path]).values()
        lines = self._lines(path)
        return tuple(self._definition(path, blob, lines, number) for number in range(1, len(blob.names)))

    def definitions(self, name: str) -> tuple[Place, ...]:
        """What these files now define under the last part of this name."""
        last = parts_of(name)[-1]
        wanted = [path for path, data in self._contents.items() if last.encode("utf-8", "surrogateescape") in data]
        return tuple(
            self._definition(path, blob, self._lines(path), number)
            for path, blob in self._blobs(wanted).items()
            for number, other in enumerate(blob.names)
            if number and parts_of(other)[-1] == last
        )

    def uses(self, name: str) -> tuple[Place, ...]:
        """Where these files now use the last part of this name."""
        last = parts_of(name)[-1]
        files = [(_Now(path, "", len(data)), data) for path, data in sorted(self._contents.items())]
        found = {
            file.path: occurrences
            for file, packed in parse_all(files, partial(find_occurrences, (last,)), 1)
            if (occurrences := read_occurrences(packed))
        }
        blobs = self._blobs(list(found))
        return tuple(
            Place(path, line, line, self._symbol(blobs[path], line), kind, self._text(path, line), "by_name", SCOPE)
            for path, occurrences in found.items()
            for line, kind in dict.fromkeys((line, kind) for line, _, kind in occurrences)
            if line not in self._heads(path, blobs[path], last)
        )

    def _blobs(self, paths: list[str]) -> dict[str, Blob]:
        files = [(_Now(path, "", len(self._contents[path])), self._contents[path]) for path in sorted(paths)]
        return {file.path: unpack(packed) for file, packed in parse_all(files, read_packed, 1)}

    def _definition(self, path: str, blob: Blob, lines: list[str], number: int) -> Place:
        start, end = (int(line) for line in blob.spans[number])
        head = self._head(blob, lines, number)
        text = lines[head - 1].strip()[:_TEXT_CHARS] if head <= len(lines) else ""
        return Place(path, start, end, blob.names[number], blob.kinds[number], text, "by_name", SCOPE)

    def _heads(self, path: str, blob: Blob, last: str) -> set[int]:
        """The lines on which definitions of a name begin."""
        lines = self._lines(path)
        return {
            self._head(blob, lines, number)
            for number, name in enumerate(blob.names)
            if number and parts_of(name)[-1] == last
        }

    def _head(self, blob: Blob, lines: list[str], number: int) -> int:
        start, end = (int(line) for line in blob.spans[number])
        last = parts_of(blob.names[number])[-1]
        return next((at for at, line in enumerate(lines[start - 1 : end], start=start) if last in line), start)

    def _symbol(self, blob: Blob, line: int) -> str:
        inside = [
            (int(start), -int(end), number) for number, (start, end) in enumerate(blob.spans) if start <= line <= end
        ]
        return blob.names[max(inside)[2]] if inside else ""

    def _text(self, path: str, line: int) -> str:
        lines = self._lines(path)
        return lines[line - 1].strip()[:_TEXT_CHARS] if line <= len(lines) else ""

    def _lines(self, path: str) -> list[str]:
        return self._contents[path].decode("utf-8", "replace").split("\n")
