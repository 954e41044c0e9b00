"""Logs and blames, well-formed, cut and hostile, read into data."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from codebase.history import Commit, Touch, read_blame, read_log
from codebase.history.blame import unquoted
from tests.codebase.history.making import commit, renamed, written

SHA, OTHER = "a" * 40, "b" * 40
_signs = some.characters(codec="utf-8", exclude_characters="\0")
_texts = some.text(_signs, max_size=20)
_paths = some.text(_signs, min_size=1, max_size=20)
_counts = some.none() | some.integers(0, 10**9)
_touches = some.builds(Touch, _paths, _counts, _counts, some.none() | _paths)
_commits = some.builds(
    lambda sha, parents, when, author, subject, touches: Commit(
        sha, tuple(parents), when, author, "a@b", subject, tuple(touches), len(touches)
    ),
    some.from_regex(r"[0-9a-f]{40}", fullmatch=True),
    some.lists(some.from_regex(r"[0-9a-f]{40}", fullmatch=True), max_size=3),
    some.integers(0, 10**10),
    _texts,
    _texts,
    some.lists(_touches, max_size=4),
)


@given(some.lists(_commits, max_size=4))
def test_what_is_written_is_read(commits: list[Commit]) -> None:
    assert list(read_log(written(commits))) == commits


@given(some.lists(_commits, min_size=1, max_size=3), some.data())
def test_a_cut_log_gives_its_whole_commits(commits: list[Commit], data: some.DataObject) -> None:
    log = written(commits)
    cut = log[: data.draw(some.integers(0, len(log)))]
    found = list(read_log(cut))
    assert [one.sha for one in found] == [one.sha for one in commits[: len(found)]]
    assert found[:-1] == commits[: len(found) - 1] if found else True


@given(some.binary(max_size=300))
def test_anything_is_read_without_an_error(data: bytes) -> None:
    list(read_log(data))
    list(read_log(b"@" + data))
    list(read_blame(data, {}))
    list(read_blame(SHA.encode() + b" 1 1 1\n" + data, {}))
    unquoted(data)


@pytest.mark.parametrize(
    ("subject", "parents", "merges", "squashes"),
    [
        ("Merge pull request #12 from ada/topic", "a b", 12, None),
        ("Merge pull request #12 from ada/topic", "a", None, None),
        ("Merge #45: r=ada", "a b", 45, None),
        ("Merge PR #9 into main", "a b", 9, None),
        ("Merged in topic (pull request #7)", "a b", 7, None),
        ("Merge branch 'main'", "a b", None, None),
        ("Pass the context on (#5818)", "a b", 5818, 5818),
        ("Fix the total (#34)", "a", None, 34),
        ("Fix the total (#34) and more", "a", None, None),
        ("Fix (#1) (#2)", "a", None, 2),
        ("Fix #3", "a", None, None),
        ("(#99999999999999)", "a", None, None),
    ],
)
def test_the_numbers_that_messages_tell(subject: str, parents: str, merges: int | None, squashes: int | None) -> None:
    one = commit(SHA, parents=parents, subject=subject)
    assert (one.merges, one.squashes) == (merges, squashes)


def test_a_very_wide_commit_keeps_its_renames() -> None:
    wide = [Touch(f"f{number}", 1, 1) for number in range(3_000)]
    late = [renamed(f"old{number}", f"new{number}") for number in range(10)]
    (found,) = read_log(written([commit(SHA, *wide, *late)]))
    assert found.files == 3_010
    assert found.touches == (*wide[:2_000], *late)


_BLAME = b"""%(a)s 3 1 2
author Ada
author-time 1000
summary Fix (#8)
boundary
filename "odd\\303\\251\\n.py"
\tfirst
%(a)s 4 2
\t%(b)s 1 1 1
%(b)s 9 3 1
author Bob
author-time x
summary Other
filename a.py
\t
""" % {b"a": SHA.encode(), b"b": OTHER.encode()}


def test_blamed_lines_share_what_is_told_once() -> None:
    first, second, third = read_blame(_BLAME, {OTHER: 5})
    assert (first.line, first.commit, first.author, first.when) == (1, SHA, "Ada", 1000)
    assert (first.summary, first.path, first.pull_request, first.boundary) == ("Fix (#8)", "oddé\n.py", 8, True)
    assert (second.line, second.author, second.boundary) == (2, "Ada", True)
    assert (third.line, third.author, third.when, third.pull_request, third.path) == (3, "Bob", 0, 5, "a.py")


@pytest.mark.parametrize(
    ("printed", "path"),
    [(b"a b.py", "a b.py"), (rb'"tab\there\"q\""', 'tab\there"q"'), (rb'"\377"', "\udcff"), (b'"', '"'), (b'""', "")],
)
def test_quoted_paths(printed: bytes, path: str) -> None:
    assert unquoted(printed) == path
