"""Gradients, where a task asks for them: what flows into the outputs is drawn after the candidate has given them, and
every gradient of an input or a named parameter is held to the reference's in double precision."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kernels.bench import CandidateSide, Inputs, Judged, ReferenceSide
from kernels.cells import Cell, Shapes
from kernels.comparing import Comparison, Tolerance, compare
from kernels.elements import numbers
from kernels.forms import Output, read
from kernels.judging import farthest, spread_of
from kernels.messages import Json, ProtocolError, Tensor
from kernels.seeds import seed
from kernels.tensors import DTYPES, TensorSpec
from kernels.verdicts import Stage, Verdict, Wrong

QUICK, FULL = 4, 12
Named = Mapping[str, Tensor]
_CELLS_A_STATE = 2
# Where a function has a kink (the zero of a relu), two right answers differ by choice; these distributions do not put
# inputs exactly there, as whole numbers would.
_SMOOTH = ("declared", "normal", "uniform", "shifted", "laplace")


@dataclass(slots=True)
class Gradients:
    """`compared`: single gradients, over all cells. The errors are the worst of them, relative to the exact one."""

    cells: int = 0
    compared: int = 0
    error: float = 0.0
    native_error: float = 0.0
    worst: float = 0.0
    names: list[str] = field(default_factory=list)

    def add(self, name: str, found: Comparison) -> None:
        self.compared += 1
        if name not in self.names:
            self.names.append(name)
        if math.isfinite(found.error):
            self.error = max(self.error, found.error)
        self.native_error = max(self.native_error, found.native_error)
        self.worst = max(self.worst, found.worst)


@dataclass(frozen=True, slots=True)
class Flowed:
    """What came out of one backward pass. `attached`: which of the output's tensors have a gradient at all."""

    attached: Sequence[bool]
    found: Named


def cells_of(distributions: Sequence[str], shapes: Sequence[Shapes], *, quick: bool) -> list[Cell]:
    """`distributions`: those for which the reference is finite."""
    smooth = [one for one in _SMOOTH if one in distributions] or list(distributions)
    # The declared distribution has the declared shape alone.
    free = [one for one in smooth if one != "declared"]
    every: list[tuple[str, Shapes | None]] = [(one, None) for one in smooth]
    every += [(free[number % len(free)], shape) for number, shape in enumerate(shapes) if free]
    count = max(QUICK if quick else FULL, len(every))
    return [Cell(number, *every[number % len(every)]) for number in range(count)]


def check(reference: ReferenceSide, candidate: CandidateSide, cells: Sequence[Cell], phase: str) -> Gradients:
    """Raises Judged at the first output or gradient that is wrong. The weights change every other cell."""
    candidate.stage = Stage.correct
    tried = Gradients()
    for number, cell in enumerate(cells):
        if number % _CELLS_A_STATE == 0:
            candidate.set_state(reference.draw_state(phase, number), "load")
        _one(reference, candidate, cell, phase, tried)
        tried.cells += 1
    return tried


