"""Is there an answer at all? How much of what the question's words say stands together in one place of the code.

A word counts by how rare it is; one that stands nowhere counts most, so that a question which belongs to another
repository finds little of itself here. Words can be there and the thing not: the figures are in docs/search.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codebase.asking.question import Question, Wanted
from codebase.index.corpus import Corpus
from codebase.index.ranking import TEST
from codebase.index.words import WORD, terms, terms_of

ENOUGH = 0.68
ENOUGH_OF_PROSE = 0.77
WINDOW = 12
_OF_FILE = 0.5
_MISSING_COMMON = 0.5
_FILES_BY_PATH = 200
_ASIDE = re.compile(
    r"(^|/)(docs?|examples?|samples?|benchmarks?|asv_bench|playground|changelogs?|fixtures|vendor(ed)?|third_party"
    r"|_vendor|node_modules|dist|\.github)(/|$)"
)
_PROSE = re.compile(r"\.(md|rst|txt)$")
_PAST = re.compile(r"(^|/)[^/]*(change|history|news|release|whats-new|authors|licen[cs]e)[^/]*(/|$)", re.IGNORECASE)
_LONGEST_PROSE = 5_000
_CODE = re.compile(r"\.(pyi?|pyx|[cm]?[jt]sx?|vue|go|rs|java|cc?|cpp|cxx|hh?|hpp|cuh?|rb|php|cs)$")


@dataclass(frozen=True, slots=True)
class Coverage:
    """`best`: the share of the question, 0 to 1, that stands in the best place of the code and around it in its file.
    `places`: this share for every place. `missing`: words that stand nowhere in the code. `rarity`: what each word of
    the question counts, in its order."""

    best: float
    places: NDArray[np.float64]
    missing: tuple[str, ...] = ()
    rarity: tuple[float, ...] = ()

    @property
    def enough(self) -> bool:
        return self.best >= ENOUGH


def citable(path: str) -> bool:
    """Whether a path can be written into a citation: on one line of UTF-8, with no blank at its ends."""
    return path.isprintable() and path == path.strip()


def is_product(path: str) -> bool:
    """Whether a file is code of the product itself that can be cited: no test, no prose, nothing brought along."""
    return bool(_CODE.search(path)) and citable(path) and not TEST.search(path) and not _ASIDE.search(path)


def cover(corpus: Corpus, question: Question) -> Coverage:
    """How much of the question stands where."""
    counted = np.array([is_product(path) for path in corpus.paths], dtype=bool)
    places = np.zeros(corpus.size)
    files = np.zeros(len(corpus.paths))
    if not question.words or not counted.any():
        return Coverage(0.0, places, tuple(word.text for word in question.words))
    total, missing = 0.0, []
    per_word: list[tuple[Wanted, float, NDArray[np.int64]]] = []
    for word in question.words:
        holding = _holding(corpus, word.terms)
        holding = holding[counted[corpus.file_of[holding]]]
        rarity = word.weight * float(np.log(1 + (corpus.size - len(holding) + 0.5) / (len(holding) + 0.5)))
        if not len(holding) and word.weight < 1:
            rarity *= _MISSING_COMMON  # that a word of everyday speech is missing says little
        total += rarity
        places[holding] += rarity
        in_files = np.unique(corpus.file_of[holding]).astype(np.int64)
        files[in_files] += rarity
        per_word.append((word, rarity, in_files))
        if not len(holding):
            missing.append(word.text)
    _by_path(corpus, per_word, files, counted)
    together = places + _OF_FILE * (files[corpus.file_of] - places)
    together[~counted[corpus.file_of]] = 0
    share = together / total if total else together
    rarity_of = tuple(rarity for _, rarity, _ in per_word)
    return Coverage(float(share.max(initial=0.0)), share, tuple(missing), rarity_of)


def is_prose(path: str) -> bool:
    """Whether a file is for people and says what is, not what was: documents, no list of changes."""
    return bool(_PROSE.search(path)) and citable(path) and not TEST.search(path) and not _PAST.search(path)


def cover_lines(question: Question, coverage: Coverage, lines: Sequence[str]) -> tuple[float, int]:
    """How much of the question stands in the best dozen lines that follow each other, and the index of the first."""
    total = sum(coverage.rarity)
    here = [set(terms(line[:2_000])) for line in lines[:_LONGEST_PROSE]]
    best, at = 0.0, 0
    for start in range(0, max(1, len(here) - WINDOW + 1), WINDOW // 3):
        window = set().union(*here[start : start + WINDOW]) if here else set()
        share = sum(
            rarity
            for word, rarity in zip(question.words, coverage.rarity, strict=True)
            if not window.isdisjoint(word.terms)
        )
        if total and share / total > best:
            best, at = share / total, start
    return best, at


def _holding(corpus: Corpus, terms: Sequence[int]) -> NDArray[np.int64]:
    found = [corpus.places[corpus.postings(term)] for term in terms]
    return np.unique(np.concatenate(found)).astype(np.int64)


def _by_path(
    corpus: Corpus,
    words: Sequence[tuple[Wanted, float, NDArray[np.int64]]],
    files: NDArray[np.float64],
    counted: NDArray[np.bool_],
) -> None:
    """A word in a file's path stands in the file, for the files that have a chance."""
    for file in np.argsort(-files, kind="stable")[:_FILES_BY_PATH]:
        if not counted[file]:
            continue
        in_path = {term for word in WORD.findall(corpus.paths[file].rpartition(".")[0]) for term in terms_of(word)}
        for word, rarity, in_files in words:
            if not in_path.isdisjoint(word.terms) and file not in in_files:
                files[file] += rarity
