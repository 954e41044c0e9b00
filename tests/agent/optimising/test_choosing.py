"""Which branch has the next turn, and when there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.optimising import Bounds, Outcome, Try
from agent.optimising.choosing import best, better, idle_turns, next_branch, standing
from agent.optimising.contract import End
from tests.agent.optimising.verdicts import feedback

Told = tuple[int, str, float]


def tries(*told: Told) -> list[Try]:
    return [
        Try(number, branch, "idea", f"source {number}", None if verdict == "none" else feedback(verdict, speedup))
        for number, (branch, verdict, speedup) in enumerate(told, start=1)
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((), 1),
        (((1, "faster", 9.0),), 2),  # a first success does not shut the other beginnings out
        (((1, "incorrect", 0), (2, "compile_error", 0)), 1),  # it came further
        (((1, "compile_error", 0), (2, "incorrect", 0)), 2),
        (((1, "incorrect", 0), (2, "incorrect", 0)), 1),
        (((1, "incorrect", 0), (2, "incorrect", 0), (1, "incorrect", 0)), 2),  # of equals the one with fewer turns
        (((1, "slower", 0.5), (2, "incorrect", 0)), 1),  # right, though slow
        (((1, "slower", 0.5), (2, "equal", 1.0), (2, "incorrect", 0)), 2),  # one wrong turn does not end a branch
        (((1, "none", 0), (2, "none", 0)), 1),
        (((1, "faster", 2.0), (2, "equal", 1.0), (1, "none", 0), (1, "incorrect", 0)), 1),
        (((1, "faster", 2.0), (2, "equal", 1.0), *((1, "equal", 1.0),) * 3), End.stalled),
        (((1, "faster", 2.0), (2, "equal", 1.0), *((1, "faster", 2.01),) * 3), End.stalled),  # within the noise
        (((1, "equal", 1.0), (2, "equal", 1.0), *((1, "faster", 1.0 + n) for n in (1, 2, 3, 4, 5, 6))), End.turns),
    ],
)
def test_the_next_turn(told: tuple[Told, ...], expected: int | End) -> None:
    assert next_branch(tries(*told), Bounds(turns=8, branches=2, patience=4)) == expected


VERDICTS = st.sampled_from(["faster", "equal", "slower", "ambiguous", "incorrect", "compile_error", "none"])


@given(
    found=st.lists(st.tuples(VERDICTS, st.floats(0.1, 50)), min_size=40, max_size=40),
    turns=st.integers(1, 12),
    branches=st.integers(1, 4),
    patience=st.integers(1, 12),
)
def test_it_always_ends_within_its_turns_and_begins_every_branch(
    found: list[tuple[str, float]], turns: int, branches: int, patience: int
) -> None:
    bounds, told = Bounds(turns, branches, patience), list[Told]()
    while isinstance(branch := next_branch(tries(*told), bounds), int):
        assert 1 <= branch <= branches
        told.append((branch, *found[len(told)]))
    assert len(told) <= turns
    assert {branch for branch, _, _ in told} == set(range(1, min(turns, branches) + 1))
    if branch is End.stalled:
        assert idle_turns(tries(*told)) >= patience
    else:
        assert len(told) == turns


@given(st.lists(st.tuples(st.just(1), VERDICTS, st.floats(0.1, 50)), min_size=1))
def test_the_best_is_one_that_nothing_is_better_than(told: list[Told]) -> None:
    found = tries(*told)
    chosen = best(found)
    if chosen is None:
        assert all(one.feedback is None for one in found)
        return
    assert not any(better(standing(one.feedback), standing(chosen.feedback)) for one in found)


def test_winners_are_those_that_were_faster_the_most_certain_first() -> None:
    found = tries((1, "faster", 1.5), (1, "incorrect", 0), (2, "faster", 3.0), (2, "equal", 1.0), (1, "none", 0))
    assert [one.number for one in Outcome(tuple(found), None, End.turns, "").winners] == [3, 1]


@pytest.mark.parametrize("bounds", [{"turns": 0}, {"branches": 0}, {"patience": -1}])
def test_bounds_that_bound_nothing_are_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="from 1"):
        Bounds(**bounds)
