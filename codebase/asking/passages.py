"""The passages an answer is drawn from: places that hold enough of the question, and whom they call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from codebase.asking.deciding import Coverage, citable, cover_lines, is_product, is_prose
from codebase.asking.indexed_tree import IndexedTree
from codebase.asking.question import Question
from codebase.index.contents import Contents
from codebase.index.corpus import Corpus
from codebase.index.links import Call
from codebase.index.ranking import rank
from codebase.index.report import read_report
from codebase.index.words import terms_of, whole
from codebase.navigation import NotThere

LOOKED_AT = 80
PASSAGES = 5
PER_FILE = 2
HOPS = 3
_NEAR = 0.7
_OF_FILE = 0.7
_FULLEST = 20
_PROSE_LOOKED_AT = 12
FILES_WITH_CALLS = 200
CALLERS = 100


@dataclass(frozen=True, slots=True)
class Passage:
    """A place of the corpus; `called` says from which call of which place it was reached."""

    place: int
    called: tuple[int, Call] | None = None


def passages(corpus: Corpus, question: Question, coverage: Coverage, *, most: int = PASSAGES) -> list[Passage]:
    """The best places of the product's code: search's order weighed with how much of the question stands in each."""
    ranked = rank(corpus, read_report(question.text), most=LOOKED_AT).places
    highest = max((score for _, score in ranked), default=1.0)
    scores = dict(ranked) | {place: 0.0 for place in _fullest(coverage) if place not in dict(ranked)}
    weighed = {
        place: (score / highest + float(coverage.places[place])) * (1.0 if corpus.name(place) else _OF_FILE)
        for place, score in scores.items()
        if is_product(corpus.path(place)) and coverage.places[place] >= _NEAR * coverage.best
    }
    named = [place for name in question.names for place in defining(corpus, name)]
    for place in named[:most]:
        weighed[place] = weighed.get(place, 0.0) + 1.0
    found: list[Passage] = []
    in_file: dict[str, int] = {}
    least = _NEAR * max(weighed.values(), default=0.0)
    for place in sorted(weighed, key=lambda one: (-weighed[one], one)):
        path = corpus.path(place)
        if weighed[place] < least:
            break
        if in_file.get(path, 0) < PER_FILE:
            in_file[path] = in_file.get(path, 0) + 1
            found.append(Passage(place))
    return found[:most]


def _fullest(coverage: Coverage) -> list[int]:
    """The places that hold most of the question, whatever search says of them."""
    return [int(place) for place in np.argsort(-coverage.places, kind="stable")[:_FULLEST] if coverage.places[place]]


def prose(corpus: Corpus, question: Question, coverage: Coverage, contents: Contents) -> tuple[str, int, float] | None:
    """The document that says most about the question: its path, the line its best dozen lines begin at, their share."""
    ranked = rank(corpus, read_report(question.text), most=4 * LOOKED_AT).files
    paths = [corpus.paths[file] for file, _ in ranked]
    paths = [path for path in paths if is_prose(path)][:_PROSE_LOOKED_AT]
    contents.load(paths)
    judged = [(cover_lines(question, coverage, contents.lines(path)), -at, path) for at, path in enumerate(paths)]
    if not judged:
        return None
    (share, start), _, path = max(judged, key=lambda one: (one[0][0], one[1]))
    return path, start + 1, share


def defining(corpus: Corpus, name: str) -> list[int]:
    """The places of product code that define a name, those spelt exactly so first."""
    last = name.rpartition(".")[2]
    found = [place for place in corpus.by_name.get(last.lower(), ()) if is_product(corpus.path(place))]
    exact = [place for place in found if corpus.name(place).rpartition(".")[2] == last]
    exact = [place for place in exact if f".{corpus.name(place)}".endswith(f".{name}")] or exact
    return [place for place in exact or found if citable(corpus.path(place))]


def callers(source: IndexedTree, name: str) -> list[tuple[int, Call]]:
    """Who calls a name, as place and call: product code first, the calls that surely mean it first; at most a hundred.

    Of what this repository does not define, by the last part of the name, so that namesakes are among them.
    """
    try:
        found = source.navigator.callers(name, most=CALLERS).places
    except NotThere:
        return _calls_named(source, name.rpartition(".")[2])
    ordered = sorted(found, key=lambda one: (not is_product(one.path), one.certainty != "exact"))
    return [
        (_at(source.corpus, one.path, one.start_line), Call(one.start_line, name, 0))
        for one in ordered
        if citable(one.path)
    ]


def _calls_named(source: IndexedTree, last: str) -> list[tuple[int, Call]]:
    corpus = source.corpus
    files = sorted(
        {int(corpus.file_of[place]) for place in corpus.places[corpus.postings(whole(last))]},
        key=lambda file: (not is_product(corpus.paths[file]), file),
    )
    paths = [corpus.paths[file] for file in files if citable(corpus.paths[file])][:FILES_WITH_CALLS]
    known = source.links_of(paths)
    return [
        (_at(corpus, path, call.line), call)
        for path in paths
        for call in (known[path].calls if path in known else ())
        if call.name.rpartition(".")[2] == last
    ][:CALLERS]


def hops(source: IndexedTree, question: Question, found: Iterable[Passage]) -> list[Passage]:
    """The definitions that the passages call, where it is plain which is meant and it has to do with the question."""
    corpus = source.corpus
    known_places = {passage.place for passage in found}
    links = source.links_of(list(dict.fromkeys(corpus.path(place) for place in known_places)))
    wanted = {term for word in question.words for term in word.terms if word.weight >= 1}
    reached: dict[int, Passage] = {}
    for passage in found:
        path = corpus.path(passage.place)
        for call in links[path].calls if path in links else ():
            last = call.name.rpartition(".")[2]
            if wanted.isdisjoint({*terms_of(last), whole(last)}) or _at(corpus, path, call.line) != passage.place:
                continue
            target = _meant(source, path, call)
            if target is not None and target not in known_places and target not in reached:
                reached[target] = Passage(target, (passage.place, call))
            if len(reached) == HOPS:
                return list(reached.values())
    return list(reached.values())


def _meant(source: IndexedTree, path: str, call: Call) -> int | None:
    """The product's definition that a call means, where the program's own rules lead to one or only one fits."""
    last = call.name.rpartition(".")[2]
    try:
        found = source.navigator.definition(last, path=path, line=call.line).places
    except NotThere:
        return None
    defined = [one for one in found if one.kind in ("function", "class") and is_product(one.path)]
    sure = [one for one in defined if one.certainty == "exact"] or defined
    return _at(source.corpus, sure[0].path, sure[0].end_line) if len(sure) == 1 else None


def _at(corpus: Corpus, path: str, line: int) -> int:
    """The innermost place of a file that holds a line; the file's own where no definition does."""
    file = next(one for one in corpus.by_basename[path.rpartition("/")[2]] if corpus.paths[one] == path)
    holding = [place for place in corpus.places_of(file) if corpus.spans[place][0] <= line <= corpus.spans[place][1]]
    return max(holding, key=lambda place: (int(corpus.spans[place][0]), place), default=int(corpus.first[file]))
