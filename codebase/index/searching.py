"""The question people and the agent ask: which places is this about?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codebase.index.corpus import Corpus
from codebase.index.ranking import rank
from codebase.index.report import read_report


@dataclass(frozen=True, slots=True)
class Hit:
    """A place, with lines from 1, both ends included. `symbol` is empty for what stands outside of all definitions."""

    path: str
    start_line: int
    end_line: int
    symbol: str
    kind: str
    score: float


Reorder = Callable[[Corpus, str, list[tuple[int, float]]], list[tuple[int, float]]]
"""Another order of the first places with their scores (codebase.index.reranking)."""
LOOKED_AT_AGAIN = 100


def search(corpus: Corpus, text: str, *, top: int = 20, reorder: Reorder | None = None) -> list[Hit]:
    """The places an issue or a question is about, best first; at most `top`. Raises what `reorder` raises."""
    places = rank(corpus, read_report(text), most=max(top, LOOKED_AT_AGAIN) if reorder else top).places
    if reorder is not None:
        places = reorder(corpus, text, places)[:top]
    return [_hit(corpus, place, score) for place, score in places]


def search_files(corpus: Corpus, text: str, *, top: int = 20) -> list[tuple[str, float]]:
    """The files, best first."""
    return [(corpus.paths[file], score) for file, score in rank(corpus, read_report(text), most=top).files]


def _hit(corpus: Corpus, place: int, score: float) -> Hit:
    start, end = (int(line) for line in corpus.spans[place])
    return Hit(corpus.path(place), start, end, corpus.name(place), corpus.kind(place), round(score, 4))
