"""The static map from code to the tests that exercise it, read off names, calls, imports and the past.

Handing an agent this map cut its regressions from 6.1% to 1.8%, while telling it to test without the map made them
worse, 9.9% (research/agent.md 3.2). Nothing is run: a test that reaches code by what only a run shows (a plug-in, a
string, a fixture found by name) is missed, and what has a common name may be somebody else's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from math import log2
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from codebase.history import Past, companions
from codebase.index.corpus import Corpus
from codebase.index.grammars import grammar_for
from codebase.index.links import Links
from codebase.index.words import WORD, terms_of, whole
from codebase.testing.conventions import is_test, likeness
from codebase.testing.edits import Edit
from codebase.testing.selection import EXERCISES, Kind, Reason, Selected, Selection

MOST_TESTS = 30
_MOST_SYMBOLS = 60
_MOST_CALLERS = 12
_MOST_WORDS = 60
_REASONS_SHOWN = 6
_TESTS_SHOWN = 12
_DEEPEST = 3
_CHANGED = 10.0
_UNLINKED = 0.3
"""A name in a test that no import leads to may be another one's."""
_DEFINED = re.compile(
    r"\b(?:def|class|function|func|fn|struct|trait|interface|type|enum|module|record)\s+(?:\([^)\n]{0,80}\)\s*)?"
    r"([A-Za-z_$][\w$]*)"
)
_SPECIAL = frozenset({"__init__", "__new__", "__call__", "__post_init__", "constructor", "initialize", "new"})


@dataclass(frozen=True, slots=True)
class Weights:
    """What each kind of evidence counts, each between 0 and 1 before that."""

    calls: float = 1.0
    names: float = 0.6
    callers: float = 0.5
    imports: float = 0.6
    reaches: float = 0.3
    named_after: float = 1.0
    words: float = 0.5
    changes_with: float = 1.0


DEFAULT = Weights()