def _one(reference: ReferenceSide, candidate: CandidateSide, cell: Cell, phase: str, tried: Gradients) -> None:
    inputs = reference.draw(cell, phase)
    output = candidate.asked("forward", {"inputs": inputs.form, "layout": cell.layout}, inputs.tensors, _output)
    _, result = reference.judge(inputs, output, cell.layout)
    if not result.right:
        reason = f"called for its gradients ({cell}): {result.text}"
        raise Judged(Verdict.incorrect, Stage.correct, reason, wrong=result.wrong)
    which = [number for number, leaf in enumerate(output.leaves) if _differentiable(leaf.tensor.spec)]
    upstream = [drawn(output.leaves[one].tensor.spec, seed(reference.secret, phase, cell.number, one)) for one in which]
    flowed = candidate.asked("backward", {"which": which}, upstream, read_flow)
    right, exact, nearby = _right(reference, inputs, cell, which, upstream, 0)
    for number, attached in enumerate(right.attached):
        if attached and not (number < len(flowed.attached) and flowed.attached[number]):
            raise _wrong(f"output {number} is cut off from what it was computed from: it has no gradient", cell)
    for name in right.found:
        if name not in flowed.found:
            raise _wrong(f"there is no gradient of {name}", cell)
        found = _compared(name, right, exact, flowed, [], reference.task.tolerance, cell)
        if found.wrong is Wrong.numerical:
            # As with outputs: what the task itself amplifies is looked at again before it is called wrong.
            if not nearby:
                looks = max(0, reference.looks(list(exact.values())) - 2)  # beside the two that come with them
                nearby = _right(reference, inputs, cell, which, upstream, looks)[2]
            found = _compared(name, right, exact, flowed, nearby, reference.task.tolerance, cell)
        tried.add(name, found)
        if not found.right:
            where = farthest(right.found[name].spec.shape, found.index)
            off = f"relative error {found.error:.2g}, the reference's own is {found.native_error:.2g}"
            raise _wrong(f"the gradient of {name} is wrong{where}; {off}", cell)


def _compared(
    name: str,
    right: Flowed,
    exact: Named,
    flowed: Flowed,
    nearby: Sequence[Named],
    tolerance: Tolerance,
    cell: Cell,
) -> Comparison:
    native, found, wanted = right.found[name], flowed.found[name], exact[name]
    if found.spec != native.spec:
        raise _wrong(f"the gradient of {name} is {found.spec}, it should be {native.spec}", cell)
    precise = numbers(wanted.spec, wanted.data)
    spread = spread_of(precise, [numbers(one[name].spec, one[name].data) for one in nearby])
    own, values = numbers(native.spec, native.data), numbers(found.spec, found.data)
    return compare(native.spec, precise, own, values, tolerance, spread)


def _right(
    reference: ReferenceSide, inputs: Inputs, cell: Cell, which: Sequence[int], upstream: Sequence[Tensor], times: int
) -> tuple[Flowed, Named, list[Named]]:
    """The reference's gradients, the same in double precision, and these again for other roundings."""
    head, tensors = reference.gradients(inputs, cell.layout, which, upstream, times)
    names = head["names"]
    if not names:
        reason = "backward = true, but nothing of the reference's output has a gradient"
        raise Judged(Verdict.invalid_task, Stage.correct, reason)
    runs: list[Named] = [
        dict(zip(names, tensors[at : at + len(names)], strict=True)) for at in range(0, len(tensors), len(names))
    ]
    return Flowed(head["attached"], runs[0]), runs[1], runs[2:]


def _wrong(what: str, cell: Cell) -> Judged:
    return Judged(Verdict.incorrect, Stage.correct, f"{what} ({cell})", wrong=Wrong.gradient)


def _output(head: Json, tensors: Sequence[Tensor]) -> Output:
    return read(head.get("output"), tensors)


def read_flow(head: Json, tensors: Sequence[Tensor]) -> Flowed:
    """What a candidate says of its backward pass. ProtocolError for what our loader would not say."""
    match head:
        case {"attached": list(attached), "names": list(names)} if (
            len(names) == len(tensors) == len(set(map(str, names)))
        ):
            if all(isinstance(one, bool) for one in attached) and all(isinstance(one, str) for one in names):
                return Flowed(attached, dict(zip(names, tensors, strict=True)))
    raise ProtocolError("gradients without their names")


def _differentiable(spec: TensorSpec) -> bool:
    return spec.dtype in ("float64", "float32", "float16", "bfloat16", "complex64", "complex128")


def drawn(spec: TensorSpec, number: int) -> Tensor:
    """Normal numbers of a dtype that gradients have, from a seed."""
    dice = np.random.default_rng(number)
    values = dice.standard_normal(spec.elements)
    if spec.dtype == "bfloat16":
        return Tensor(spec, (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes())
    if spec.dtype.startswith("complex"):
        values = values + 1j * dice.standard_normal(spec.elements)
    return Tensor(spec, values.astype(DTYPES[spec.dtype].wire).tobytes())
