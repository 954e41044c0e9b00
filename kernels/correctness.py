"""The stage `correct`: a candidate's outputs over cells of fresh inputs and changing weights, each held against what is
right. What is right is computed after the candidate has answered."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from kernels.bench import CandidateSide, Inputs, Judged, ReferenceSide
from kernels.cells import Cell
from kernels.judging import Judgement, finite
from kernels.verdicts import Stage, Verdict

_CELLS_A_STATE = 6


@dataclass(slots=True)
class Tally:
    """How close some cells came: the worst errors of those that counted, relative to the exact output."""

    cells: int = 0
    passed: int = 0
    error: float = 0.0
    native_error: float = 0.0
    worst: float = 0.0

    def add(self, found: Judgement) -> None:
        self.cells += 1
        self.passed += found.right
        if math.isfinite(found.error):
            self.error = max(self.error, found.error)
        self.native_error = max(self.native_error, found.native_error)
        self.worst = max(self.worst, found.worst)


@dataclass(slots=True)
class Correctness(Tally):
    """What was tried. `kinds`: the same for each kind of inputs, by what they look like (shapes, dtypes, layout).
    `left_out`: cells in which the reference itself leaves the finite numbers."""

    kinds: dict[str, Tally] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    precise: bool = True


def correct(reference: ReferenceSide, candidate: CandidateSide, cells: Iterable[Cell], phase: str) -> Correctness:
    """Raises Judged at the first cell that is wrong. `phase` gives its own seeds to each run of this stage.

    Weights change every few cells under the living model, in turns by load_state_dict and in place.
    """
    tried = Correctness()
    for number, cell in enumerate(cells):
        if number % _CELLS_A_STATE == 0:
            state = reference.draw_state(phase, number)
            candidate.stage = Stage.load if number == 0 else Stage.correct
            candidate.set_state(state, "in_place" if (number // _CELLS_A_STATE) % 2 else "load")
            candidate.stage = Stage.launch if number == 0 else Stage.correct
        _one(reference, candidate, cell, phase, tried)
        candidate.stage = Stage.correct
    if tried.cells == 0:
        raise Judged(Verdict.invalid_task, Stage.correct, "the reference's output is finite in no cell at all")
    return tried


def _one(reference: ReferenceSide, candidate: CandidateSide, cell: Cell, phase: str, tried: Correctness) -> None:
    inputs = reference.draw(cell, phase)
    found = candidate.call(inputs, cell.layout)
    expected, result = reference.judge(inputs, found.output, cell.layout)
    tried.precise = tried.precise and expected.precise
    if cell.distribution != "declared" and not finite(expected.native):
        tried.left_out.append(str(cell))
        return
    tried.add(result)
    tried.kinds.setdefault(_kind(inputs, cell), Tally()).add(result)
    if not result.right:
        reason = f"cell ({cell}): {result.text}; {_far(result)}"
        raise Judged(Verdict.incorrect, Stage.correct, reason, wrong=result.wrong)


def _kind(inputs: Inputs, cell: Cell) -> str:
    looks = " ".join(str(one.spec) for one in inputs.tensors)
    return looks if cell.layout == "contiguous" else f"{looks} ({cell.layout})"


def _far(result: Judgement) -> str:
    if not math.isfinite(result.error):
        return "its values were not compared"
    return f"relative error {result.error:.2g}, the reference's own is {result.native_error:.2g}"
