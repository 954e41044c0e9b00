"""How well search finds where a known change was made: Acc@k as LocAgent, SweRank and Agentless define it.

An issue counts at k only when all its gold files (functions) are among the first k, of which at most k are asked for;
`__init__` counts as its class. Functions are judged on the issues that change at least one. Intervals: 95%, bootstrap
over issues. Data: a JSON list as SWE-bench's rows with `gold` (`files`, `functions` as `path:Class.method`, `lines`).
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from codebase.index import BlobCache, Contents, Corpus, build_corpus
from codebase.index.ranking import DEFAULT, Weights, rank
from codebase.index.report import read_report
from codebase.index.reranking import Embedder, Reranker, VectorCache
from codebase.index.searching import Reorder
from repositories.commit_tree import commit_tree

FILES_AT = (1, 3, 5, 10)
FUNCTIONS_AT = (5, 10)
LINES = 1_000
PLAIN = Weights(
    k1=1.2, b=0.75, head=0, file_bm25=0, best_place=1, top_places=0, mentions=0, place_bm25=1, place_name=0,
    place_lines=0, of_file=0, place_mentions=0, test=1, aside=1, prose=1, init=1,
)  # fmt: skip
"""BM25 over definitions and nothing else, with our words."""
CONTENDERS: Mapping[str, Weights] = {"forgehand": DEFAULT, "BM25 over definitions": PLAIN}
ABLATIONS: Mapping[str, Weights] = {
    "without names": replace(DEFAULT, head=0, place_name=0),
    "without the share of the name": replace(DEFAULT, place_name=0),
    "without extents": replace(DEFAULT, place_lines=0),
    "lengths in full": replace(DEFAULT, b=DEFAULT.file_place_b),
    "without the file's score": replace(DEFAULT, of_file=0),
    "without pointers": replace(DEFAULT, mentions=0, place_mentions=0),
    "without demotions": replace(DEFAULT, test=1, aside=1, prose=1, init=1),
}
"""Each a part of the ranking left out."""
SECOND_LOOK = "with a second look"
_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One issue: whether each measure counts it (a share for the lines), and the time of its query in seconds."""

    instance: str
    values: Mapping[str, float]
    seconds: float
    missed: tuple[str, ...] = ()


@dataclass(slots=True)
class Figures:
    """Of each measure: the mean over the issues it applies to and its interval."""

    number: int
    means: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    query_ms: tuple[float, float] = (0.0, 0.0)


def measure(
    data: Sequence[Mapping[str, Any]],
    clone_of: Callable[[str], Path],
    told: Callable[[str], None],
    contenders: Mapping[str, Weights] = CONTENDERS,
    second_look: Embedder | None = None,
) -> Mapping[str, list[Outcome]]:
    """Every issue by every contender. `clone_of` a repository's name: a git repository that has the base commits.
    With `second_look` there is one contender more, forgehand's first places reordered by it."""
    found: dict[str, list[Outcome]] = {name: [] for name in [*contenders, *([SECOND_LOOK] if second_look else [])]}
    with tempfile.TemporaryDirectory(prefix="forgehand-localise-") as folder, ExitStack() as stack:
        caches: dict[str, BlobCache] = {}
        for row in data:
            repository = str(row["repo"])
            if repository not in caches:
                caches[repository] = BlobCache(Path(folder) / f"{len(caches)}.db")
                stack.callback(caches[repository].close)
            tree = commit_tree(clone_of(repository), str(row["base_commit"]))
            corpus = build_corpus(tree, caches[repository])
            for name, weights in contenders.items():
                found[name].append(judge(corpus, row, weights))
            if second_look is not None:
                with closing(VectorCache(Path(folder) / "vectors.db")) as vectors:
                    reorder = Reranker(Contents(tree), second_look, vectors)
                    found[SECOND_LOOK].append(judge(corpus, row, DEFAULT, reorder))
            told(str(row["instance_id"]))
    return found


def clone_in(folder: Path, repository: str) -> Path:
    """The clone of `owner/name` below `folder`: `owner+name/repo` or `owner+name`."""
    clone = folder / repository.replace("/", "+")
    return clone / "repo" if (clone / "repo").is_dir() else clone


