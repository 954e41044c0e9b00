"""Unified diffs, well written and not so well: read, placed by content, or refused with a reason."""

import difflib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.tools.hunks import FilePatch, PatchError, apply, parse

SOURCE = "".join(f"line {number}\n" for number in range(1, 21))


def patched(source: str, patch: str) -> str:
    (only,) = parse(patch)
    return apply(only, source)


def test_a_plain_patch() -> None:
    patch = "--- a/f.py\n+++ b/f.py\n@@ -2,3 +2,4 @@\n line 2\n-line 3\n+line three\n+and a half\n line 4\n"
    assert patched(SOURCE, patch) == SOURCE.replace("line 3\n", "line three\nand a half\n")


SLOPPY = [
    ("no numbers", "@@\n line 2\n-line 3\n+x\n line 4\n"),
    ("dots for numbers", "@@ ... @@\n line 2\n-line 3\n+x\n line 4\n"),
    ("wrong numbers", "@@ -15,9 +15,2 @@\n line 2\n-line 3\n+x\n line 4\n"),
    ("trailing space in the context", "@@\n line 2   \n-line 3\t\n+x\n line 4\n"),
    ("one wrong context line at the head", "@@ -1,4 +1,4 @@\n nothing\n line 2\n-line 3\n+x\n line 4\n"),
    ("two wrong context lines at the tail", "@@ -3,3 +3,3 @@\n-line 3\n+x\n nothing\n nothing\n"),
    ("no context", "@@ -3 +3 @@\n-line 3\n+x\n"),
    ("a heading after the numbers", "@@ -2,3 +2,3 @@ def f():\n line 2\n-line 3\n+x\n line 4\n"),
]


@pytest.mark.parametrize(("name", "hunk"), SLOPPY)
def test_a_hunk_is_placed_by_its_content(name: str, hunk: str) -> None:
    assert patched(SOURCE, f"--- a/f\n+++ b/f\n{hunk}") == SOURCE.replace("line 3\n", "x\n")


def test_the_files_own_context_lines_stay() -> None:
    assert patched("a  \nb\nc\n", "--- a/f\n+++ b/f\n@@\n a\n-b\n+x\n c\n") == "a  \nx\nc\n"


def test_the_line_number_decides_between_equal_places() -> None:
    source = "a\nb\nc\n" * 3
    assert patched(source, "--- a/f\n+++ b/f\n@@ -5,1 +5,1 @@\n-b\n+x\n") == "a\nb\nc\na\nx\nc\na\nb\nc\n"


def test_later_hunks_go_after_earlier_ones() -> None:
    source = "a\nb\na\nb\n"
    patch = "--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n a\n+new\n b\n@@ -3,2 +4,2 @@\n-a\n+x\n b\n"
    assert patched(source, patch) == "a\nnew\nb\nx\nb\n"


def test_an_empty_line_of_context_may_lack_its_space() -> None:
    assert patched("a\n\nb\n", "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n") == "a\n\nc\n"


def test_files_are_created_deleted_and_renamed() -> None:
    patch = (
        "diff --git a/new.py b/new.py\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n+++ b/new.py\n"
        "@@ -0,0 +1,2 @@\n+one\n+two\n"
        "diff --git a/old.py b/old.py\ndeleted file mode 100644\n--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"
        "diff --git a/from.py b/to.py\nsimilarity index 90%\nrename from from.py\nrename to to.py\n"
        "--- a/from.py\n+++ b/to.py\n@@ -1 +1 @@\n-a\n+b\n"
        "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n"
    )
    new, old, moved, only_moved = parse(patch)
    assert (new.old, new.new, apply(new, "")) == (None, "new.py", "one\ntwo\n")
    assert (old.old, old.new, apply(old, "gone\n")) == ("old.py", None, "")
    assert (moved.old, moved.new, apply(moved, "a\n")) == ("from.py", "to.py", "b\n")
    assert (only_moved.old, only_moved.new, apply(only_moved, "a")) == ("x", "y", "a")


