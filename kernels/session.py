"""Baseline and candidate called in turns on inputs that change with every call, and every output looked at.

The baseline makes the calls of a candidate's run too, after it: its outputs are what the candidate's are held against,
and do not exist before the candidate has made its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from kernels.baseline import Baseline
from kernels.bench import CandidateSide, Inputs, Judged, ReferenceSide
from kernels.cells import Cell
from kernels.comparing import Tolerance
from kernels.screening import Own, alike, own_error
from kernels.seeds import seed
from kernels.statistics import Turn
from kernels.verdicts import Stage, Verdict, Wrong

_POOL = 4
_PLACES = 3
_LONGEST_CALL_S = 20.0
_FETCHED_BYTES = 32 << 20
_FETCHED_OUTPUTS = 32
_FETCHED_TENSORS = 256
Plan = list[list[Any]]


@dataclass(frozen=True, slots=True)
class Clocked:
    """A run: what the worker told of each call, and the seconds of all by the broker's clock."""

    told: Sequence[float]
    wall: float


class Session:
    """Both sides are loaded and have the same weights. `output_bytes`, `output_tensors` of one call: the outputs of a
    run are kept in the worker until they have been looked at, and come in pieces. `calls`, `checked`: the candidate's.
    """

    def __init__(
        self, reference: ReferenceSide, baseline: Baseline, candidate: CandidateSide, distribution: str, phase: str,
        output_bytes: int, output_tensors: int = 1,
    ) -> None:  # fmt: skip
        self.reference, self.baseline, self.candidate = reference, baseline, candidate
        self.random = Random(seed(reference.secret, phase, "timing"))  # noqa: S311 - seeded from the job's secret
        self.pool = [reference.draw(Cell(number, distribution), phase, "pool") for number in range(_POOL)]
        # One answer's head describes every tensor in it, and has an end (kernels.messages.MOST_HEAD).
        by_tensors = _FETCHED_TENSORS // max(1, output_tensors)
        self.at_once = max(1, min(_FETCHED_OUTPUTS, by_tensors, _FETCHED_BYTES // max(1, output_bytes)))
        self._own: dict[int, Own] = {}
        other = reference.draw(Cell(_POOL, distribution), phase, "pool")
        baseline.side.copies = candidate.copies = reference.expect(other).aliases
        for number, inputs in enumerate(self.pool):
            places = _PLACES if number == _POOL - 1 else 0
            for side in (baseline, candidate):
                side.fill(inputs, first=number == 0, places=places)
        self.calls = self.checked = 0

    def plan(self, calls: int) -> Plan:
        """Which input each call has, in which place, with which changes: one element of the first float tensor, to
        something of the size of a usual one."""
        return [
            [number, self.random.randrange(_PLACES), self._edits(self.pool[number])]
            for number in self.random.choices(range(_POOL), k=calls)
        ]

    def _edits(self, inputs: Inputs) -> list[list[Any]]:
        for number, one in enumerate(inputs.tensors):
            if one.spec.dtype in ("float64", "float32", "float16", "bfloat16") and one.spec.elements:
                return [[number, self.random.randrange(one.spec.elements), self.random.uniform(-2, 2)]]
        return []

    def block(self, calls: int) -> Turn:
        """Baseline, candidate, baseline."""
        first = run(self.baseline, self.plan(calls)).told
        middle, last = self.both(self.plan(calls))
        return Turn(first, middle.told, last.told)

    def both(self, plan: Plan) -> tuple[Clocked, Clocked]:
        """The candidate's run and then the baseline's of the same calls, every output of which is held against the
        other's. Judged when one is wrong."""
        self.calls += len(plan)
        found = run(self.candidate, plan), run(self.baseline, plan)
        self._check(plan)
        return found

    def _check(self, plan: Plan) -> None:
        for start in range(0, len(plan), self.at_once):
            which = list(range(start, min(start + self.at_once, len(plan))))
            outputs, natives = self.candidate.outputs(which), self.baseline.outputs(which)
            if len(outputs) != len(which) or len(natives) != len(which):
                raise Judged(Verdict.protocol_error, Stage.time, "it does not give the outputs that were asked for")
            for one, output, native in zip(which, outputs, natives, strict=True):
                number, _, edits = plan[one]
                right = alike(native, output, self._own_error(number), self._tolerance)
                if not right and not self.reference.judge(self.pool[number], output, edits=edits)[1].right:
                    raise Judged(
                        Verdict.incorrect, Stage.time, "an output of a timed call is not right for its own inputs",
                        wrong=Wrong.stale,
                    )  # fmt: skip
                self.checked += 1

    @property
    def _tolerance(self) -> Tolerance:
        return self.reference.task.tolerance

    def _own_error(self, number: int) -> Own:
        """The reference's own error for an input of the pool, asked for when the first output is there."""
        if number not in self._own:
            expected = self.reference.expect(self.pool[number])
            self._own[number] = own_error(expected.native, expected.exact)
        return self._own[number]


def run(side: Baseline | CandidateSide, plan: Plan, patience: float = _LONGEST_CALL_S) -> Clocked:
    """The calls of a plan, after the outputs of the last run were freed: to free them is part of no call's time.
    `patience` in seconds for the first call, of which each further one may take a tenth."""
    side.forget()
    began = time.perf_counter()
    told = side.time(plan, patience + len(plan) * _LONGEST_CALL_S / 10)
    return Clocked(told, time.perf_counter() - began)
