"""Which places an issue is about, best first: BM25 over places and files, and what the report points at outright.

Every ranker's scores are brought to 0..1 and added with fixed weights; none of them was learnt, and none looks at the
history (measured elsewhere: a prior from past commits makes it worse).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codebase.index.corpus import Corpus
from codebase.index.paths import ASIDE, TEST
from codebase.index.report import Frame, Report

__all__ = ["ASIDE", "DEFAULT", "TEST", "Ranked", "Weights", "rank", "resolve"]

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """How rankers are weighed against each other.

    Those of places were chosen on issues made from other repositories' histories, by cross-validation over
    repositories, and kept where SWE-bench Lite's development split did not speak against them; those of files were
    tuned on that split.
    """

    k1: float = 1.4
    b: float = 0.5
    head: float = 3.6
    file_k1: float = 1.4
    file_b: float = 0.9
    file_path: float = 4.4
    file_place_b: float = 0.75
    file_bm25: float = 0.6
    best_place: float = 0.95
    top_places: float = 0.85
    mentions: float = 1.0
    place_bm25: float = 0.5
    place_name: float = 0.11
    place_lines: float = 0.2
    of_file: float = 0.36
    place_mentions: float = 0.18
    test: float = 0.3
    aside: float = 0.5
    prose: float = 0.5
    init: float = 0.8


DEFAULT = Weights()
_MANY_LINES = 150
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Places and files with their scores, best first."""

    places: list[tuple[int, float]]
    files: list[tuple[int, float]]


def rank(corpus: Corpus, report: Report, weights: Weights = DEFAULT, *, most: int = 400) -> Ranked:
    """The places and files that have any score."""
    if corpus.size == 0:
        return Ranked([], [])
    matched = _matched(corpus, report, weights)
    file_mentions, place_mentions = _mentions(corpus, report)
    best, top = _of_places(corpus, matched.for_files)
    priors = _priors(corpus, weights)
    files = _unit(
        priors
        * (
            weights.file_bm25 * _unit(matched.files)
            + weights.best_place * _unit(best)
            + weights.top_places * _unit(top)
            + weights.mentions * file_mentions
        )
    )
    prior = priors[corpus.file_of]
    places = (
        weights.place_bm25 * _unit(matched.places * prior)
        + prior * (weights.place_name * matched.names + weights.place_mentions * place_mentions)
        + weights.place_lines * _extent(corpus)
        + weights.of_file * files[corpus.file_of]
    ).astype(np.float32)
    known = (matched.places > 0) | (place_mentions > 0)
    known[corpus.first[:-1]] |= file_mentions > 0  # who names a file means the file, whatever is in it
    places[~known] = 0
    return Ranked(_best(places, most), _best(files, most))


@dataclass(frozen=True, slots=True)
class _Matched:
    """What BM25 says. `places`: of places; `for_files`: the same with the length counted in full, which is better for
    telling files apart; `names`: the share of a place's name that is asked for, by rarity; `files`: of files, their
    paths included."""

    places: Scores
    for_files: Scores
    names: Scores
    files: Scores


def _matched(corpus: Corpus, report: Report, weights: Weights) -> _Matched:
    number = len(corpus.paths)
    places, for_files, names = (np.zeros(corpus.size, np.float32) for _ in range(3))
    files = np.zeros(number, np.float32)
    relative = corpus.lengths / max(1.0, float(corpus.lengths.mean()))
    norm = weights.k1 * (1 - weights.b + weights.b * relative)
    full_norm = weights.k1 * (1 - weights.file_place_b + weights.file_place_b * relative)
    file_lengths = np.bincount(corpus.file_of, weights=corpus.lengths, minlength=number)
    relative = file_lengths / max(1.0, float(file_lengths.mean()))
    file_norm = weights.file_k1 * (1 - weights.file_b + weights.file_b * relative)
    for term, asked in report.terms.items():
        found = corpus.postings(term)
        where, counts, heads = corpus.places[found], corpus.counts[found], corpus.heads[found]
        if len(where):
            tf = counts + weights.head * heads
            rarity = _rarity(len(where), corpus.size)
            gain = asked * rarity * tf * (weights.k1 + 1)
            places[where] += gain / (tf + norm[where])
            for_files[where] += gain / (tf + full_norm[where])
            names[where[heads > 0]] += rarity
        in_file = np.bincount(corpus.file_of[where], weights=counts.astype(np.float32) + heads, minlength=number)
        np.add.at(in_file, corpus.by_path_term.get(term, _NONE), weights.file_path)
        holding = np.flatnonzero(in_file)
        if len(holding):
            tf = in_file[holding]
            rarity = asked * _rarity(len(holding), number)
            files[holding] += rarity * tf * (weights.file_k1 + 1) / (tf + file_norm[holding])
    names /= np.maximum(corpus.name_rarity, np.float32(1e-6))
    return _Matched(places, for_files, names, files)


def _rarity(holding: int, of: int) -> float:
    return float(np.log(1 + (of - holding + 0.5) / (holding + 0.5)))


def _extent(corpus: Corpus) -> Scores:
    """0..1 by the number of lines: of two places that fit alike, the longer one is more often the one to change."""
    lines = np.log1p((corpus.spans[:, 1] - corpus.spans[:, 0] + 1).astype(np.float32))
    found: Scores = np.minimum(lines / np.float32(np.log1p(_MANY_LINES)), np.float32(1))
    return found