NEWLINES = [
    ("added at the end", "a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n", "a\nb\n"),
    ("taken away", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n", "a\nb"),
    ("stays away", "a\nb", "@@ -1,2 +1,2 @@\n-a\n+x\n b\n\\ No newline at end of file\n", "x\nb"),
    ("windows line ends", "a\r\nb\r\n", "@@ -1,2 +1,2 @@\n a\n-b\n+x\n", "a\r\nx\r\n"),
]


@pytest.mark.parametrize(("name", "source", "hunk", "expected"), NEWLINES)
def test_line_ends(name: str, source: str, hunk: str, expected: str) -> None:
    assert patched(source, f"--- a/f\n+++ b/f\n{hunk}") == expected


UNREADABLE = [
    ("", "not a unified diff"),
    ("just words\n", "not a unified diff"),
    ("@@ -1 +1 @@\n-a\n+b\n", "before any file"),
    ("--- a/f\n+++ b/f\n", "no hunk"),
    ("--- a/f\n+++ b/f\n@@ -1 +1 @@\n a\n", "changes nothing"),
    ("--- a/f\n+++ b/f\n@@ -1 +1 @@\nunmarked\n", "neither space, plus nor minus"),
    ("--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n", "/dev/null on both sides"),
    ("diff --git a/i.png b/i.png\nGIT binary patch\n", "binary file"),
]


@pytest.mark.parametrize(("patch", "said"), UNREADABLE)
def test_what_is_no_patch_is_refused(patch: str, said: str) -> None:
    with pytest.raises(PatchError, match=said):
        parse(patch)


UNFIT = [
    ("lines that are not there", "@@ -3 +3 @@\n-line three\n+x\n", "do not stand in the file"),
    ("the nearest lines are shown", "@@ -3,2 +3,2 @@\n line 2\n-line three\n+x\n", "1  line 1"),
    ("applied already", "@@ -2,2 +2,2 @@\n line 2\n-line two and a half\n+line 3\n", "applied already"),
    ("several places", "@@\n-same\n+x\n", "several places"),
    ("only added lines, no place", "@@\n+x\n", "add context lines"),
]


@pytest.mark.parametrize(("name", "hunk", "said"), UNFIT)
def test_a_hunk_that_does_not_fit_is_refused(name: str, hunk: str, said: str) -> None:
    (patch,) = parse(f"--- a/f\n+++ b/f\n{hunk}")
    with pytest.raises(PatchError, match=said):
        apply(patch, SOURCE + "same\nsame\n")


def test_an_insertion_without_context_goes_after_its_line() -> None:
    assert patched("a\nb\n", "--- a/f\n+++ b/f\n@@ -1,0 +2 @@\n+x\n") == "a\nx\nb\n"


words = st.text(alphabet="abc{} -+@\\", max_size=5)
texts = st.lists(words, max_size=14)


def joined(lines: list[str], ended: bool) -> str:
    return "\n".join(lines) + ("\n" if ended and lines else "")


def diff_of(old: str, new: str, context: int) -> str:
    """A unified diff as GNU diff writes it, with its remark about a missing last line end."""
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), "a/f", "b/f", n=context)
    return "".join(part if part.endswith("\n") else f"{part}\n\\ No newline at end of file\n" for part in lines)


@given(texts, texts, st.booleans(), st.booleans(), st.integers(0, 4))
def test_a_computed_diff_applies_to_what_it_was_computed_from(
    old_lines: list[str], new_lines: list[str], old_ended: bool, new_ended: bool, context: int
) -> None:
    old, new = joined(old_lines, old_ended), joined(new_lines, new_ended)
    assume(old != new)
    assert apply(parse(diff_of(old, new, context))[0], old) == new


@given(st.lists(words, min_size=1, max_size=10), st.lists(words, max_size=10), st.integers(1, 6))
def test_a_diff_still_applies_when_unique_lines_came_in_above(old: list[str], new: list[str], moved: int) -> None:
    before, after = joined(old, True), joined(new, True)
    assume(before != after)
    above = "".join(f"unrelated {number}\n" for number in range(moved))
    patch = parse(diff_of(before, after, 10_000))[0]
    patch.hunks[0].start = None if before.strip("\n") else patch.hunks[0].start
    assume(before.strip())
    assert apply(patch, above + before) == above + after


@given(st.text(alphabet="-+@ abc\n\\/", max_size=60))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        patches = parse(text)
    except PatchError:
        return
    assert all(isinstance(patch, FilePatch) for patch in patches)


@given(texts, st.text(alphabet="-+@ abc\n", max_size=40))
def test_any_patch_is_applied_or_refused(lines: list[str], hunk: str) -> None:
    try:
        for patch in parse(f"--- a/f\n+++ b/f\n@@ -1 +1 @@\n{hunk}"):
            apply(patch, joined(lines, True))
    except PatchError as error:
        reason = str(error)
        assert reason.strip(), "a refusal has a reason"
