"""The stage `time`: baseline and candidate in turns, on inputs that change with every call, their outputs looked at.

Each block is baseline, candidate, baseline: the two halves of the baseline against each other say what this machine
can tell apart at all. The candidate's process tells the time of each call, by a clock taken before the candidate was
there; the broker's own clock, over runs of different length, says whether that can be true.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from kernels import statistics
from kernels.bench import CandidateSide, Inputs, Judged, ReferenceSide
from kernels.cells import Cell
from kernels.seeds import seed
from kernels.statistics import Block, Interval, Speed
from kernels.verdicts import Stage, Verdict, Wrong

BLOCKS, MORE_BLOCKS = 12, 24
_POOL = 4
_PLACES = 3
_MOST_CALLS = 40
_BLOCK_S = 0.02
_LONGEST_CALL_S = 20.0
_KEPT_BYTES = 256 << 20
_RESOLUTION_S = 50e-6
_OVERHEAD_S = 100e-6
_TRIES, _CONVICTING = 5, 3
_RUNS = 7
_CLOCKED_S = 0.005
Clocked = tuple[list[float], float]


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians in seconds a call. `same`: the baseline against itself. `wall`: seconds a call by the broker's clock,
    `once`: what asking costs besides. `clocks_checked`: the machine was quiet enough for its two clocks to be held
    against each other; if not, nothing is said about speed. `checked`: how many outputs of timed calls were compared.
    """

    speed: Speed
    found: Interval
    same: Interval
    smallest_effect: float
    baseline_s: float
    candidate_s: float
    wall_s: float
    once_s: float
    clocks_checked: bool
    blocks: int
    calls: int
    checked: int

    @property
    def overhead_dominated(self) -> bool:
        """The baseline is so short that what is measured is mostly Python."""
        return self.baseline_s < _OVERHEAD_S


class _Session:
    def __init__(self, reference: ReferenceSide, candidate: CandidateSide, distribution: str, phase: str) -> None:
        self.reference, self.candidate, self.phase = reference, candidate, phase
        self.random = Random(seed(reference.secret, phase, "timing"))  # noqa: S311 - seeded from the job's secret
        self.pool = [reference.draw(Cell(number, distribution), phase, "pool") for number in range(_POOL)]
        for number, inputs in enumerate(self.pool):
            places = _PLACES if number == _POOL - 1 else 0
            reference.fill(inputs, first=number == 0, places=places)
            candidate.fill(inputs, first=number == 0, places=places)
        self.checked = self.calls = 0

    def plan(self, calls: int) -> list[list[Any]]:
        return [
            [number, self.random.randrange(_PLACES), self._edits(self.pool[number])]
            for number in self.random.choices(range(_POOL), k=calls)
        ]

    def _edits(self, inputs: Inputs) -> list[list[Any]]:
        """A new value for one element of the first float tensor, of the size of a usual one."""
        for number, one in enumerate(inputs.tensors):
            if one.spec.dtype in ("float64", "float32", "float16", "bfloat16") and one.spec.elements:
                return [[number, self.random.randrange(one.spec.elements), self.random.uniform(-2, 2)]]
        return []

    def baseline(self, calls: int) -> list[float]:
        return self.baseline_clocked(calls)[0]

    def baseline_clocked(self, calls: int) -> Clocked:
        """What the reference worker tells of each call, and the seconds of all by the broker's clock."""
        plan = self.plan(calls)
        self.reference.forget()
        began = time.perf_counter()
        told = self.reference.time(plan, _patience(calls))
        return told, time.perf_counter() - began

    def candidate_clocked(self, calls: int) -> Clocked:
        """What it tells of each call, and the seconds of all by the broker's clock."""
        return self.run(self.plan(calls))

    def run(self, plan: list[list[Any]]) -> Clocked:
        self.calls += len(plan)
        self.candidate.forget()
        began = time.perf_counter()
        told = self.candidate.time(plan, _patience(len(plan)))
        return told, time.perf_counter() - began

    def check(self, plan: list[list[Any]]) -> None:
        """Looks at one output of a run, which the candidate could not know beforehand."""
        chosen = self.random.randrange(len(plan))
        outputs = self.candidate.outputs([chosen])
        number, _, edits = plan[chosen]
        if len(outputs) != 1 or not self.reference.judge(self.pool[number], outputs[0], edits=edits)[1].right:
            raise Judged(
                Verdict.incorrect, Stage.time, "an output of a timed call is not right for its own inputs",
                wrong=Wrong.stale,
            )  # fmt: skip
        self.checked += 1


