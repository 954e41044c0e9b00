"""The question people and the agent ask: which places is this about?"""

from __future__ import annotations

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


def search(corpus: Corpus, text: str, *, top: int = 20) -> list[Hit]:
    """The places an issue or a question is about, best first; at most `top`."""
    ranked = rank(corpus, read_report(text), most=top)
    return [_hit(corpus, place, score) for place, score in ranked.places]


def search_files(corpus: Corpus, text: str, *, top: int = 20) -> list[tuple[str, float]]:
    """The files, best first."""
    return [(corpus.paths[file], score) for file, score in rank(corpus, read_report(text), most=top).files]


def _hit(corpus: Corpus, place: int, score: float) -> Hit:
    start, end = (int(line) for line in corpus.spans[place])
    return Hit(corpus.path(place), start, end, corpus.name(place), corpus.kind(place), round(score, 4))
