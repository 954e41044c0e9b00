"""All places of one commit, ready to be searched: arrays, put together from what is known of each blob."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codebase.index.blob import Blob
from codebase.index.paths import marks
from codebase.index.words import terms


@dataclass(frozen=True)
class Corpus:
    """`paths` and `blobs`, which have no terms of their own left, by file; `file_of`, `spans` by place; `vocabulary`
    sorted, and from `starts[t]` to `starts[t+1]` the postings of its t-th term: `places`, `counts` in the body, `heads`
    in the name."""

    paths: list[str]
    blobs: list[Blob]
    first: NDArray[np.int64]
    file_of: NDArray[np.int32]
    spans: NDArray[np.int32]
    lengths: NDArray[np.float32]
    vocabulary: NDArray[np.int64]
    starts: NDArray[np.int64]
    places: NDArray[np.int32]
    counts: NDArray[np.uint8]
    heads: NDArray[np.uint8]

    @property
    def size(self) -> int:
        """How many places there are."""
        return len(self.file_of)

    def postings(self, term: int) -> slice:
        at = int(np.searchsorted(self.vocabulary, term))
        if at == len(self.vocabulary) or self.vocabulary[at] != term:
            return slice(0, 0)
        return slice(int(self.starts[at]), int(self.starts[at + 1]))

    def name(self, place: int) -> str:
        file = int(self.file_of[place])
        return self.blobs[file].names[place - int(self.first[file])]

    def path(self, place: int) -> str:
        return self.paths[int(self.file_of[place])]

    def kind(self, place: int) -> str:
        file = int(self.file_of[place])
        return self.blobs[file].kinds[place - int(self.first[file])]

    def places_of(self, file: int) -> range:
        return range(int(self.first[file]), int(self.first[file + 1]))

    @cached_property
    def by_name(self) -> Mapping[str, list[int]]:
        """Places by the last part of their name, in lower case."""
        found: dict[str, list[int]] = defaultdict(list)
        for file, blob in enumerate(self.blobs):
            start = int(self.first[file])
            for number, name in enumerate(blob.names):
                if name:
                    found[name.rpartition(".")[2].lower()].append(start + number)
        return found

    @cached_property
    def marks(self) -> NDArray[np.bool_]:
        """Of each file what its path says: `codebase.index.paths.marks`."""
        return marks(self.paths)

    @cached_property
    def by_path_term(self) -> Mapping[int, NDArray[np.int64]]:
        """Files by the terms of their path without its ending; a file as often as the term is in it."""
        found: dict[int, list[int]] = defaultdict(list)
        for file, path in enumerate(self.paths):
            for term in terms(path.rpartition(".")[0]):
                found[term].append(file)
        return {term: np.array(files, np.int64) for term, files in found.items()}

    @cached_property
    def name_rarity(self) -> NDArray[np.float32]:
        """Of each place the rarities of its name's terms together."""
        holding = np.diff(self.starts)
        rarity = np.log(1 + (self.size - holding + 0.5) / (holding + 0.5)).astype(np.float32)
        named = np.flatnonzero(self.heads)
        weights = rarity[np.searchsorted(self.starts, named, side="right") - 1]
        return np.bincount(self.places[named], weights=weights, minlength=self.size).astype(np.float32)

    @cached_property
    def by_basename(self) -> Mapping[str, list[int]]:
        """Files by the last part of their path."""
        found: dict[str, list[int]] = defaultdict(list)
        for file, path in enumerate(self.paths):
            found[path.rpartition("/")[2]].append(file)
        return found


def make_corpus(files: Iterable[tuple[str, Blob]]) -> Corpus:
    """The places of `files`, in the order of their paths."""
    listed = sorted(files, key=lambda one: one[0])
    blobs = [blob for _, blob in listed]
    numbers = np.array([len(blob.names) for blob in blobs], dtype=np.int64)
    first = np.concatenate(([0], np.cumsum(numbers)))
    sizes = np.concatenate([blob.sizes for blob in blobs]) if blobs else np.zeros(0, np.int32)
    terms = np.concatenate([blob.terms for blob in blobs]) if blobs else np.zeros(0, np.int64)
    counts = np.concatenate([blob.counts for blob in blobs]) if blobs else np.zeros(0, np.uint8)
    heads = np.concatenate([blob.heads for blob in blobs]) if blobs else np.zeros(0, np.uint8)
    paths = [path for path, _ in listed]
    listed.clear()
    blobs = [_without_terms(blob) for blob in blobs]
    place_of = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    order = np.argsort(terms, kind="stable")
    number = len(terms)
    terms = terms[order]
    # Not numpy.unique with indices, which sorts what is sorted once more, in as much memory again.
    starts = np.flatnonzero(np.concatenate(([number > 0], terms[1:] != terms[:-1]))) if number else np.zeros(0, int)
    vocabulary = terms[starts]
    del terms
    lengths = np.bincount(place_of, weights=counts, minlength=len(sizes)).astype(np.float32)
    return Corpus(
        paths=paths,
        blobs=blobs,
        first=first,
        file_of=np.repeat(np.arange(len(blobs), dtype=np.int32), numbers),
        spans=np.concatenate([blob.spans for blob in blobs]) if blobs else np.zeros((0, 2), np.int32),
        lengths=lengths,
        vocabulary=vocabulary,
        starts=np.append(starts, number).astype(np.int64),
        places=place_of[order],
        counts=counts[order],
        heads=heads[order],
    )


def _without_terms(blob: Blob) -> Blob:
    """The blob as a corpus keeps it: its terms are in the corpus's own arrays, and would take as much again."""
    return replace(
        blob, spans=blob.spans.copy(), terms=blob.terms[:0].copy(), counts=blob.counts[:0].copy(),
        heads=blob.heads[:0].copy(), sizes=blob.sizes[:0].copy(),
    )  # fmt: skip