def measure(
    reference: ReferenceSide, candidate: CandidateSide, distribution: str, output_bytes: int, phase: str
) -> Timing:
    """Both sides are loaded and have the same weights. Judged, when an output is wrong or the clocks do not agree.

    `output_bytes` of one call: all outputs of a run are kept in the worker until it has been looked at.
    """
    candidate.stage = Stage.time
    session = _Session(reference, candidate, distribution, phase)
    session.baseline(3)
    session.candidate_clocked(3)
    usual = float(np.median(session.baseline(5)))
    most = max(3, min(_MOST_CALLS, _KEPT_BYTES // max(1, output_bytes)))
    calls = max(3, min(most, round(_BLOCK_S / usual)))
    blocks: list[tuple[list[float], list[float], list[float]]] = []
    for wanted in (BLOCKS, MORE_BLOCKS):
        while len(blocks) < wanted:
            blocks.append(_block(session, max(3, min(most, round(calls * session.random.uniform(0.7, 1.3))))))
        timing = _words(blocks, session.random.randrange(1 << 30))
        if timing[0] is not Speed.ambiguous:
            break
    told = float(np.median([one for _, middle, _ in blocks for one in middle]))
    clocks, told_apart = _checked_clocks(session, max(4, min(most, round(_CLOCKED_S / usual))))
    speed, found, same, effect = timing
    if not told_apart:
        speed = Speed.ambiguous
    base = float(np.median([one for first, _, last in blocks for one in (*first, *last)]))
    return Timing(
        speed, found, same, effect, base, told, clocks.wall, clocks.once, told_apart,
        blocks=len(blocks), calls=session.calls, checked=session.checked,
    )  # fmt: skip


def _patience(calls: int) -> float:
    return _LONGEST_CALL_S + calls * _LONGEST_CALL_S / 10


def _block(session: _Session, calls: int) -> tuple[list[float], list[float], list[float]]:
    first = session.baseline(calls)
    plan = session.plan(calls)
    middle, _ = session.run(plan)
    last = session.baseline(calls)
    session.check(plan)  # after the block: computing what is right would disturb the baseline that follows
    return first, middle, last


def _words(
    blocks: Sequence[tuple[list[float], list[float], list[float]]], number: int
) -> tuple[Speed, Interval, Interval, float]:
    same = statistics.interval([Block(first, last) for first, _, last in blocks], number)
    found = statistics.interval([Block([*first, *last], middle) for first, middle, last in blocks], number)
    effect = statistics.smallest_effect(same)
    return statistics.speed(found, effect), found, same, effect


@dataclass(frozen=True, slots=True)
class _Clocks:
    """Seconds a call: by the broker's clock, of which asking costs `once`, and as the worker tells."""

    wall: float
    once: float
    told: float

    @property
    def agree(self) -> bool:
        # Below the resolution of a wall clock with a message in between nothing can be said.
        return (
            statistics.clocks_agree(self.told, self.wall, self.once)
            or abs(self.wall - self.once - self.told) < _RESOLUTION_S
        )


def _checked_clocks(session: _Session, calls: int) -> tuple[_Clocks, bool]:
    """The candidate's clocks, and whether this machine could tell: where even the reference's do not agree, it is too
    busy to. Judged when again and again only the candidate's disagree."""
    tries: list[tuple[_Clocks, bool]] = []
    for _ in range(_TRIES):
        found = _clocks(session, session.candidate_clocked, calls)
        if found.agree:
            return found, True
        tries.append((found, _clocks(session, session.baseline_clocked, calls).agree))
    if sum(agrees for _, agrees in tries) < _CONVICTING:
        return tries[-1][0], False
    raise Judged(
        Verdict.timing_inconsistent,
        Stage.time,
        f"it tells {found.told:.3g} s a call, by the clock outside it is {found.wall:.3g} s of which asking costs "
        f"{found.once:.3g} s, in {_TRIES} of {_TRIES} tries; the reference's two clocks agree",
    )


def _clocks(session: _Session, run: Callable[[int], Clocked], calls: int) -> _Clocks:
    """From the quickest of several runs of two lengths, which is the one that was disturbed least."""
    few, many = max(1, calls // 4), max(4, calls)
    ends: list[tuple[float, float]] = []
    for count in (few, many):
        runs = []
        for _ in range(_RUNS):
            told, wall = run(count)
            runs.append((wall, sum(told)))
        ends.append(min(runs))
    wall = statistics.slope((few, ends[0][0]), (many, ends[1][0]))
    told_each = statistics.slope((few, ends[0][1]), (many, ends[1][1]))
    once = statistics.slope((few, _idle(session, few)), (many, _idle(session, many)))
    return _Clocks(wall, max(0.0, once), told_each)


def _idle(session: _Session, calls: int) -> float:
    best = float("inf")
    for _ in range(_RUNS):
        plan = session.plan(calls)
        began = time.perf_counter()
        session.reference.idle(plan)
        best = min(best, time.perf_counter() - began)
    return best