@dataclass(slots=True)
class _Found:
    """What speaks for one test file: its score and its reasons with what each adds."""

    score: float = 0.0
    reasons: dict[Reason, float] = field(default_factory=dict)
    places: dict[int, float] = field(default_factory=dict)

    def add(self, kind: Kind, path: str, detail: str, worth: float, line: int = 0) -> None:
        if worth > 0:
            reason = Reason(kind, path, detail, line)
            self.reasons[reason] = max(worth, self.reasons.get(reason, 0.0))
            self.score += worth


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A name to look for in tests, `for_` the changed one it stands for; `worth` 1 for the changed one itself."""

    name: str
    for_: str
    worth: float


class TestMap:
    """The tests of one commit. `graph`: which file imports which, and on which line (codebase.navigation)."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(
        self,
        corpus: Corpus,
        links: Mapping[str, Links],
        graph: Mapping[str, Mapping[str, int]],
        past: Past | None = None,
        weights: Weights = DEFAULT,
    ) -> None:
        self._corpus, self._links, self._graph, self._past, self._weights = corpus, links, graph, past, weights

    def select(self, edits: Sequence[Edit], *, most: int = MOST_TESTS) -> Selection:
        """The tests for a change, whose lines are those of the commit that this map is of."""
        found: dict[str, _Found] = defaultdict(_Found)
        code = [edit for edit in edits if grammar_for(edit.path) is not None and not is_test(edit.path)]
        others = [edit for edit in edits if grammar_for(edit.path) is None and not is_test(edit.path)]
        speaking = code or others
        total = sum(log2(1 + edit.size) + 0.1 for edit in speaking) or 1.0
        for edit in speaking:
            self._edit(edit, found, (log2(1 + edit.size) + 0.1) / total)
        for edit in edits:
            if is_test(edit.path) and edit.new_path is not None:
                found[edit.new_path].add("changed", edit.path, "", _CHANGED)
                self._said(edit, code, found)
        gone = {edit.path for edit in edits if edit.new_path != edit.path}
        kept = {path: one for path, one in found.items() if path not in gone}
        ranked = sorted(kept, key=lambda path: (-kept[path].score, path))
        chosen = tuple(self._selected(path, found[path]) for path in ranked[:most])
        exercising = {edit.path: self._exercising(edit, kept) for edit in code if edit.new_path is not None}
        return Selection(chosen, exercising, len(ranked) - len(chosen))

    def _said(self, test: Edit, code: Sequence[Edit], found: dict[str, _Found]) -> None:
        """What a test's own changed lines name of the changed code, which the commit of this map cannot know."""
        words = set(WORD.findall(test.text))
        for edit in code:
            for symbol in self._symbols(edit):
                if symbol.worth == 1.0 and symbol.name in words and test.new_path is not None:
                    found[test.new_path].add("names", edit.path, symbol.for_, self._weights.names / len(code))

    def _exercising(self, edit: Edit, found: Mapping[str, _Found]) -> tuple[str, ...]:
        """The tests of one changed file, whatever the rest of the change makes likely."""
        worth: dict[str, float] = defaultdict(float)
        reached: dict[str, float] = defaultdict(float)
        for test, one in found.items():
            for reason, adds in one.reasons.items():
                if reason.path == edit.path and reason.kind in EXERCISES:
                    worth[test] += adds
                elif reason.path == edit.path and reason.kind == "reaches":
                    reached[test] += adds
        worth = worth or reached
        return tuple(sorted(worth, key=lambda test: (-worth[test], test))[:MOST_TESTS])

    def _selected(self, path: str, found: _Found) -> Selected:
        reasons = sorted(found.reasons, key=lambda reason: (-found.reasons[reason], reason.line))
        places = sorted(found.places, key=lambda place: (-found.places[place], place))
        names = [self._corpus.name(place) for place in places]
        return Selected(
            path,
            round(found.score, 4),
            tuple(reasons[:_REASONS_SHOWN]),
            tuple(dict.fromkeys(name for name in names if name))[:_TESTS_SHOWN],
        )

    def _edit(self, edit: Edit, found: dict[str, _Found], share: float) -> None:
        near = self._reached(edit.path)
        linked = near.keys() | self._neighbours(edit.path)
        for symbol in self._symbols(edit):
            self._symbol(symbol, edit.path, linked, found, share)
        self._imports(edit.path, near, found, share)
        for test in self._tests:
            alike = likeness(test, edit.path)
            if alike:
                found[test].add("named after", edit.path, "", self._weights.named_after * alike * share)
        if PurePosixPath(edit.path).name == "conftest.py":
            folder = edit.path.removesuffix("conftest.py")
            for test in self._tests:
                if test.startswith(folder):
                    found[test].add("imports", edit.path, "", self._weights.imports * share)
        self._words(edit, found, share)
        if self._past is not None:
            for one in companions(self._past, [edit.path], most=200):
                if one.path in self._test_files:
                    worth = self._weights.changes_with * one.together / (one.of + 2) * share
                    found[one.path].add("changes with", edit.path, f"{one.together} of {one.of} times", worth)

    def _symbols(self, edit: Edit) -> list[_Symbol]:
        """What is changed, by name: definitions around changed lines, and those that come or go in them. Of what no
        test is likely to call by its name, those that call it too."""
        changed: dict[str, str] = {}
        for name in (*self._around(edit), *_DEFINED.findall(edit.text)):
            parts = name.split(".")
            if parts[-1] in _SPECIAL and len(parts) > 1:
                parts.pop()
            changed.setdefault(parts[-1], ".".join(parts))
        symbols = [_Symbol(last, name, 1.0) for last, name in list(changed.items())[:_MOST_SYMBOLS]]
        for symbol in symbols[:_MOST_SYMBOLS]:
            if symbol.name not in self._calling or symbol.name.startswith("_"):
                callers = self._callers.get(symbol.name, ())
                # A name that is called everywhere is many things.
                if 0 < len(callers) <= _MOST_CALLERS:
                    symbols += [
                        _Symbol(name, symbol.for_, self._weights.callers)
                        for name in sorted(callers)
                        if name not in changed
                    ]
        return symbols

    def _around(self, edit: Edit) -> list[str]:
        """The definitions that changed lines lie in: the innermost, not those around it."""
        file = self._file.get(edit.path)
        if file is None:
            return []
        corpus = self._corpus
        names: dict[str, None] = {}
        places = list(corpus.places_of(file))
        for first, last in edit.lines:
            touching = [place for place in places if corpus.spans[place][0] <= last and first <= corpus.spans[place][1]]
            inner = [corpus.name(place) for place in touching if corpus.name(place)]
            names |= dict.fromkeys(name for name in inner if not any(other.startswith(f"{name}.") for other in inner))
        return list(names)

    def _symbol(self, symbol: _Symbol, path: str, linked: Set[str], found: dict[str, _Found], share: float) -> None:
        calling = self._calling.get(symbol.name, {})
        rarity = 1 / log2(1 + max(1, len(calling)))
        detail = symbol.for_ if symbol.worth == 1.0 else f"{symbol.name}, which calls {symbol.for_},"
        for test, calls in calling.items():
            known = test in linked
            worth = self._weights.calls * symbol.worth * rarity * (1.0 if known else _UNLINKED) * share
            found[test].add("calls" if known else "mentions", path, detail, worth, calls[0][0])
            for _, place in calls:
                places = found[test].places
                places[place] = places.get(place, 0.0) + worth
        naming = self._naming(symbol.name) if symbol.worth == 1.0 and len(symbol.name) > 3 else {}
        rarity = 1 / log2(1 + max(1, len(naming)))
        for test, inside in naming.items():
            if test not in calling:
                known = test in linked
                worth = self._weights.names * rarity * (1.0 if known else _UNLINKED) * share
                found[test].add("names" if known else "mentions", path, symbol.for_, worth)
                for place in inside:
                    places = found[test].places
                    places[place] = places.get(place, 0.0) + worth

    def _naming(self, name: str) -> dict[str, list[int]]:
        """Tests with an identifier in them, and the places where."""
        corpus = self._corpus
        found: dict[str, list[int]] = defaultdict(list)
        for place in corpus.places[corpus.postings(whole(name))]:
            path = corpus.path(int(place))
            if path in self._test_files:
                found[path].append(int(place))
        return found

    def _imports(self, path: str, near: Mapping[str, int], found: dict[str, _Found], share: float) -> None:
        tests = {test: distance for test, distance in near.items() if test in self._test_files}
        for distance in range(1, _DEEPEST + 1):
            here = [test for test, far in tests.items() if far == distance]
            if not here:
                continue
            rarity = 1 / log2(1 + sum(far <= distance for far in tests.values()))
            for test in here:
                if distance == 1:
                    line = self._graph[test][path]
                    found[test].add("imports", path, "", self._weights.imports * rarity * share, line)
                else:
                    through = min(
                        (other for other in self._graph.get(test, ()) if near.get(other) == distance - 1), default=""
                    )
                    worth = self._weights.reaches * rarity * 0.5 ** (distance - 2) * share
                    found[test].add("reaches", path, through, worth, self._graph[test].get(through, 0))

    def _reached(self, path: str) -> dict[str, int]:
        """The files that import `path`, with over how many others; tests are not gone through."""
        far = {path: 0}
        edge = [path]
        for distance in range(1, _DEEPEST + 1):
            edge = [
                other
                for file in edge
                if file == path or file not in self._test_files
                for other in self._importers.get(file, ())
                if far.setdefault(other, distance) == distance
            ]
        del far[path]
        return far

    def _neighbours(self, path: str) -> set[str]:
        """The tests that need no import to use a file: of its package, which in Go is its folder."""
        if path.endswith(".go"):
            folder = path.rpartition("/")[0]
            return {test for test in self._tests if test.endswith(".go") and test.rpartition("/")[0] == folder}
        packages = set(self._links[path].packages) if path in self._links else set()
        return {test for test in self._tests if test in self._links and packages & set(self._links[test].packages)}

    def _words(self, edit: Edit, found: dict[str, _Found], share: float) -> None:
        """Tests that speak of the same things as the changed lines: BM25 of their places, over the tests only."""
        corpus = self._corpus
        if not self._test_places.any():
            return
        counts: dict[int, int] = defaultdict(int)
        spelled: dict[int, str] = {}
        for word in WORD.findall(edit.text):
            for term in terms_of(word):
                counts[term] += 1
                spelled.setdefault(term, word)
        total = int(self._test_places.sum())
        scored: list[tuple[float, int, NDArray[np.int32], NDArray[np.float32]]] = []
        for term, times in counts.items():
            at = corpus.postings(term)
            kept = self._test_places[corpus.places[at]]
            places = corpus.places[at][kept]
            if 0 < len(places) < 0.2 * total:
                idf = log2(1 + (total - len(places) + 0.5) / (len(places) + 0.5))
                scored.append((idf * (1 + log2(times)), term, places, corpus.counts[at][kept].astype(np.float32)))
        scored.sort(key=lambda one: -one[0])
        scores = np.zeros(corpus.size, np.float32)
        for weight, _, places, often in scored[:_MOST_WORDS]:
            long = corpus.lengths[places] / self._usual_length
            scores[places] += weight * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * long))
        best: dict[int, float] = {}
        for place in np.argsort(-scores)[:400]:
            if scores[place] <= 0:
                break
            file = int(corpus.file_of[place])
            best[file] = best.get(file, 0.0) + float(scores[place]) / (1 + 3 * (file in best))
        top = max(best.values(), default=0.0)
        telling = ", ".join(dict.fromkeys(spelled[term] for _, term, _, _ in scored[:4]))
        for file, score in best.items():
            if score > 0.25 * top:
                path = corpus.paths[file]
                found[path].add("shares words", edit.path, telling, self._weights.words * score / top * share)

    @cached_property
    def _file(self) -> Mapping[str, int]:
        return {path: number for number, path in enumerate(self._corpus.paths)}

    @cached_property
    def _tests(self) -> Sequence[str]:
        return [path for path in self._corpus.paths if grammar_for(path) is not None and is_test(path)]

    @cached_property
    def _test_files(self) -> frozenset[str]:
        return frozenset(self._tests)

    @cached_property
    def _test_places(self) -> NDArray[np.bool_]:
        flags = np.array([path in self._test_files for path in self._corpus.paths], dtype=np.bool_)
        return flags[self._corpus.file_of] if len(flags) else np.zeros(0, np.bool_)

    @cached_property
    def _usual_length(self) -> float:
        return float(self._corpus.lengths[self._test_places].mean()) or 1.0

    @cached_property
    def _importers(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path, imported in self._graph.items():
            for other in imported:
                found[other].append(path)
        return found

    @cached_property
    def _calling(self) -> Mapping[str, Mapping[str, list[tuple[int, int]]]]:
        """By the last part of a callee's name: the tests that call it, with line and place."""
        found: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(dict)
        for path in self._tests:
            first = int(self._corpus.first[self._file[path]])
            for call in self._links[path].calls if path in self._links else ():
                found[_last(call.name)].setdefault(path, []).append((call.line, first + call.place))
        return found

    @cached_property
    def _callers(self) -> Mapping[str, set[str]]:
        """By the last part of a callee's name: the last parts of the names of what calls it outside of tests."""
        found: dict[str, set[str]] = defaultdict(set)
        for path, links in self._links.items():
            file = self._file.get(path)
            if path in self._test_files or file is None:
                continue
            names = self._corpus.blobs[file].names
            for call in links.calls:
                caller = _last(names[call.place]) if call.place < len(names) else ""
                if caller and caller not in _SPECIAL and not caller.startswith("__"):
                    found[_last(call.name)].add(caller)
        return found


def _last(name: str) -> str:
    return name.rpartition(".")[2]
