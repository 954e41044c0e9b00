"""Reading diffs: numbers of lines, and where a line went."""

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.github import diffs

PATCH = """@@ -1,4 +1,5 @@ def f():
 a
-b
+B
+b2
 c
 d
@@ -10,2 +11,1 @@
 x
-y"""


def test_both_sides_are_numbered() -> None:
    shown = [(line.mark, line.old, line.new, line.position) for line in diffs.lines(PATCH)]
    assert shown == [
        ("@", None, None, 0),
        (" ", 1, 1, 1),
        ("-", 2, None, 2),
        ("+", None, 2, 3),
        ("+", None, 3, 4),
        (" ", 3, 4, 5),
        (" ", 4, 5, 6),
        ("@", None, None, 7),
        (" ", 10, 11, 8),
        ("-", 11, None, 9),
    ]


@pytest.mark.parametrize(
    ("number", "side", "text"),
    [
        (2, "RIGHT", "B"),
        (2, "LEFT", "b"),
        (4, "RIGHT", "c"),
        (11, "LEFT", "y"),
        (9, "RIGHT", None),
        (12, "RIGHT", None),
    ],
)
def test_lines_are_found_by_side(number: int, side: str, text: str | None) -> None:
    found = diffs.find(PATCH, number, side)
    assert (None if found is None else found.text) == text


def test_an_excerpt_ends_at_its_line() -> None:
    line = diffs.find(PATCH, 3, "RIGHT")
    assert line is not None
    assert diffs.excerpt(PATCH, line) == "@@ -1,4 +1,5 @@ def f():\n a\n-b\n+B\n+b2"


@pytest.mark.parametrize(("old", "new"), [(1, 1), (2, None), (3, 4), (7, 8), (10, 11), (11, None), (20, 20)])
def test_lines_are_followed(old: int, new: int | None) -> None:
    assert diffs.follow(PATCH, old) == new


@given(
    st.lists(st.sampled_from("abcdefgh"), max_size=30, unique=False),
    st.lists(st.sampled_from("abcdefgh"), max_size=30),
)
@settings(max_examples=200, deadline=None)
def test_followed_lines_say_the_same(old: list[str], new: list[str]) -> None:
    """Wherever a line is followed to, the same text stands there."""
    patch = "\n".join(line for line in list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:])
    for number, text in enumerate(old, 1):
        moved = diffs.follow(patch, number)
        assert moved is None or new[moved - 1] == text
