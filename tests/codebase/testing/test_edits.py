"""Diffs and pairs of contents as edits of their base."""

import contextlib
import difflib
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from codebase.testing import Edit, NotADiff, compare, read_diff

_lines = some.lists(some.sampled_from(["a", "b", "", "-- x", "++ y", "@@ -1 +1 @@", "diff --git a/x b/x"]), max_size=12)


def test_one_change_of_each_kind() -> None:
    diff = """diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -3,3 +3,4 @@ def f():
 same
-old word
+new word
+more
 same
@@ -20,0 +22 @@
+added
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-was
diff --git a/new.py b/new.py
new file mode 100644
--- /dev/null
+++ b/new.py
@@ -0,0 +1,2 @@
+one
+two
diff --git a/from here.py b/to there.py
similarity index 100%
rename from from here.py
rename to to there.py
diff --git a/bin.png b/bin.png
Binary files a/bin.png and b/bin.png differ
"""
    assert read_diff(diff) == [
        Edit("a.py", "a.py", ((4, 4), (20, 21)), "old word\nnew word\nmore\nadded", 4),
        Edit("gone.py", None, ((1, 1),), "was", 1),
        Edit("new.py", "new.py", (), "one\ntwo", 2),
        Edit("from here.py", "to there.py", (), "", 0),
        Edit("bin.png", "bin.png", (), "", 0),
    ]


def test_names_in_quotes_and_lines_that_look_like_heads() -> None:
    diff = (
        'diff --git "a/t\\303\\251\\n.py" "b/t\\303\\251\\n.py"\n--- "a/t\\303\\251\\n.py"\n+++ "b/t\\303\\251\\n.py"\n'
        "@@ -1,2 +1,2 @@\n--- a/fake.py\n+++ b/fake.py\n same\n\\ No newline at end of file\n"
    )
    (edit,) = read_diff(diff)
    assert (edit.path, edit.lines, edit.text) == ("té\n.py", ((1, 1),), "-- a/fake.py\n++ b/fake.py")


def test_a_diff_without_git() -> None:
    diff = "".join(difflib.unified_diff(["a\n"], ["b\n"], "a/x.py", "b/x.py")) + (
        "--- old/y.py\t2026-01-01\n+++ new/y.py\t2026-01-02\n@@ -5 +5 @@\n-a\n+b\n"
    )
    first, second = read_diff(diff)
    assert (first.path, first.lines) == ("x.py", ((1, 1),))
    assert (second.path, second.new_path, second.lines) == ("old/y.py", "new/y.py", ((5, 5),))


@pytest.mark.parametrize("text", ["", "nothing\n", "@@ -1 +1 @@\n-a\n+b\n", "--- /dev/null\n+++ /dev/null\n"])
def test_what_is_no_diff(text: str) -> None:
    with pytest.raises(NotADiff):
        read_diff(text)


@given(some.text(alphabet='-+@ \n"\\abdit/0123,', max_size=300))
def test_anything_is_a_diff_or_none(text: str) -> None:
    for head in ("", "diff --git a/x b/x\n", "diff --git a/x b/x\n@@ -1,3 +1,3 @@\n", '--- "\n'):
        with contextlib.suppress(NotADiff):
            read_diff(head + text)


def test_bounds() -> None:
    many = "".join(f"diff --git a/f{number} b/f{number}\nold mode 1\n" for number in range(900))
    assert len(read_diff(many)) == 500
    (edit,) = read_diff("--- a/x\n+++ b/x\n@@ -0,0 +1,100000 @@\n" + "+0123456789\n" * 100_000)
    assert (len(edit.text), edit.size) == (50_000, 100_000)
    before, after = "\n".join(map(str, range(9_000))), "\n".join(str(-number) for number in range(9_000))
    assert compare("a", before, after).lines == ((2, 9_000),)


@settings(deadline=None, max_examples=60)
@given(_lines, _lines)
def test_a_comparison_finds_what_differs(before: list[str], after: list[str]) -> None:
    edit = compare("x.py", "\n".join(before), "\n".join(after))
    assert bool(edit.size) == bool(edit.lines) == ("\n".join(before) != "\n".join(after))
    assert all(1 <= first <= last for first, last in edit.lines)


@settings(deadline=None, max_examples=25)
@given(_lines, _lines)
def test_a_diff_of_git_names_the_same_lines(before: list[str], after: list[str]) -> None:
    texts = ["".join(f"{line}\n" for line in lines) for lines in (before, after)]
    if texts[0] == texts[1]:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, text in zip(("one", "two"), texts, strict=True):
            (Path(folder) / name).write_text(text)
        printed = subprocess.run(
            ["git", "diff", "--no-index", "--no-color", "one", "two"], cwd=folder, capture_output=True, check=False
        ).stdout.decode()
    (edit,) = read_diff(printed)
    lines = texts[0].split("\n")
    body = [line for line in printed.split("\n")[4:] if line.startswith(("+", "-"))]
    assert edit.size == len(body)
    gone = [line[1:] for line in body if line.startswith("-")]
    told = [line for first, last in edit.lines for line in lines[first - 1 : last]]
    assert not gone or set(gone) <= set(told)


def test_two_contents() -> None:
    assert compare("a.py", "1\n2\n3\n", "1\nx\n3\n") == Edit("a.py", "a.py", ((2, 2),), "2\nx", 2)
    assert compare("a.py", None, "1\n") == Edit("a.py", "a.py", (), "1\n", 2)
    assert compare("a.py", "1\n", None).new_path is None
    assert compare("a.py", "1\n3\n", "1\n2\n3\n").lines == ((1, 2),)
