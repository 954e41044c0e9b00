"""The order after a second look, what of it is kept, and what a model that misbehaves costs."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.index import Contents, Corpus, build_corpus, search
from codebase.index.cache import BlobCache
from codebase.index.reranking import Embedder, Reranker, VectorCache, blended
from tests.codebase.index.making import MemoryTree

FILES = {
    "a.py": b"def alpha():\n    return socket\n",
    "b.py": b"def beta():\n    return socket\n\n\ndef gamma():\n    return socket\n",
}


class Model:
    """Knows one word: how often a text has it. Counts what it is asked."""

    def __init__(self, word: str) -> None:
        self.word, self.asked = word, 0

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += len(texts)
        return [[1.0, float(text.count(self.word))] for text in texts]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    cache = BlobCache(tmp_path / "index.db")
    found = build_corpus(MemoryTree(FILES), cache, processes=1)
    cache.close()
    return found


def test_what_the_model_prefers_comes_first_and_vectors_are_kept(corpus: Corpus, tmp_path: Path) -> None:
    vectors = VectorCache(tmp_path / "index.db")
    model = Model("gamma")
    look = Reranker(Contents(MemoryTree(FILES)), Embedder("one", model.embed), vectors, weight=5.0)
    plain = search(corpus, "which gamma socket", top=10)
    again = search(corpus, "which gamma socket", top=10, reorder=look)
    assert again[0].symbol == "gamma"
    assert {hit.symbol for hit in again} == {hit.symbol for hit in plain}
    assert [hit.score for hit in again] == sorted((hit.score for hit in again), reverse=True)
    asked = model.asked
    assert search(corpus, "which gamma socket", top=10, reorder=look) == again
    assert model.asked == asked, "known texts are not embedded again"
    assert len(search(corpus, "which gamma socket", top=1, reorder=look)) == 1
    other = Model("beta")
    look = Reranker(Contents(MemoryTree(FILES)), Embedder("two", other.embed), vectors, weight=5.0)
    assert search(corpus, "which beta socket", top=10, reorder=look)[0].symbol == "beta"
    assert other.asked, "another model's vectors are its own"
    vectors.close()


def test_only_the_shortlist_moves(corpus: Corpus, tmp_path: Path) -> None:
    vectors = VectorCache(tmp_path / "index.db")
    plain = search(corpus, "which gamma socket", top=10)
    look = Reranker(Contents(MemoryTree(FILES)), Embedder("one", Model("alpha").embed), vectors, shortlist=1)
    assert search(corpus, "which gamma socket", top=10, reorder=look) == plain
    assert search(corpus, "zzz", reorder=look) == []
    vectors.close()


@pytest.mark.parametrize("answer", [[[1.0]], [], [[float("nan")]] * 4, [1.0, 2.0, 3.0, 4.0]])
def test_vectors_that_are_none_are_refused(answer: list[object], corpus: Corpus, tmp_path: Path) -> None:
    vectors = VectorCache(tmp_path / "index.db")
    with pytest.raises(ValueError, match="no vector"):
        vectors.of(Embedder("bad", lambda texts: answer), ["a", "b", "c", "d"])  # type: ignore[arg-type,return-value]  # the point
    vectors.close()


def test_lost_vectors_cost_another_question(tmp_path: Path) -> None:
    model = Model("a")
    vectors = VectorCache(tmp_path / "index.db")
    first = vectors.of(Embedder("one", model.embed), ["a b", ""])
    with sqlite3.connect(tmp_path / "index.db") as database:
        database.execute("UPDATE vectors SET vector = x'00'")
    assert np.array_equal(vectors.of(Embedder("one", model.embed), ["a b", ""]), first)
    assert model.asked == 4
    assert np.allclose(np.linalg.norm(first, axis=1), 1)
    vectors.close()


@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=30).map(lambda scores: sorted(scores, reverse=True)), st.data(),
    st.floats(0, 2),
)  # fmt: skip
def test_a_blend_orders_and_loses_nothing(scores: list[float], data: st.DataObject, weight: float) -> None:
    nearness = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=len(scores), max_size=len(scores))), np.float32)
    places = list(enumerate(scores))
    found = blended(places, nearness, weight)
    assert {place for place, _ in found} == set(range(len(scores)))
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert min(score for _, score in found) >= min(scores) - 1e-9
    if weight == 0:
        assert [score for _, score in found] == scores
