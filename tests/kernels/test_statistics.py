import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.statistics import Block, Interval, Speed, clocks_agree, interval, slope, smallest_effect, speed


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


def verdict(dice: np.random.Generator, gain: float) -> Speed:
    effect = smallest_effect(interval(session(dice, 1.0), 1, 1000))
    return speed(interval(session(dice, gain), 2, 1000), effect)


def test_under_two_percent_of_drift_the_same_kernel_is_not_faster_and_five_percent_are_seen() -> None:
    """The two error rates the lane stands on, over 1,000 sessions each."""
    dice = np.random.default_rng(2026)
    same = [verdict(dice, 1.0) for _ in range(1000)]
    assert same.count(Speed.faster) < 10
    assert same.count(Speed.slower) < 10
    better = [verdict(dice, 1.05) for _ in range(1000)]
    assert better.count(Speed.faster) > 950


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
