"""Is it faster? From times of two programs measured in turns to an interval and a word. Pure.

The clock of a machine drifts by percents within seconds, and a hundred times of one program followed by a hundred of
the other see that drift as a difference. Measured in turns, block by block, both see the same drift; what is compared
is the ratio within a block. No time is left out as an outlier: the median of a block needs no help.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
LEAST_BLOCKS = 8
BLOCKS, MORE_BLOCKS = 12, 24
_SMALLEST_EFFECT = 0.02
_CONFIDENCE = 0.95
_LARGEST_EFFECT = 0.1


class Speed(StrEnum):
    """What the interval says; `ambiguous` where it says nothing."""

    faster = "faster"
    equal = "equal"
    slower = "slower"
    ambiguous = "ambiguous"


@dataclass(frozen=True, slots=True)
class Interval:
    """A ratio of times with its 95% interval: above 1 the second program is faster."""

    low: float
    ratio: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Block:
    """Seconds a call, of the baseline and of the candidate, measured next to each other."""

    baseline: Sequence[float]
    candidate: Sequence[float]

    def __post_init__(self) -> None:
        for times in (self.baseline, self.candidate):
            if not times or not all(math.isfinite(one) and one > 0 for one in times):
                raise ValueError("a block has times of both, and a time is a positive number of seconds")


def log_ratios(blocks: Sequence[Block]) -> NDArray[np.float64]:
    """For each block the logarithm of the baseline's median through the candidate's."""
    return np.array([math.log(np.median(one.baseline)) - math.log(np.median(one.candidate)) for one in blocks])


def interval(blocks: Sequence[Block], seed: int, resamples: int = RESAMPLES) -> Interval:
    """The ratio over all blocks, with a percentile bootstrap over blocks (B. Efron, 1979).

    ValueError for fewer than eight blocks. `seed` makes it repeatable.
    """
    if len(blocks) < LEAST_BLOCKS:
        raise ValueError(f"{len(blocks)} blocks are too few for an interval: {LEAST_BLOCKS} are needed")
    ratios = log_ratios(blocks)
    chosen = np.random.default_rng(seed).integers(0, len(ratios), size=(resamples, len(ratios)))
    means = ratios[chosen].mean(axis=1)
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(math.exp(low), math.exp(float(ratios.mean())), math.exp(high))


def smallest_effect(same: Interval) -> float:
    """Which gain can be told from none here. `same`: the interval of the baseline against itself, in this session."""
    return max(_SMALLEST_EFFECT, 2 * same.half_width, 2 * abs(same.ratio - 1))


def speed(found: Interval, effect: float) -> Speed:
    """The word for an interval; `effect`: from `smallest_effect`. Where only much could be told apart, nothing is
    called equal."""
    if found.low > 1 + effect:
        return Speed.faster
    if found.high < 1 - effect:
        return Speed.slower
    if effect <= _LARGEST_EFFECT and found.low >= 1 - effect and found.high <= 1 + effect:
        return Speed.equal
    return Speed.ambiguous


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds of each call of a block: of the baseline, of the candidate, and of the baseline again."""

    first: Sequence[float]
    middle: Sequence[float]
    last: Sequence[float]


@dataclass(frozen=True, slots=True)
class Decision:
    """`found`: the baseline through the candidate; `same`: the baseline's two halves through each other; `effect`: what
    could be told from none. `turns`: all that was measured."""

    speed: Speed
    found: Interval
    same: Interval
    effect: float
    turns: Sequence[Turn]


def decide(turn: Callable[[], Turn], seed: int, blocks: tuple[int, int] = (BLOCKS, MORE_BLOCKS)) -> Decision:
    """Measures, by `turn`, as many blocks as the first of `blocks`; where they say nothing, up to the second, once."""
    turns: list[Turn] = []
    for wanted in blocks:
        while len(turns) < wanted:
            turns.append(turn())
        decided = _decided(turns, seed)
        if decided.speed is not Speed.ambiguous:
            break
    return decided


def _decided(turns: Sequence[Turn], seed: int) -> Decision:
    same = interval([Block(one.first, one.last) for one in turns], seed)
    found = interval([Block([*one.first, *one.last], one.middle) for one in turns], seed)
    effect = smallest_effect(same)
    return Decision(speed(found, effect), found, same, effect, tuple(turns))


def slope(few: tuple[int, float], many: tuple[int, float]) -> float:
    """Seconds a call by the clock on the wall of whoever asked: two runs, each as calls and seconds, without what a run
    costs once. ValueError when the runs do not differ in calls."""
    if many[0] <= few[0]:
        raise ValueError("the longer run has no more calls than the shorter one")
    return (many[1] - few[1]) / (many[0] - few[0])


def clocks_agree(told: float, by_wall: float, once: float, share: float = 0.8) -> bool:
    """Whether the seconds a call that a worker tells can be true. `by_wall`: `slope`; `once`: what each call costs its
    asker besides. Both ways: a worker that tells too little hides work, one that tells too much hides the clock."""
    return by_wall >= share * told and told >= share * (by_wall - once)
