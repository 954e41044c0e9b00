"""What is shown of a place: its beginning, and the lines that have to do with the question."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.index import BlobCache, Excerpt, Finder, Hit, build_corpus
from codebase.index.excerpts import telling, weights_of, without_edges
from codebase.index.words import terms
from tests.codebase.index.making import MemoryTree, corpus_of


def weights(words: str) -> dict[int, float]:
    return dict.fromkeys(terms(words), 1.0)


LONG = ["def close(self):", '    """Ends it."""', "    self.a = 1", *[f"    step({n})" for n in range(20)]]


@pytest.mark.parametrize(
    ("lines", "asked", "most", "head", "shown"),
    [
        (["a", "b"], "zebra", 5, 3, [0, 1]),
        ([], "zebra", 5, 3, []),
        (LONG, "zebra", 5, 3, [0, 1, 2, 3, 4]),
        ([*LONG, "    zebra.run()", "    return"], "zebra", 5, 3, [0, 1, 2, 22, 23]),
        ([*LONG, "    zebra.run()", "    return"], "zebra", 5, 0, [19, 20, 21, 22, 23]),
        ([*LONG, "    zebra.run()", "    return"], "zebra", 2, 3, [0, 1]),
        ([*LONG, *["x"] * 5000, "zebra"], "zebra", 4, 3, [0, 1, 2, 3]),
    ],
)
def test_the_beginning_and_what_was_asked(lines: list[str], asked: str, most: int, head: int, shown: list[int]) -> None:
    assert telling(lines, weights(asked), most=most, head=head) == shown


@given(st.lists(st.sampled_from(["x", "zebra", "", "lion zebra"]), max_size=60), st.integers(1, 20), st.integers(0, 5))
def test_as_many_as_allowed_in_order_and_each_once(lines: list[str], most: int, head: int) -> None:
    shown = telling(lines, weights("zebra lion"), most=most, head=head)
    assert len(shown) == min(len(lines), most)
    assert shown == sorted(set(shown))
    assert all(0 <= at < len(lines) for at in shown)
    if len(lines) > most:
        assert shown[: min(head, most)] == list(range(min(head, most)))


def test_rare_words_weigh_more_and_unknown_ones_nothing() -> None:
    corpus = corpus_of({f"m{n}.py": "def common(): pass\n" for n in range(9)} | {"r.py": "def rare(): common()\n"})
    found = weights_of(corpus, "rare and common and nowhere")
    (rare,), (common,), (nowhere,) = (list(terms(word)) for word in ("rare", "common", "nowhere"))
    assert found[rare] > found[common] > 0
    assert nowhere not in found


SOURCE = b"# a licence\n# of two lines\nimport os\n\n\ndef lion():\n    return 1\n\n\nTIGERS = 3\n"


@pytest.fixture
def finder(tmp_path: Path) -> Finder:
    tree = MemoryTree(
        {
            "zoo.py": SOURCE,
            "big.py": b"def zebra():\n" + b"    step()\n" * 50 + b"    stripes(" + b"x" * 900 + b")\n",
            os.fsdecode(b"latin-\xe9.py"): b"def okapi(): pass\n",
        }
    )
    cache = BlobCache(tmp_path / "index.db")
    corpus = build_corpus(tree, cache)
    cache.close()
    return Finder(corpus, tree)


def found(finder: Finder, text: str, *lines: int) -> list[Excerpt]:
    return finder.excerpts(finder.find(text, top=3), text, lines=lines)


def test_lines_have_their_numbers_and_are_cut(finder: Finder) -> None:
    (first, *_) = found(finder, "zebra stripes", 4, 4, 4)
    assert (first.hit.path, first.hit.symbol) == ("big.py", "zebra")
    assert first.lines[:3] == ((1, "def zebra():"), (2, "    step()"), (3, "    step()"))
    number, text = first.lines[3]
    assert number == 52
    assert text.startswith("    stripes(xxx")
    assert len(text) < 220
    assert text.endswith("[...]")


def test_of_a_file_itself_what_was_asked_for_and_not_its_licence(finder: Finder) -> None:
    (first, *_) = found(finder, "TIGERS", 2)
    assert (first.hit.path, first.hit.symbol) == ("zoo.py", "")
    assert (10, "TIGERS = 3") in first.lines
    assert (1, "# a licence") not in first.lines


def test_what_stands_in_another_place_is_left_to_that_place(finder: Finder) -> None:
    """Of a file what is outside of its functions, of a class what is outside of its methods."""
    (file, *_) = found(finder, "TIGERS", 20)
    assert [number for number, _ in file.lines] == [1, 2, 3, 10]
    whole = finder.excerpts([Hit("zoo.py", 6, 7, "lion", "function", 1.0)], "lion", lines=[20])
    assert [number for number, _ in whole[0].lines] == [6, 7]
    beyond = finder.excerpts([Hit("zoo.py", 9, 99, "", "file", 1.0)], "TIGERS", lines=[20])
    assert [number for number, _ in beyond[0].lines] == [10]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("1a 2", "1a"),
        ("1 2a", "2a"),
        ("1a 2 3a", "1a 2 3a"),
        ("1a 2 3 6 7a 8 9", "1a 7a"),
        ("1 2 3", ""),
        ("1a 2 4 5 6a", "1a 6a"),
    ],
)
def test_no_stretch_begins_or_ends_blank(given: str, kept: str) -> None:
    def lines(said: str) -> list[tuple[int, str]]:
        return [(int(one[0]), one[1:]) for one in said.split()]

    assert list(without_edges(lines(given))) == lines(kept)


def test_lines_end_where_they_are_not_asked_for(finder: Finder) -> None:
    everything = found(finder, "zebra lion okapi", 1)
    assert [len(one.lines) for one in everything] == [1, 0, 0]
    assert {one.hit.path for one in everything} >= {os.fsdecode(b"latin-\xe9.py")}


def test_a_file_that_is_gone_has_no_lines(finder: Finder) -> None:
    gone = Hit("gone.py", 1, 3, "f", "function", 1.0)
    assert finder.excerpts([gone], "f", lines=[5]) == [Excerpt(gone)]


def test_several_threads_find_the_same(finder: Finder) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: found(finder, "zebra stripes lion okapi", 9, 9, 9), range(40)))
    assert all(answer == answers[0] for answer in answers)
