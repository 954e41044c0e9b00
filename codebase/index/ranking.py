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
from codebase.index.report import Frame, Report
from codebase.index.words import terms_of

Scores = NDArray[np.float32]
TEST = re.compile(
    r"(^|/)(tests?|testing|__tests__|spec|specs)(/|$)"
    r"|(^|/)(test_[^/]*|[^/]*_test\.\w+|[^/]*\.(test|spec)\.\w+|conftest\.py)$"
)
ASIDE = re.compile(
    r"(^|/)(docs?|examples?|samples?|benchmarks?|asv_bench|scripts?|tools|ci|\.github|changelog"
    r"|vendor|vendored|third_party|_vendor|packages|node_modules|dist|build)(/|$)"
    r"|(^|/)(setup|versioneer|_version)\.py$"
)
_CODE = re.compile(r"\.(pyi?|pyx|[cm]?[jt]sx?|go|rs|java|cc?|cpp|cxx|hh?|hpp|cuh?|rb|php|cs)$")


@dataclass(frozen=True, slots=True)
class Weights:
    """How rankers are weighed against each other. The defaults were tuned on SWE-bench Lite's development split."""

    k1: float = 1.4
    b: float = 0.75
    head: float = 3.6
    file_b: float = 0.9
    file_path: float = 4.4
    file_bm25: float = 0.6
    best_place: float = 0.95
    top_places: float = 0.85
    mentions: float = 1.0
    place_bm25: float = 0.9
    of_file: float = 0.45
    place_mentions: float = 0.66
    test: float = 0.3
    aside: float = 0.5
    prose: float = 0.5
    init: float = 0.8


DEFAULT = Weights()


@dataclass(frozen=True, slots=True)
class Ranked:
    """Places and files with their scores, best first."""

    places: list[tuple[int, float]]
    files: list[tuple[int, float]]


def rank(corpus: Corpus, report: Report, weights: Weights = DEFAULT, *, most: int = 400) -> Ranked:
    """The places and files that have any score."""
    if corpus.size == 0:
        return Ranked([], [])
    place_bm25, file_bm25 = _bm25(corpus, report, weights)
    file_mentions, place_mentions = _mentions(corpus, report)
    best, top = _of_places(corpus, place_bm25)
    priors = _priors(corpus, weights)
    files = priors * (
        weights.file_bm25 * _unit(file_bm25)
        + weights.best_place * _unit(best)
        + weights.top_places * _unit(top)
        + weights.mentions * file_mentions
    )
    files = _unit(files)
    places = (
        weights.place_bm25 * _unit(place_bm25 * priors[corpus.file_of])
        + weights.of_file * files[corpus.file_of]
        + weights.place_mentions * place_mentions * priors[corpus.file_of]
    )
    known = (place_bm25 > 0) | (place_mentions > 0)
    known[corpus.first[:-1]] |= file_mentions > 0  # who names a file means the file, whatever is in it
    places[~known] = 0
    return Ranked(_best(places, most), _best(files, most))


def _bm25(corpus: Corpus, report: Report, weights: Weights) -> tuple[Scores, Scores]:
    places = np.zeros(corpus.size, np.float32)
    number = len(corpus.paths)
    files = np.zeros(number, np.float32)
    mean = max(1.0, float(corpus.lengths.mean()))
    norm = weights.k1 * (1 - weights.b + weights.b * corpus.lengths / mean)
    file_lengths = np.bincount(corpus.file_of, weights=corpus.lengths, minlength=number)
    file_norm = weights.k1 * (1 - weights.file_b + weights.file_b * file_lengths / max(1.0, float(file_lengths.mean())))
    paths = _path_terms(corpus, report)
    for term, asked in report.terms.items():
        found = corpus.postings(term)
        where = corpus.places[found]
        if len(where):
            tf = corpus.counts[found] + weights.head * corpus.heads[found]
            rarity = np.log(1 + (corpus.size - len(where) + 0.5) / (len(where) + 0.5))
            places[where] += asked * rarity * tf * (weights.k1 + 1) / (tf + norm[where])
        times = corpus.counts[found].astype(np.float32) + corpus.heads[found]
        in_file = np.bincount(corpus.file_of[where], weights=times, minlength=number)
        for file in paths.get(term, ()):
            in_file[file] += weights.file_path
        holding = np.flatnonzero(in_file)
        if len(holding):
            tf = in_file[holding]
            rarity = np.log(1 + (number - len(holding) + 0.5) / (len(holding) + 0.5))
            files[holding] += asked * rarity * tf * (weights.k1 + 1) / (tf + file_norm[holding])
    return places, files


def _path_terms(corpus: Corpus, report: Report) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for file, path in enumerate(corpus.paths):
        for word in re.findall(r"[^\W\d]\w*", path.rpartition(".")[0]):
            for term in terms_of(word):
                if term in report.terms:
                    found.setdefault(term, []).append(file)
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
    depth = 1.0
    for frame in reversed(report.frames):
        file = resolve(corpus, frame.path)
        if file is None or TEST.search(corpus.paths[file]):
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
        real = [place for place in found if not TEST.search(corpus.path(place))]
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
    for file, path in enumerate(corpus.paths):
        if TEST.search(path):
            found[file] *= weights.test
        if ASIDE.search(path):
            found[file] *= weights.aside
        if not _CODE.search(path):
            found[file] *= weights.prose
        if path.endswith("__init__.py"):
            found[file] *= weights.init
        if corpus.blobs[file].generated:
            found[file] *= weights.aside
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
