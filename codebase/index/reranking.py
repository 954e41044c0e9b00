"""The first places looked at again by a model's vectors. The model is given from outside: this room knows none.

Off unless asked for: with the one local model that installs from PyPI it was measured to be of no use (docs/search.md).
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codebase.index.contents import Contents
from codebase.index.corpus import Corpus

SHORTLIST = 60
WEIGHT = 0.1
_LINES = 60
_CHARS = 4_000
_MOST_KEPT = 200_000
Vectors = NDArray[np.float32]
Scored = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Embedder:
    """`embed` makes one vector for each text, all of one length; what it raises goes to the caller. `name`: the model,
    under which its vectors are kept: another model needs another name."""

    name: str
    embed: Callable[[Sequence[str]], Sequence[Sequence[float]] | Vectors]


class VectorCache:
    """Vectors by model and text, in a table of an index's file. Losing them costs only time, or a model's price."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, timeout=30.0)
        with self._database:
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
            )

    def close(self) -> None:
        self._database.close()

    def of(self, embedder: Embedder, texts: Sequence[str]) -> Vectors:
        """A row of length one for each text, noughts where a model says nothing; only unknown texts are embedded."""
        keys = [_key(embedder, text) for text in texts]
        known = self._load(keys)
        unknown = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if unknown:
            made = np.asarray(embedder.embed(list(unknown.values())), np.float32)
            if made.ndim != 2 or len(made) != len(unknown) or not np.isfinite(made).all():
                raise ValueError(f"{embedder.name} gave no vector for each text")
            lengths = np.linalg.norm(made, axis=1, keepdims=True)
            fresh = dict(zip(unknown, made / np.where(lengths > 0, lengths, 1), strict=True))
            self._keep(fresh)
            known |= fresh
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, 1), np.float32)

    def _load(self, keys: Sequence[str]) -> dict[str, Vectors]:
        marks = ",".join("?" * len(keys))
        try:
            rows = self._database.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", keys).fetchall()  # noqa: S608
        except sqlite3.Error:
            return {}
        return {key: np.frombuffer(data, np.float32) for key, data in rows if len(data) % 4 == 0}

    def _keep(self, fresh: dict[str, Vectors]) -> None:
        with contextlib.suppress(sqlite3.Error), self._database:
            (number,) = self._database.execute("SELECT count(*) FROM vectors").fetchone()
            if number + len(fresh) > _MOST_KEPT:
                self._database.execute("DELETE FROM vectors")
            rows = [(key, vector.astype(np.float32).tobytes()) for key, vector in fresh.items()]
            self._database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)


def _key(embedder: Embedder, text: str) -> str:
    return hashlib.sha256(f"{embedder.name}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()


class Reranker:
    """The first `shortlist` places in a new order: their scores, and `weight` times how near their text is to the
    question's among them. What stands behind keeps its place."""

    def __init__(
        self,
        contents: Contents,
        embedder: Embedder,
        vectors: VectorCache,
        *,
        shortlist: int = SHORTLIST,
        weight: float = WEIGHT,
    ) -> None:
        self._contents, self._embedder, self._vectors = contents, embedder, vectors
        self._shortlist, self._weight = shortlist, weight

    def __call__(self, corpus: Corpus, text: str, places: Scored) -> Scored:
        """`places` best first. Raises what the embedder raises, and ValueError for vectors that are none."""
        first, rest = places[: self._shortlist], places[self._shortlist :]
        if len(first) < 2:
            return places
        passages = self._passages(corpus, [place for place, _ in first])
        vectors = self._vectors.of(self._embedder, [text[:_CHARS], *passages])
        return [*blended(first, vectors[1:] @ vectors[0], self._weight), *rest]

    def _passages(self, corpus: Corpus, places: Sequence[int]) -> list[str]:
        self._contents.load(corpus.path(place) for place in places)
        passages = []
        for place in places:
            start, end = (int(line) for line in corpus.spans[place])
            lines = self._contents.lines(corpus.path(place))[start - 1 : min(end, start + _LINES)]
            passages.append("\n".join([f"{corpus.name(place)} {corpus.path(place)}", *lines])[:_CHARS])
        return passages


def blended(places: Scored, nearness: Vectors, weight: float) -> Scored:
    """`places` by score and nearness, which counts from its lowest to its highest. No score falls below what it was, so
    that the rest stays behind."""
    highest = places[0][1] or 1.0
    low, high = float(nearness.min()), float(nearness.max())
    share = (nearness - low) / (high - low) if high > low else np.zeros_like(nearness)
    blend = [
        (place, score + weight * highest * float(extra)) for (place, score), extra in zip(places, share, strict=True)
    ]
    return sorted(blend, key=lambda one: -one[1])
