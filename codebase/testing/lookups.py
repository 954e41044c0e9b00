"""What is known of one commit's tests, looked up by the map: who calls, names, imports and resembles what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import log2

import numpy as np
from numpy.typing import NDArray

from codebase.index.corpus import Corpus
from codebase.index.grammars import grammar_for
from codebase.index.links import Links
from codebase.index.words import WORD, terms_of, whole
from codebase.testing.conventions import is_test
from codebase.testing.edits import Edit

DEEPEST = 3
SPECIAL = frozenset({"__init__", "__new__", "__call__", "__post_init__", "constructor", "initialize", "new"})
"""Methods that nobody calls by their name."""
_MOST_RUNS = 500
_MOST_WORDS = 60
_MOST_PLACES = 400


class Lookups:
    """One commit, seen from its tests. Everything is worked out when it is first asked for, and kept."""

    def __init__(self, corpus: Corpus, links: Mapping[str, Links], graph: Mapping[str, Mapping[str, int]]) -> None:
        self.corpus, self.graph = corpus, graph
        self._links = links

    @cached_property
    def tests(self) -> Sequence[str]:
        """The test files in a language whose definitions are known."""
        return [path for path in self.corpus.paths if grammar_for(path) is not None and is_test(path)]

    @cached_property
    def test_files(self) -> frozenset[str]:
        return frozenset(self.tests)

    @cached_property
    def calling(self) -> Mapping[str, Mapping[str, list[tuple[int, int]]]]:
        """By the last part of a callee's name: the tests that call it, with line and place."""
        found: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(dict)
        for path in self.tests:
            first = int(self.corpus.first[self._file[path]])
            for call in self._links[path].calls if path in self._links else ():
                found[last_part(call.name)].setdefault(path, []).append((call.line, first + call.place))
        return dict(found)

    @cached_property
    def callers(self) -> Mapping[str, set[str]]:
        """By the last part of a callee's name: the last parts of the names of what calls it outside of tests."""
        found: dict[str, set[str]] = defaultdict(set)
        for path, links in self._links.items():
            file = self._file.get(path)
            if path in self.test_files or file is None:
                continue
            names = self.corpus.blobs[file].names
            for call in links.calls:
                caller = last_part(names[call.place]) if call.place < len(names) else ""
                if caller and caller not in SPECIAL and not caller.startswith("__"):
                    found[last_part(call.name)].add(caller)
        return dict(found)

    def naming(self, name: str) -> dict[str, list[int]]:
        """Tests with an identifier in them, and the places where."""
        found: dict[str, list[int]] = defaultdict(list)
        for place in self.corpus.places[self.corpus.postings(whole(name))]:
            path = self.corpus.path(int(place))
            if path in self.test_files:
                found[path].append(int(place))
        return found

    def around(self, edit: Edit) -> list[str]:
        """The definitions that changed lines lie in: the innermost, not those around them."""
        file = self._file.get(edit.path)
        if file is None:
            return []
        places = self.corpus.places_of(file)
        spans = self.corpus.spans[places.start : places.stop]
        names: dict[str, None] = {}
        for first, last in edit.lines[:_MOST_RUNS]:
            touching = np.flatnonzero((spans[:, 0] <= last) & (first <= spans[:, 1]))
            inside = [name for at in touching if (name := self.corpus.name(places.start + int(at)))]
            outer = {name.rpartition(".")[0] for name in inside}
            names |= dict.fromkeys(name for name in inside if name not in outer)
        return list(names)

    def reached(self, path: str) -> dict[str, int]:
        """The files that import `path`, and in how many steps; tests are not gone through."""
        far = {path: 0}
        edge = [path]
        for distance in range(1, DEEPEST + 1):
            edge = [
                other
                for file in edge
                if file == path or file not in self.test_files
                for other in self._importers.get(file, ())
                if far.setdefault(other, distance) == distance
            ]
        del far[path]
        return far

    def neighbours(self, path: str) -> set[str]:
        """The tests that need no import to use a file: of its package, which in Go is its folder."""
        if path.endswith(".go"):
            folder = path.rpartition("/")[0]
            return {test for test in self.tests if test.endswith(".go") and test.rpartition("/")[0] == folder}
        packages = set(self._links[path].packages) if path in self._links else set()
        return {test for package in packages for test in self._of_package.get(package, ())}

    def speaking_of(self, text: str) -> dict[str, tuple[float, list[str]]]:
        """Tests that speak of the same things as a text, 1 for the one that does most, each with the words in it that
        tell most.

        BM25 of their places, over the tests only; words of more than every fifth place say nothing.
        """
        scored = self._terms(text)
        if not scored:
            return {}
        corpus = self.corpus
        scores = np.zeros(corpus.size, np.float32)
        for weight, _, places, often in scored:
            long = corpus.lengths[places] / self._usual_length
            scores[places] += weight * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * long))
        hit = np.flatnonzero(scores)
        best: dict[str, float] = {}
        where: dict[str, int] = {}
        for place in hit[np.argsort(-scores[hit], kind="stable")][:_MOST_PLACES]:
            path = corpus.path(int(place))
            best[path] = best.get(path, 0.0) + float(scores[place]) / (4 if path in best else 1)
            where.setdefault(path, int(place))
        top = max(best.values())
        said = [(word, frozenset(places.tolist())) for _, word, places, _ in scored]
        return {
            path: (score / top, [word for word, places in said if where[path] in places])
            for path, score in best.items()
        }

    def _terms(self, text: str) -> list[tuple[float, str, NDArray[np.int32], NDArray[np.float32]]]:
        """The telling terms of a text: weight, a word it stands in, and the places of tests with how often each."""
        counts: dict[int, int] = defaultdict(int)
        spelled: dict[int, str] = {}
        for word in WORD.findall(text):
            for term in terms_of(word):
                counts[term] += 1
                spelled.setdefault(term, word)
        corpus, total = self.corpus, int(self._test_places.sum())
        found = []
        for term, times in counts.items():
            at = corpus.postings(term)
            kept = self._test_places[corpus.places[at]]
            places = corpus.places[at][kept]
            if 0 < len(places) < 0.2 * total:
                idf = log2(1 + (total - len(places) + 0.5) / (len(places) + 0.5))
                often = corpus.counts[at][kept].astype(np.float32)
                found.append((idf * (1 + log2(times)), spelled[term], places, often))
        found.sort(key=lambda one: -one[0])
        return found[:_MOST_WORDS]

    @cached_property
    def _file(self) -> Mapping[str, int]:
        return {path: number for number, path in enumerate(self.corpus.paths)}

    @cached_property
    def _importers(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path, imported in self.graph.items():
            for other in imported:
                found[other].append(path)
        return dict(found)

    @cached_property
    def _of_package(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for test, package in self._packages():
            found[package].append(test)
        return dict(found)

    def _packages(self) -> Iterator[tuple[str, str]]:
        for test in self.tests:
            for package in self._links[test].packages if test in self._links else ():
                yield test, package

    @cached_property
    def _test_places(self) -> NDArray[np.bool_]:
        flags = np.array([path in self.test_files for path in self.corpus.paths], dtype=np.bool_)
        return flags[self.corpus.file_of] if len(flags) else np.zeros(0, np.bool_)

    @cached_property
    def _usual_length(self) -> float:
        return float(self.corpus.lengths[self._test_places].mean()) or 1.0


def last_part(name: str) -> str:
    """`close` of `self.socket.close`."""
    return name.rpartition(".")[2]