def _of_places(corpus: Corpus, scores: Scores) -> tuple[Scores, Scores]:
    """For each file the score of its best place, and of its best three together."""
    order = np.lexsort((-scores, corpus.file_of))
    ranked = scores[order]
    start = corpus.first[:-1]
    number = np.diff(corpus.first)
    best: Scores = ranked[start]
    top: Scores = best.copy()
    for further in (1, 2):
        has = number > further
        top[has] += ranked[start[has] + further]
    return best, top


def _mentions(corpus: Corpus, report: Report) -> tuple[Scores, Scores]:
    files = np.zeros(len(corpus.paths), np.float32)
    places = np.zeros(corpus.size, np.float32)
    tests = corpus.marks[:, 0]
    depth = 1.0
    for frame in reversed(report.frames):
        file = resolve(corpus, frame.path)
        if file is None or tests[file]:
            continue
        files[file] += depth
        if (place := _at(corpus, file, frame)) is not None:
            places[place] += depth
        depth *= 0.7
    for frame in report.lines:
        file = resolve(corpus, frame.path)
        if file is not None:
            files[file] += 1.0
            if frame.line and (place := _at(corpus, file, frame)) is not None:
                places[place] += 1.0
    for path in report.paths:
        file = resolve(corpus, path)
        if file is not None:
            files[file] += 1.2
    _dotted(corpus, report, files, places)
    for name, weight in report.named.items():
        found = corpus.by_name.get(name.lower(), ())
        real = [place for place in found if not tests[corpus.file_of[place]]]
        if real:
            share = weight * 0.5 / len(real)
            for place in real[:50]:
                places[place] += share
                files[int(corpus.file_of[place])] += share * 0.8
    return np.minimum(files / 2, 1, dtype=np.float32), np.minimum(places / 2, 1, dtype=np.float32)


def _dotted(corpus: Corpus, report: Report, files: Scores, places: Scores) -> None:
    """`package.module.Class.method`, `module.function`, `Class.method`: by the longest part that is known."""
    for dotted in report.dotted:
        parts = dotted.split(".")
        last = corpus.by_name.get(parts[-1].lower(), ())
        if len(parts) > 1:
            exact = [
                place
                for place in last
                if corpus.name(place).endswith(".".join(parts[-2:]))
                or re.search(rf"(^|/){re.escape(parts[-2])}(/__init__)?\.\w+$", corpus.path(place))
            ]
            for place in exact[:5]:
                places[place] += 0.8 / len(exact[:5])
                files[int(corpus.file_of[place])] += 0.6 / len(exact[:5])
        for length in range(len(parts), 1, -1):
            path = "/".join(parts[:length])
            found = [
                file
                for file in corpus.by_basename.get(f"{parts[length - 1]}.py", ())
                if re.search(rf"(^|/){re.escape(path)}\.py$", corpus.paths[file])
            ]
            if found:
                for file in found[:3]:
                    files[file] += 0.6 / len(found[:3])
                break


def resolve(corpus: Corpus, path: str) -> int | None:
    """The file a path in a report means: the one that shares the longest end with it, if only one does."""
    parts = path.replace("\\", "/").split("/")
    candidates = corpus.by_basename.get(parts[-1], ())
    best: list[int] = []
    longest = 0
    for file in candidates:
        own = corpus.paths[file].split("/")
        shared = 0
        while shared < min(len(own), len(parts)) and own[-1 - shared] == parts[-1 - shared]:
            shared += 1
        if shared > longest:
            best, longest = [file], shared
        elif shared == longest:
            best.append(file)
    if len(best) == 1 and (longest > 1 or len(candidates) == 1 or len(corpus.paths[best[0]].split("/")) == 1):
        return best[0]
    return None


def _at(corpus: Corpus, file: int, frame: Frame) -> int | None:
    """The place a frame stands in: by its function where it names one, as lines move, else by its line."""
    inside = [
        place
        for place in corpus.places_of(file)
        if corpus.spans[place][0] <= frame.line <= corpus.spans[place][1] and corpus.name(place)
    ]
    name = frame.function.rpartition(".")[2]
    by_name = [place for place in corpus.places_of(file) if name and corpus.name(place).rpartition(".")[2] == name]
    both = [place for place in inside if place in by_name]
    chosen = both or by_name or inside
    return min(chosen, key=lambda place: abs(int(corpus.spans[place][0]) - frame.line)) if chosen else None


def _priors(corpus: Corpus, weights: Weights) -> Scores:
    found = np.ones(len(corpus.paths), np.float32)
    for where, weight in enumerate((weights.test, weights.aside, weights.prose, weights.init)):
        found[corpus.marks[:, where]] *= weight
    generated = [file for file, blob in enumerate(corpus.blobs) if blob.generated]
    found[generated] *= weights.aside
    return found


def _unit(scores: Scores) -> Scores:
    highest = float(scores.max(initial=0.0))
    return (scores / highest).astype(np.float32) if highest > 0 else scores


def _best(scores: Scores, most: int) -> list[tuple[int, float]]:
    number = min(most, int(np.count_nonzero(scores)))
    if number == 0:
        return []
    chosen = np.argpartition(-scores, number - 1)[:number]
    ordered = chosen[np.lexsort((chosen, -scores[chosen]))]
    return [(int(one), float(scores[one])) for one in ordered]
