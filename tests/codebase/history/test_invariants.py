"""What holds of every history: random graphs, random commits, counted again by the plainest means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from codebase.history import (
    MOST_PATHS,
    Commit,
    Touch,
    companions,
    hot_spots,
    noise,
    pairs,
    pull_requests,
    read_past,
    who_knows,
)
from tests.codebase.history.making import commit, renamed

FILES = [f"{name}.py" for name in "abcdef"]


@some.composite
def graphs(draw: some.DrawFn) -> list[Commit]:
    """Commits newest first, each with parents among the older ones; some merge a pull request, some squash one."""
    size = draw(some.integers(1, 12))
    found = []
    for number in range(size):
        older = [f"c{other}" for other in range(number + 1, size)]
        parents = draw(some.lists(some.sampled_from(older), unique=True, max_size=3)) if older else []
        subject = draw(
            some.sampled_from(
                ["Change", f"Merge pull request #{number} from x", f"Squash (#{number})", "Merge branch 'x'"]
            )
        )
        paths = draw(some.lists(some.sampled_from(FILES), unique=True, max_size=4))
        author = draw(some.sampled_from(["Ada", "Bob", "x[bot]"]))
        found.append(
            commit(f"c{number}", *paths, parents=" ".join(parents), subject=subject, author=author, when=1000 - number)
        )
    return found


@settings(deadline=None)
@given(graphs())
def test_a_number_comes_from_the_commit_or_from_a_merge_above_it(log: list[Commit]) -> None:
    known = {one.sha: one for one in log}
    below: dict[str, set[str]] = {}
    for one in reversed(log):
        below[one.sha] = {one.sha}.union(*(below[parent] for parent in one.parents))
    for sha, number in pull_requests(log).items():
        own = known[sha].squashes
        if own is not None:
            assert number == own
            continue
        merges = [one for one in log if one.merges == number]
        assert any(sha in below[one.sha] for one in merges)


@settings(deadline=None)
@given(graphs())
def test_squashes_and_merges_of_the_trunk_are_always_known(log: list[Commit]) -> None:
    numbers = pull_requests(log)
    for one in log:
        if one.squashes is not None:
            assert numbers[one.sha] == one.squashes
    here: Commit | None = log[0]
    known = {one.sha: one for one in log}
    while here is not None:
        if here.merges is not None:
            assert numbers[here.sha] == here.merges
        here = known[here.parents[0]] if here.parents else None


def _plainly(log: Sequence[Commit]) -> list[set[str]]:
    """The changes, put together by the plainest means."""
    numbers = pull_requests(log)
    together: dict[object, set[str]] = {}
    for one in log:
        if noise(one) is None and one.touches:
            together.setdefault(numbers.get(one.sha, one.sha), set()).update(touch.path for touch in one.touches)
    return list(together.values())


@settings(deadline=None)
@given(graphs())
def test_changes_are_what_went_in_together(log: list[Commit]) -> None:
    past = read_past(log, FILES)
    plain = _plainly(log)
    assert sorted(sorted(paths) for paths in plain) == sorted(list(change.paths) for change in past.changes)
    for path in FILES:
        assert len(past.by_path.get(path, ())) == sum(path in paths for paths in plain)
    assert past.commits == len(log)
    assert past.left_out["bot"] == sum(one.author == "x[bot]" for one in log)


@settings(deadline=None)
@given(graphs(), some.sampled_from(FILES))
def test_companions_are_counted_right(log: list[Commit], path: str) -> None:
    past = read_past(log, FILES)
    mine = [paths for paths in _plainly(log) if path in paths]
    counts = Counter(other for paths in mine for other in paths if other != path)
    found = companions(past, [path], least=1)
    assert {one.path: one.together for one in found} == dict(counts)
    assert all(one.of == len(mine) and 0 < one.confidence <= 1 for one in found)


@settings(deadline=None)
@given(graphs())
def test_pairs_are_counted_right(log: list[Commit]) -> None:
    past = read_past(log, FILES)
    for pair in pairs(past, least=1):
        one, other = pair.paths
        plain = _plainly(log)
        assert pair.together == sum(one in paths and other in paths for paths in plain)
        assert 0 < pair.likeness <= 1.0000001
        assert one < other


@settings(deadline=None)
@given(graphs())
def test_shares_of_knowledge_are_whole(log: list[Commit]) -> None:
    past = read_past(log, FILES)
    for path in ("", *FILES):
        people = who_knows(past, path)
        assert not people or sum(person.share for person in people) == pytest.approx(1)
        assert [person.share for person in people] == sorted((person.share for person in people), reverse=True)
        assert all(person.name != "x[bot]" for person in people)


@settings(deadline=None)
@given(graphs(), some.dictionaries(some.sampled_from(FILES), some.integers(0, 5_000)))
def test_the_hottest_is_one_and_nothing_is_negative(log: list[Commit], lines: dict[str, int]) -> None:
    found = hot_spots(read_past(log, FILES), lines)
    assert [spot.score for spot in found] == sorted((spot.score for spot in found), reverse=True)
    assert all(0 <= spot.score <= 1 and spot.changes >= 1 for spot in found)
    assert not found or found[0].score in (0.0, 1.0)


@settings(deadline=None)
@given(some.permutations(FILES), some.integers(1, 5))
def test_a_chain_of_renames_leads_to_todays_name(names: list[str], length: int) -> None:
    chain = names[: length + 1]
    log = [commit(f"r{number}", renamed(old, new)) for number, (old, new) in enumerate(pairwise(chain))]
    log.reverse()
    log.append(commit("first", chain[0]))
    past = read_past(log, {chain[-1]})
    assert len(past.by_path[chain[-1]]) == len(log)
    assert set(past.once.get(chain[-1], ())) == set(chain[:-1])


def test_names_that_swap_in_one_commit_do_not_run_in_circles() -> None:
    swap = commit("2", renamed("a.py", "b.py"), renamed("b.py", "a.py"))
    past = read_past([swap, commit("1", "a.py"), swap, commit("0", "b.py")], {"a.py", "b.py"})
    assert past.commits == 4


def test_wide_changes_say_nothing_about_pairs() -> None:
    wide = [Touch(f"f{number}.py", 1, 0) for number in range(MOST_PATHS + 1)]
    log = [commit(f"{number}", *wide) for number in range(9)]
    past = read_past(log, {touch.path for touch in wide})
    assert len(past.changes) == 9
    assert pairs(past, least=1) == []
    assert companions(past, ["f0.py"]) == []


def test_an_empty_past() -> None:
    past = read_past([], FILES)
    assert (past.changes, past.commits, past.first, past.last) == ([], 0, 0, 0)
    assert who_knows(past, "") == []
    assert pairs(past) == []
    assert companions(past, ["a.py"]) == []
    assert hot_spots(past, {"a.py": 3}) == []
