"""What of a place is worth showing: its first lines, and the stretch in it that has most to do with what was asked."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log

from codebase.index.contents import Contents
from codebase.index.corpus import Corpus
from codebase.index.report import read_report
from codebase.index.searching import Hit, search
from codebase.index.tree import Tree
from codebase.index.words import terms

_HEAD = 3
_LOOKED_AT = 4_000
_LINE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A place and some of its lines: number and text, in order; long lines are cut. Empty where none were asked for
    or the file cannot be read. A path or symbol may hold anything a file name can, undecodable bytes included."""

    hit: Hit
    lines: tuple[tuple[int, str], ...] = ()


def telling(lines: Sequence[str], weights: Mapping[int, float], *, most: int, head: int = _HEAD) -> list[int]:
    """Which of a place's `lines` to show, by index: all where `most` suffice, else the first `head` and the stretch
    whose terms weigh most; what follows the head where none weighs anything. Pure."""
    if len(lines) <= most:
        return list(range(len(lines)))
    head = min(head, most)
    weighed = [sum(weights.get(term, 0.0) for term in set(terms(line[:1000]))) for line in lines[:_LOOKED_AT]]
    sums = [0.0, *accumulate(weighed)]
    length = min(most - head, len(weighed) - head)
    start = max(range(head, len(weighed) - length + 1), key=lambda at: (sums[at + length] - sums[at], -at))
    return [*range(head), *range(start, start + length)]


def weights_of(corpus: Corpus, text: str) -> dict[int, float]:
    """How much each term of a question says about where it stands: the rarer in the corpus, the more."""
    asked = read_report(text).terms
    found = {term: corpus.postings(term) for term in asked}
    return {
        term: asked[term] * log(1 + corpus.size / (where.stop - where.start))
        for term, where in found.items()
        if where.stop > where.start
    }


class Finder:
    """Search over one commit, with excerpts. For any number of threads."""

    def __init__(self, corpus: Corpus, tree: Tree) -> None:
        self.corpus, self.tree = corpus, tree
        self._contents = Contents(tree)
        self._reading = threading.Lock()

    def find(self, text: str, *, top: int) -> list[Hit]:
        """The places a text is about, best first; at most `top`."""
        return search(self.corpus, text, top=top)

    def excerpts(self, hits: Sequence[Hit], text: str, *, lines: Sequence[int]) -> list[Excerpt]:
        """The hits with at most as many lines each as `lines` says for its rank; none where that ends."""
        weights = weights_of(self.corpus, text)
        allowed = [*lines[: len(hits)], *[0] * (len(hits) - len(lines))]
        with self._reading:
            self._contents.load(hit.path for hit, most in zip(hits, allowed, strict=True) if most)
            return [Excerpt(hit, self._lines(hit, weights, most)) for hit, most in zip(hits, allowed, strict=True)]

    def _lines(self, hit: Hit, weights: Mapping[int, float], most: int) -> tuple[tuple[int, str], ...]:
        if most <= 0:
            return ()
        lines = self._contents.lines(hit.path)
        numbers = [number for number in self._own(hit) if number <= len(lines)]
        # A file begins with its licence and its imports: they say least about it.
        chosen = telling([lines[n - 1] for n in numbers], weights, most=most, head=_HEAD if hit.symbol else 0)
        return without_edges([(numbers[at], _cut(lines[numbers[at] - 1])) for at in chosen])

    def _own(self, hit: Hit) -> list[int]:
        """The lines of a place that belong to no place within it, each listed for itself; all where none is left."""
        everything = range(hit.start_line, hit.end_line + 1)
        file = bisect_left(self.corpus.paths, hit.path)
        if file == len(self.corpus.paths) or self.corpus.paths[file] != hit.path:
            return list(everything)
        within: set[int] = set()
        for place in self.corpus.places_of(file):
            start, end = (int(line) for line in self.corpus.spans[place])
            if hit.start_line <= start and end <= hit.end_line and (start, end) != (hit.start_line, hit.end_line):
                within.update(range(start, end + 1))
        return [line for line in everything if line not in within] or list(everything)


def without_edges(lines: Sequence[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """The lines without the blank ones at the beginning and the end of each stretch."""
    kept = list(lines)
    for step in (1, -1):
        result: list[tuple[int, str]] = []
        for number, text in reversed(kept) if step == 1 else kept:
            if text.strip() or (result and result[-1][0] == number + step):
                result.append((number, text))
        kept = result[::-1] if step == 1 else result
    return tuple(kept)


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_CHARS else f"{line[:_LINE_CHARS]} [...]"
