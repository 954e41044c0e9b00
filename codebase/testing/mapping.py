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
from math import log2
from pathlib import PurePosixPath

from codebase.history import Past, companions
from codebase.index.corpus import Corpus
from codebase.index.grammars import grammar_for
from codebase.index.links import Links
from codebase.index.words import WORD
from codebase.testing.conventions import is_test, likeness
from codebase.testing.edits import Edit
from codebase.testing.lookups import DEEPEST, SPECIAL, Lookups
from codebase.testing.selection import EXERCISES, Kind, Reason, Selected, Selection

MOST_TESTS = 30
_MOST_SYMBOLS = 60
_MOST_CALLERS = 12
_WORDS_SHOWN = 4
_LEAST_ALIKE = 0.25
_MOST_EDITS = 100
_REASONS_SHOWN = 6
_TESTS_SHOWN = 12
_CHANGED = 10.0
_UNLINKED = 0.3
"""A name in a test that no import leads to may be another one's."""
_DEFINED = re.compile(
    r"\b(?:def|class|function|func|fn|struct|trait|interface|type|enum|module|record)\s+(?:\([^)\n]{0,80}\)\s*)?"
    r"([A-Za-z_$][\w$]*)"
)


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
        self._known, self._past, self._weights = Lookups(corpus, links, graph), past, weights

    def select(self, edits: Sequence[Edit], *, most: int = MOST_TESTS) -> Selection:
        """The tests for a change, whose lines are those of the commit that this map is of.

        Of its files of code the 100 with most changed lines speak; where none is code, the others do.
        """
        found: dict[str, _Found] = defaultdict(_Found)
        code = [edit for edit in edits if grammar_for(edit.path) is not None and not is_test(edit.path)]
        others = [edit for edit in edits if grammar_for(edit.path) is None and not is_test(edit.path)]
        speaking = sorted(code or others, key=lambda edit: -edit.size)[:_MOST_EDITS]
        total = sum(log2(1 + edit.size) + 0.1 for edit in speaking) or 1.0
        changed = {edit.path: self._symbols(edit) for edit in speaking}
        for edit in speaking:
            self._edit(edit, changed[edit.path], found, (log2(1 + edit.size) + 0.1) / total)
        spoken = [edit for edit in code if edit.path in changed]
        for edit in edits:
            if is_test(edit.path) and edit.new_path is not None:
                found[edit.new_path].add("changed", edit.path, "", _CHANGED)
                self._said(edit, {one.path: changed[one.path] for one in spoken}, found)
        gone = {edit.path for edit in edits if edit.new_path != edit.path}
        kept = {path: one for path, one in found.items() if path not in gone}
        ranked = sorted(kept, key=lambda path: (-kept[path].score, path))
        chosen = tuple(self._selected(path, found[path]) for path in ranked[:most])
        exercising = {edit.path: self._exercising(edit, kept) for edit in spoken if edit.new_path is not None}
        return Selection(chosen, exercising, len(ranked) - len(chosen))

    def _said(self, test: Edit, code: Mapping[str, Sequence[_Symbol]], found: dict[str, _Found]) -> None:
        """What a test's own changed lines name of the changed code, which the commit of this map cannot know."""
        words = set(WORD.findall(test.text))
        for path, symbols in code.items():
            for symbol in symbols:
                if symbol.worth == 1.0 and symbol.name in words and test.new_path is not None:
                    found[test.new_path].add("names", path, symbol.for_, self._weights.names / len(code))

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
        names = [self._known.corpus.name(place) for place in places]
        return Selected(
            path,
            round(found.score, 4),
            tuple(reasons[:_REASONS_SHOWN]),
            tuple(dict.fromkeys(name for name in names if name))[:_TESTS_SHOWN],
        )

    def _edit(self, edit: Edit, symbols: Sequence[_Symbol], found: dict[str, _Found], share: float) -> None:
        near = self._known.reached(edit.path)
        linked = near.keys() | self._known.neighbours(edit.path)
        for symbol in symbols:
            self._symbol(symbol, edit.path, linked, found, share)
        self._imports(edit.path, near, found, share)
        for test in self._known.tests:
            alike = likeness(test, edit.path)
            if alike:
                found[test].add("named after", edit.path, "", self._weights.named_after * alike * share)
        if PurePosixPath(edit.path).name == "conftest.py":
            folder = edit.path.removesuffix("conftest.py")
            for test in self._known.tests:
                if test.startswith(folder):
                    found[test].add("imports", edit.path, "", self._weights.imports * share)
        if grammar_for(edit.path) is not None:
            self._words(edit, found, share)
        if self._past is not None:
            for one in companions(self._past, [edit.path], most=200):
                if one.path in self._known.test_files:
                    worth = self._weights.changes_with * one.together / (one.of + 2) * share
                    found[one.path].add("changes with", edit.path, f"{one.together} of {one.of} times", worth)

    def _words(self, edit: Edit, found: dict[str, _Found], share: float) -> None:
        for test, (much, words) in self._known.speaking_of(edit.text).items():
            if much > _LEAST_ALIKE:
                detail = ", ".join(dict.fromkeys(words[:_WORDS_SHOWN]))
                found[test].add("shares words", edit.path, detail, self._weights.words * much * share)

    def _symbols(self, edit: Edit) -> list[_Symbol]:
        """What is changed, by name: definitions around changed lines, and those that come or go in them. Of what no
        test is likely to call by its name, those that call it too."""
        changed: dict[str, str] = {}
        for name in (*self._known.around(edit), *_DEFINED.findall(edit.text)):
            parts = name.split(".")
            if parts[-1] in SPECIAL and len(parts) > 1:
                parts.pop()
            changed.setdefault(parts[-1], ".".join(parts))
        symbols = [_Symbol(last, name, 1.0) for last, name in list(changed.items())[:_MOST_SYMBOLS]]
        for symbol in symbols[:_MOST_SYMBOLS]:
            if symbol.name not in self._known.calling or symbol.name.startswith("_"):
                callers = self._known.callers.get(symbol.name, ())
                # A name that is called everywhere is many things.
                if 0 < len(callers) <= _MOST_CALLERS:
                    symbols += [
                        _Symbol(name, symbol.for_, self._weights.callers)
                        for name in sorted(callers)
                        if name not in changed
                    ]
        return symbols

    def _symbol(self, symbol: _Symbol, path: str, linked: Set[str], found: dict[str, _Found], share: float) -> None:
        calling = self._known.calling.get(symbol.name, {})
        rarity = 1 / log2(1 + max(1, len(calling)))
        detail = symbol.for_ if symbol.worth == 1.0 else f"{symbol.name}, which calls {symbol.for_},"
        for test, calls in calling.items():
            known = test in linked
            worth = self._weights.calls * symbol.worth * rarity * (1.0 if known else _UNLINKED) * share
            found[test].add("calls" if known else "mentions", path, detail, worth, calls[0][0])
            for _, place in calls:
                places = found[test].places
                places[place] = places.get(place, 0.0) + worth
        naming = self._known.naming(symbol.name) if symbol.worth == 1.0 and len(symbol.name) > 3 else {}
        rarity = 1 / log2(1 + max(1, len(naming)))
        for test, inside in naming.items():
            if test not in calling:
                known = test in linked
                worth = self._weights.names * rarity * (1.0 if known else _UNLINKED) * share
                found[test].add("names" if known else "mentions", path, symbol.for_, worth)
                for place in inside:
                    places = found[test].places
                    places[place] = places.get(place, 0.0) + worth

    def _imports(self, path: str, near: Mapping[str, int], found: dict[str, _Found], share: float) -> None:
        tests = {test: distance for test, distance in near.items() if test in self._known.test_files}
        for distance in range(1, DEEPEST + 1):
            here = [test for test, far in tests.items() if far == distance]
            if not here:
                continue
            rarity = 1 / log2(1 + sum(far <= distance for far in tests.values()))
            for test in here:
                if distance == 1:
                    line = self._known.graph[test][path]
                    found[test].add("imports", path, "", self._weights.imports * rarity * share, line)
                else:
                    through = min(
                        (other for other in self._known.graph.get(test, ()) if near.get(other) == distance - 1),
                        default="",
                    )
                    worth = self._weights.reaches * rarity * 0.5 ** (distance - 2) * share
                    found[test].add("reaches", path, through, worth, self._known.graph[test].get(through, 0))