def judge(corpus: Corpus, row: Mapping[str, Any], weights: Weights, reorder: Reorder | None = None) -> Outcome:
    """One issue on its repository. The files are ranked by their first place in the one list that users get."""
    began = time.perf_counter()
    text = str(row["problem_statement"])
    scored = rank(corpus, read_report(text), weights).places
    if reorder is not None:
        scored = reorder(corpus, text, scored)
    seconds = time.perf_counter() - began
    places = [place for place, _ in scored]
    files = list(dict.fromkeys(corpus.path(place) for place in places))
    functions = list(
        dict.fromkeys(
            f"{corpus.path(place)}:{_folded(corpus.name(place))}"
            for place in places
            if corpus.kind(place) == "function"
        )
    )
    gold = row["gold"]
    values: dict[str, float] = {f"file@{k}": all_among(gold["files"], files, k) for k in FILES_AT}
    wanted = list(dict.fromkeys(_folded(name) for name in gold["functions"]))
    if wanted:
        values |= {f"function@{k}": all_among(wanted, functions, k) for k in FUNCTIONS_AT}
    if gold["lines"]:
        values[f"lines in {LINES}"] = _line_recall(corpus, places, {(path, line) for path, line in gold["lines"]})
    missed = tuple(path for path in gold["files"] if path not in files[: FILES_AT[-1]])
    return Outcome(str(row["instance_id"]), values, seconds, missed)


def all_among(gold: Sequence[str], found: Sequence[str], k: int) -> float:
    """1.0 when min(|gold|, k) of the gold are among the first k found, else 0.0."""
    first = set(found[:k])
    return float(sum(one in first for one in gold) >= min(len(gold), k))


def _folded(name: str) -> str:
    return name.removesuffix(".__init__")


def _line_recall(corpus: Corpus, places: Sequence[int], gold: set[tuple[str, int]]) -> float:
    """The share of the gold lines among the first lines shown, each counted once."""
    shown: set[tuple[str, int]] = set()
    for place in places:
        start, end = (int(line) for line in corpus.spans[place])
        for line in range(start, end + 1):
            if len(shown) == LINES:
                return len(shown & gold) / len(gold)
            shown.add((corpus.path(place), line))
    return len(shown & gold) / len(gold)


def figures(outcomes: Sequence[Outcome]) -> Figures:
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.values)
    times = sorted(outcome.seconds * 1000 for outcome in outcomes)
    found = Figures(len(outcomes))
    for name in names:
        values = [outcome.values[name] for outcome in outcomes if name in outcome.values]
        found.means[name] = (sum(values) / len(values), *_interval(values))
    if times:
        found.query_ms = times[len(times) // 2], times[min(len(times) - 1, int(0.9 * len(times)))]
    return found


def differences(one: Sequence[Outcome], other: Sequence[Outcome]) -> dict[str, tuple[float, float, float]]:
    """Of each measure: how much more the other has, issue by issue: the mean and its interval."""
    found = {}
    for name in dict.fromkeys(name for outcome in one for name in outcome.values):
        gains = [b.values[name] - a.values[name] for a, b in zip(one, other, strict=True) if name in a.values]
        found[name] = (sum(gains) / len(gains), *_interval(gains))
    return found


def _interval(values: Sequence[float]) -> tuple[float, float]:
    dice = random.Random(1)
    means = sorted(sum(dice.choices(values, k=len(values))) / len(values) for _ in range(_RESAMPLES))
    return means[int(0.025 * _RESAMPLES)], means[int(0.975 * _RESAMPLES)]


def as_document(found: Mapping[str, list[Outcome]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, outcomes in found.items():
        told = figures(outcomes)
        document[name] = {
            "issues": told.number,
            "query_ms": {"p50": round(told.query_ms[0], 1), "p90": round(told.query_ms[1], 1)},
            "measures": {
                measure: {"mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
                for measure, (mean, low, high) in told.means.items()
            },
        }
    return document
