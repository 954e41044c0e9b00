"""One commit as navigation reads it: its places at once, what leads from a file only when that file is asked for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial

from codebase.index.building import build_corpus
from codebase.index.cache import BlobCache
from codebase.index.contents import Contents
from codebase.index.corpus import Corpus
from codebase.index.grammars import grammar_for
from codebase.index.links import Import, Links, links_of
from codebase.index.parsing import parse_all
from codebase.index.tree import Tree
from codebase.index.words import terms_of, whole
from codebase.navigation.imports import Imports
from codebase.navigation.names import parts_of
from codebase.navigation.occurrences import Occurrence, find_occurrences, pattern_of, read_occurrences

_TEXT_CHARS = 200
_HEAD_LINES = 30
_NO_HEADS = ("@", "#[", "//", "/*", "*", "[")
_MOST_NAMES = 8
_NO_LINKS = Links()


class Commit:
    """Not for several threads at once. A place is its number in the corpus."""

    def __init__(self, tree: Tree, cache: BlobCache, corpus: Corpus | None = None) -> None:
        self._tree, self._cache, self._corpus = tree, cache, corpus
        self._links: dict[str, Links] = {}
        self._imports_of: dict[str, list[tuple[Import, str, str]]] = {}
        self._qualified: dict[str, dict[str, list[int]]] = {}
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._class_around: dict[int, int | None] = {}
        self.contents = Contents(tree)

    @cached_property
    def corpus(self) -> Corpus:
        return self._corpus or build_corpus(self._tree, self._cache)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Files of the corpus by path."""
        return {path: number for number, path in enumerate(self.corpus.paths)}

    @cached_property
    def code(self) -> Sequence[str]:
        """The files in a language whose links are known."""
        return [path for path in self.corpus.paths if grammar_for(path) is not None]

    @cached_property
    def _imports(self) -> Imports:
        return Imports(self.contents.files, _AllLinks(self), self.contents.read)

    def language(self, path: str) -> str:
        grammar = grammar_for(path)
        return grammar.name if grammar is not None else ""

    def is_generated(self, path: str) -> bool:
        file = self.numbers.get(path)
        return file is not None and self.corpus.blobs[file].generated

    def load_links(self, paths: Iterable[str]) -> None:
        """Reads the links of several files in one go."""
        files = self.contents.files
        wanted = [files[path] for path in dict.fromkeys(paths) if path not in self._links and path in files]
        if wanted:
            self._links |= links_of(self._tree, wanted, self._cache)

    def links(self, path: str) -> Links:
        self.load_links([path])
        return self._links.get(path, _NO_LINKS)

    def imports(self, path: str) -> list[tuple[Import, str, str]]:
        """What a file's imports make known and where it comes from (Imports.of)."""
        if path not in self._imports_of:
            self._imports_of[path] = list(self._imports.of(path))
        return self._imports_of[path]

    def module(self, path: str, module: str, name: str) -> list[str]:
        """The files that `module` would mean in an import in `path`, and a `name` taken from it."""
        return [target for _, target in self._imports.targets(path, Import(0, module, (name,), (name,)))]

    def place(self, path: str, number: int) -> int:
        """The place with this number in its blob; that of the file where the blob has no such."""
        file = self.numbers[path]
        places = self.corpus.places_of(file)
        return places[number] if number < len(places) else places[0]

    def places(self, path: str) -> range:
        """A file's places, its own first; none where there is no such file."""
        file = self.numbers.get(path)
        return self.corpus.places_of(file) if file is not None else range(0)

    def place_at(self, path: str, line: int) -> int | None:
        """The innermost place around a line; None where the file has no such line."""
        places = self.places(path)
        spans = self._spans_of(path)
        inside = [number for number, (start, end) in enumerate(spans) if start <= line <= end]
        innermost = max(inside, key=lambda number: (spans[number][0], -spans[number][1], number), default=None)
        return None if innermost is None else places[innermost]

    def span(self, place: int) -> tuple[int, int]:
        path = self.corpus.path(place)
        return self._spans_of(path)[place - self.places(path).start]

    def _spans_of(self, path: str) -> list[tuple[int, int]]:
        if path not in self._spans:
            places = self.places(path)
            rows = self.corpus.spans[places.start : places.stop].tolist()
            self._spans[path] = [(start, end) for start, end in rows]
        return self._spans[path]

    def qualified(self, path: str) -> Mapping[str, list[int]]:
        """A file's definitions by their dotted name, whatever separates its parts there."""
        if path not in self._qualified:
            found: dict[str, list[int]] = {}
            for place in self.places(path)[1:]:
                found.setdefault(".".join(parts_of(self.corpus.name(place))), []).append(place)
            self._qualified[path] = found
        return self._qualified[path]

    @cached_property
    def named(self) -> Mapping[str, Sequence[int]]:
        """Definitions by the last part of their name."""
        found: dict[str, list[int]] = defaultdict(list)
        for file, blob in enumerate(self.corpus.blobs):
            first = int(self.corpus.first[file])
            for number, name in enumerate(blob.names):
                if name:
                    found[parts_of(name)[-1] if "::" in name or "<" in name else name.rpartition(".")[2]].append(
                        first + number
                    )
        return found

    def class_around(self, place: int) -> int | None:
        """The class a definition stands in, or the place itself where it is one."""
        if place not in self._class_around:
            self._class_around[place] = self._find_class(place)
        return self._class_around[place]

    def _find_class(self, place: int) -> int | None:
        path = self.corpus.path(place)
        start, end = self.span(place)
        around = [
            other for other, (first, last) in zip(self.places(path), self._spans_of(path), strict=True)
            if first <= start and end <= last and self._is_class(other)
        ]  # fmt: skip
        # A definition outside of its class's lines is named by it: Go's methods, C++'s.
        owner = ".".join(parts_of(self.corpus.name(place))[:-1])
        named = [other for other in around if ".".join(parts_of(self.corpus.name(other))) == owner]
        if not self._is_class(place) and owner and not named:
            return next((other for other in self.qualified(path).get(owner, ()) if self._is_class(other)), None)
        return max(around, key=lambda other: (self.span(other)[0], other), default=None)

    def _is_class(self, place: int) -> bool:
        return self.corpus.kind(place) == "class"

    def files_with(self, name: str) -> list[str]:
        """Files of code in which this identifier may stand, by the index alone."""
        term = whole(name)
        if term not in terms_of(name):
            return list(self.code)
        where = self.corpus.postings(term)
        files = sorted({int(file) for file in self.corpus.file_of[self.corpus.places[where]]})
        return [path for path in (self.corpus.paths[file] for file in files) if grammar_for(path) is not None]

    def names_of(self, name: str) -> list[str]:
        """The name and what imports call it instead, in files that say so and in those that import from these."""
        names = [name]
        for one in names:
            paths = self.files_with(one)
            self.load_links(paths)
            renamed = [
                known
                for path in paths
                for imported in self.links(path).imports
                for taken, known in zip(imported.names, imported.known, strict=False)
                if taken == one and known != one
            ]
            names += [known for known in dict.fromkeys(renamed) if known not in names][: _MOST_NAMES - len(names)]
        return names

    def occurrences(self, names: Sequence[str], paths: Sequence[str]) -> dict[str, list[Occurrence]]:
        """Where identifiers stand in these files; parsed in processes of their own, those in which they are text."""
        self.contents.load(paths)
        pattern = pattern_of(names)
        found = ((path, self.contents.read(path)) for path in paths)
        wanted = [(self.contents.files[path], data) for path, data in found if data and pattern.search(data)]
        parsed = parse_all(wanted, partial(find_occurrences, tuple(names)), 1 + (len(wanted) > 10))
        return {file.path: read_occurrences(packed) for file, packed in parsed}

    def line(self, path: str, line: int) -> str:
        lines = self.contents.lines(path)
        return lines[line - 1].strip()[:_TEXT_CHARS] if 0 < line <= len(lines) else ""

    def head(self, place: int) -> str:
        """The line of a definition that has its name."""
        line = self.head_line(place)
        return self.line(self.corpus.path(place), line) if line else ""

    def head_line(self, place: int) -> int:
        """That line's number; 0 for a file."""
        start, end = self.span(place)
        if self.corpus.kind(place) == "file":
            return 0
        lines = self.contents.lines(self.corpus.path(place))[start - 1 : min(end, start + _HEAD_LINES)]
        pattern = re.compile(rf"(?<![\w$]){re.escape(parts_of(self.corpus.name(place))[-1])}(?![\w$])")
        own = (
            number for number, line in enumerate(lines, start=start)
            if pattern.search(line) and not line.lstrip().startswith(_NO_HEADS)
        )  # fmt: skip
        return next(own, start)


class _AllLinks(Mapping[str, Links]):
    """The links of a commit by path, read when they are asked for: most languages' imports need no others'."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit

    def __getitem__(self, path: str) -> Links:
        if path not in self._commit.numbers:
            raise KeyError(path)
        return self._commit.links(path)

    def __iter__(self) -> Iterator[str]:
        self._commit.load_links(self._commit.code)
        return iter(self._commit.code)

    def __len__(self) -> int:
        return len(self._commit.code)
