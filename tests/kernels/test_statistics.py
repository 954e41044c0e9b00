import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.statistics import (
    BLOCKS,
    MORE_BLOCKS,
    Block,
    Interval,
    Speed,
    Turn,
    clocks_agree,
    decide,
    interval,
    slope,
    smallest_effect,
    speed,
)


def session(dice: np.random.Generator, gain: float, blocks: int = 20, calls: int = 5) -> list[Block]:
    """Times of a machine whose clock steps about by 2%, with jitter and outliers, measured in turns."""

    def times(true: float, level: float) -> list[float]:
        jitter = 1 + 0.007 * dice.standard_normal(calls)
        late = np.where(dice.random(calls) < 0.02, dice.uniform(1, 1.6, calls), 1.0)
        return list(true * level * jitter * late)

    found = []
    for _ in range(blocks):
        level = 1 + 0.02 * dice.standard_normal()
        found.append(Block(times(1e-3, level), times(1e-3 / gain, level)))
    return found


def turn(dice: np.random.Generator, gain: float, calls: int = 5) -> Turn:
    found = session(dice, gain, 1, calls)[0]
    return Turn(session(dice, 1.0, 1, calls)[0].baseline, found.candidate, found.baseline)


def test_a_decision_takes_more_blocks_only_where_few_say_nothing() -> None:
    dice = np.random.default_rng(3)
    clear = decide(lambda: turn(dice, 1.3, calls=20), 1)
    assert (clear.speed, len(clear.turns)) == (Speed.faster, BLOCKS)
    assert clear.found.low > 1.2
    unclear = decide(lambda: turn(dice, float(dice.uniform(0.7, 1.4)), calls=20), 1)
    assert (unclear.speed, len(unclear.turns)) == (Speed.ambiguous, MORE_BLOCKS)


def test_a_baseline_that_drifts_against_itself_makes_nothing_faster() -> None:
    """Half of the blocks find the second half of the baseline 30% slower: then 10% are no gain."""
    numbers = itertools.count()

    def drifting() -> Turn:
        slower = 1.3e-3 if next(numbers) % 2 else 1e-3
        return Turn([1e-3] * 5, [1e-3] * 5, [slower] * 5)

    assert decide(drifting, 1).speed is Speed.ambiguous


@given(st.floats(0.5, 2.0), st.floats(1e-7, 10.0), st.integers(0, 2**30))
@settings(max_examples=25, deadline=None)
def test_what_decides_is_the_ratio_whatever_the_scale(gain: float, seconds: float, seed: int) -> None:
    found = decide(lambda: Turn([seconds] * 3, [seconds / gain] * 3, [seconds] * 3), seed)
    assert found.found.ratio == pytest.approx(gain, rel=1e-6)
    expected = Speed.faster if gain > 1.0201 else Speed.slower if gain < 0.9799 else None
    assert found.speed is expected or 0.9799 <= gain <= 1.0201


@given(st.lists(st.floats(1e-6, 1.0), min_size=8, max_size=8), st.floats(0.5, 2.0), st.integers(0, 2**30))
@settings(max_examples=50, deadline=None)
def test_a_level_that_both_see_changes_nothing(levels: list[float], gain: float, seed: int) -> None:
    found = interval([Block([level], [level / gain]) for level in levels], seed, 200)
    assert found.low == pytest.approx(gain)
    assert found.high == pytest.approx(gain)


def test_without_turns_drift_looks_like_a_gain() -> None:
    """Why blocks hold both: the same machine, first all of one, then all of the other."""
    dice = np.random.default_rng(7)
    wrong = 0
    for _ in range(300):
        first, second = session(dice, 1.0, blocks=5, calls=20), session(dice, 1.0, blocks=5, calls=20)
        means = [np.mean([one.baseline for one in blocks]) for blocks in (first, second)]
        wrong += int(means[0] / means[1] > 1.02)
    assert wrong > 3


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.03, 1.10, Speed.faster),
        (1.02, 1.10, Speed.ambiguous),
        (0.99, 1.01, Speed.equal),
        (0.98, 1.02, Speed.equal),
        (0.90, 0.97, Speed.slower),
        (0.90, 1.10, Speed.ambiguous),
        (1.00, 1.03, Speed.ambiguous),
    ],
)
def test_the_word_for_an_interval(low: float, high: float, expected: Speed) -> None:
    assert speed(Interval(low, (low + high) / 2, high), 0.02) is expected


def test_a_noisy_machine_asks_for_a_larger_effect() -> None:
    assert smallest_effect(Interval(0.999, 1.0, 1.001)) == 0.02
    assert smallest_effect(Interval(0.95, 1.0, 1.05)) == pytest.approx(0.1)
    assert smallest_effect(Interval(1.039, 1.04, 1.041)) == pytest.approx(0.08), "a baseline that beats itself"


def test_an_interval_is_repeatable_and_holds_its_ratio() -> None:
    blocks = session(np.random.default_rng(1), 1.2)
    found = interval(blocks, 5)
    assert found == interval(blocks, 5)
    assert found.low < found.ratio < found.high
    assert 1.15 < found.ratio < 1.25


@pytest.mark.parametrize("times", [[], [0.0], [-1.0], [float("nan")], [float("inf")], [1.0, 0.0]])
def test_a_time_that_is_none_is_refused(times: list[float]) -> None:
    with pytest.raises(ValueError, match="positive number of seconds"):
        Block([1.0], times)
    with pytest.raises(ValueError, match="positive number of seconds"):
        Block(times, [1.0])


def test_few_blocks_have_no_interval() -> None:
    with pytest.raises(ValueError, match="too few"):
        interval([Block([1.0], [1.0])] * 7, 0)


@given(st.floats(1e-9, 1e3), st.floats(0, 1e3), st.integers(1, 50), st.integers(51, 500))
def test_the_slope_forgets_what_a_run_costs_once(each: float, once: float, few: int, many: int) -> None:
    found = slope((few, once + few * each), (many, once + many * each))
    assert found == pytest.approx(each, rel=1e-3, abs=1e-9 + 1e-12 * once)


def test_a_slope_needs_two_lengths() -> None:
    with pytest.raises(ValueError, match="no more calls"):
        slope((20, 1.0), (20, 1.0))


@pytest.mark.parametrize(
    ("told", "by_wall", "once", "agree"),
    [
        (1e-3, 1.01e-3, 1e-5, True),
        (1e-5, 1e-3, 1e-5, False),  # work that its clock did not see
        (1e-3, 1e-5, 1e-5, False),  # a clock that was slowed for the baseline
        (1e-3, 2e-3, 1e-3, True),  # what is left is what a call costs its asker
    ],
)
def test_two_clocks(told: float, by_wall: float, once: float, agree: bool) -> None:
    assert clocks_agree(told, by_wall, once) is agree
