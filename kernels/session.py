"""Baseline and candidate called in turns on inputs that no call has had before, and every output looked at.

The baseline makes the calls of a candidate's run too, after it: its outputs are what the candidate's are held against,
and do not exist before the candidate has made its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kernels.baseline import Baseline
from kernels.bench import CALL_S, CandidateSide, Inputs, Judged, ReferenceSide
from kernels.cells import Cell
from kernels.comparing import Tolerance
from kernels.mixing import ROOM, mixed, new_mask, of_one_kind
from kernels.screening import Own, alike, own_error, worse
from kernels.seeds import seed
from kernels.statistics import Turn
from kernels.verdicts import Stage, Verdict, Wrong

_POOL = 4
_WHOLE = 8
_PLACES = 3
_FIRST_S = 20.0
_FETCHED_BYTES = 32 << 20
_FETCHED_OUTPUTS = 32
_FETCHED_TENSORS = 256
Plan = Sequence[Sequence[int]]
"""Of each call: the two inputs it is mixed from, the same twice where one is taken whole; the place it is written to;
and from where the mask is read."""


@dataclass(frozen=True, slots=True)
class Clocked:
    """A run: what the worker told of each call, and the seconds of all by the broker's clock."""

    told: Sequence[float]
    wall: float


class Session:
    """Both sides are loaded and have the same weights. `output_bytes`, `output_tensors` of one call: the outputs of a
    run are kept in the worker until they have been looked at, and come in pieces. `calls`, `checked`: the candidate's.
    `call_s`: seconds that a call may take.

    Where a task allows inputs of its own kind only, what a tensor's elements have to do with each other is not known
    (sorted, a permutation, positive definite): nothing is mixed then, and each run has whole inputs of its own, at most
    `most` of them. Judged: invalid_task, where the task's inputs have other shapes each time.
    """

    def __init__(
        self, reference: ReferenceSide, baseline: Baseline, candidate: CandidateSide, distribution: str, phase: str,
        output_bytes: int, output_tensors: int = 1,
    ) -> None:  # fmt: skip
        self.reference, self.baseline, self.candidate = reference, baseline, candidate
        self.random = Random(seed(reference.secret, phase, "timing"))  # noqa: S311 - seeded from the job's secret
        self.mixes = reference.task.mixes
        self.most = ROOM if self.mixes else _WHOLE
        self._distribution, self._phase = distribution, phase
        self._drawn = 0
        # One answer's head describes every tensor in it, and has an end (kernels.messages.MOST_HEAD).
        by_tensors = _FETCHED_TENSORS // max(1, output_tensors)
        self.at_once = max(1, min(_FETCHED_OUTPUTS, by_tensors, _FETCHED_BYTES // max(1, output_bytes)))
        self._own: Own | None = None
        self.call_s = CALL_S
        self.calls = self.checked = 0
        self._fill()
        self.mask = new_mask(self.pool[0], seed(reference.secret, phase, "mask"))
        for side in (baseline, candidate):
            side.take_mask(self.mask)

    def _fill(self) -> None:
        """Draws a pool and gives it to both."""
        size = _POOL if self.mixes else _WHOLE
        cells = [Cell(self._drawn + number, self._distribution) for number in range(size)]
        self._drawn += size
        self.pool = [self.reference.draw(cell, self._phase, "pool") for cell in cells]
        if not of_one_kind(self.pool):
            reason = "get_inputs gives tensors of other shapes each time: name them as `shapes` in a task.toml instead"
            raise Judged(Verdict.invalid_task, Stage.time, reason)
        for number, inputs in enumerate(self.pool):
            places = _PLACES if number == size - 1 else 0
            for side in (self.baseline, self.candidate):
                side.fill(inputs, first=number == 0, places=places)

    def plan(self, calls: int) -> Plan:
        """For `calls` calls, of which there are at most `most`."""
        if not self.mixes:
            numbers = self.random.sample(range(_WHOLE), k=calls)
            return [[one, one, self.random.randrange(_PLACES), 0] for one in numbers]
        starts = self.random.sample(range(ROOM), k=calls)
        return [[*self.random.sample(range(_POOL), k=2), self.random.randrange(_PLACES), start] for start in starts]

    def block(self, calls: int) -> Turn:
        """Baseline, candidate, baseline."""
        first = run(self.baseline, self.plan(calls), self.call_s).told
        middle, last = self.both(self.plan(calls))
        return Turn(first, middle.told, last.told)

    def both(self, plan: Plan) -> tuple[Clocked, Clocked]:
        """The candidate's run and then the baseline's of the same calls, every output of which is held against the
        other's. Judged when one is wrong."""
        if self.calls and not self.mixes:
            self._fill()
        self.calls += len(plan)
        found = run(self.candidate, plan, self.call_s), run(self.baseline, plan, self.call_s)
        self._check(plan)
        return found

    def inputs(self, call: Sequence[int]) -> Inputs:
        """What a call of a plan is made with."""
        one, two, _, start = call
        return self.pool[one] if one == two else mixed(self.pool[one], self.pool[two], self.mask, start)

    def _check(self, plan: Plan) -> None:
        for start in range(0, len(plan), self.at_once):
            which = list(range(start, min(start + self.at_once, len(plan))))
            outputs, natives = self.candidate.outputs(which), self.baseline.outputs(which)
            if len(outputs) != len(which) or len(natives) != len(which):
                raise Judged(Verdict.protocol_error, Stage.time, "it does not give the outputs that were asked for")
            for one, output, native in zip(which, outputs, natives, strict=True):
                right = alike(native, output, self._own_error(), self._tolerance)
                if not right and not self.reference.judge(self.inputs(plan[one]), output)[1].right:
                    raise Judged(
                        Verdict.incorrect, Stage.time, "an output of a timed call is not right for its own inputs",
                        wrong=Wrong.stale,
                    )  # fmt: skip
                self.checked += 1

    @property
    def _tolerance(self) -> Tolerance:
        return self.reference.task.tolerance

    def _own_error(self) -> Own:
        """The reference's own error for inputs of this kind, asked for when the first output is there."""
        if self._own is None:
            one, two = (self.reference.expect(inputs) for inputs in self.pool[:2])
            self._own = worse(own_error(one.native, one.exact), own_error(two.native, two.exact))
        return self._own


def run(side: Baseline | CandidateSide, plan: Plan, call_s: float, first_s: float = _FIRST_S) -> Clocked:
    """The calls of a plan, which may take `call_s` seconds each and `first_s` besides. Their outputs take the memory of
    the last run's."""
    began = time.perf_counter()
    told = side.time(plan, first_s + len(plan) * call_s)
    return Clocked(told, time.perf_counter() - began)
