"""The stage `audit`: what a candidate does beside computing. Every question is put so that an answer by memory, by the
caller's memory or by a late thread is a wrong number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.bench import CandidateSide, Found, Inputs, Judged, ReferenceSide
from kernels.cells import Cell
from kernels.comparing import compare
from kernels.elements import numbers
from kernels.forms import Output
from kernels.messages import Tensor
from kernels.seeds import seed
from kernels.tensors import DTYPES
from kernels.verdicts import Stage, Verdict, Wrong

_SAME = 3


@dataclass(slots=True)
class Audit:
    """One audit under way: inputs of the cell kind that the task's reference is finite for."""

    reference: ReferenceSide
    candidate: CandidateSide
    distribution: str
    phase: str
    made: int = 0

    def inputs(self) -> Inputs:
        self.made += 1
        return self.reference.draw(Cell(self.made, self.distribution), self.phase)

    def held_to(self, inputs: Inputs, output: Output, wrong: Wrong, reason: str) -> None:
        """Raises Judged with `wrong` when the output is not what is right for `inputs`."""
        if not self.reference.judge(inputs, output)[1].right:
            raise Judged(Verdict.incorrect, Stage.audit, reason, wrong=wrong)

    def right(self, inputs: Inputs, output: Output) -> None:
        """For the outputs that a check does not turn on: no answer of a candidate's goes unseen."""
        self.held_to(inputs, output, Wrong.numerical, "an output is not right")


Check = Callable[[Audit], None]


def audit(reference: ReferenceSide, candidate: CandidateSide, distribution: str, phase: str) -> list[str]:
    """The names of the checks that were made. Judged at the first that fails."""
    candidate.stage = Stage.audit
    under_way = Audit(reference, candidate, distribution, phase)
    for check in CHECKS:
        check(under_way)
    return [check.__name__ for check in CHECKS]


def inputs_stay(on: Audit) -> None:
    inputs = on.inputs()
    found = on.candidate.call(inputs, inputs_after=True)
    expected = on.reference.expect(inputs, inputs_after=True)
    for number, (right, after) in enumerate(zip(expected.inputs_after, found.inputs_after, strict=False)):
        if bytes(right.data) != bytes(after.data) and not _near(right, after):
            raise Judged(
                Verdict.incorrect, Stage.audit, f"input {number} is not what it should be after the call",
                wrong=Wrong.mutates_input,
            )  # fmt: skip
    if len(found.inputs_after) != len(expected.inputs_after):
        raise Judged(Verdict.protocol_error, Stage.audit, "the inputs after the call did not come")
    on.right(inputs, found.output)


def output_is_its_own(on: Audit) -> None:
    """The inputs are overwritten before the output is read. Where the reference's output is a view, it may be one."""
    inputs = on.inputs()
    found = on.candidate.call(inputs, scribble=True)
    expected, result = on.reference.judge(inputs, found.output)
    if not expected.aliases and not result.right:
        raise Judged(
            Verdict.incorrect, Stage.audit, "the output changes when the inputs are overwritten after the call",
            wrong=Wrong.aliases_input,
        )  # fmt: skip


def two_outputs_stand(on: Audit) -> None:
    first, second = on.inputs(), on.inputs()
    for inputs in (first, second):
        on.candidate.call(inputs, hold=True)
    held = on.candidate.held()
    if len(held) != 2:
        raise Judged(Verdict.protocol_error, Stage.audit, "the outputs that were held did not come")
    for inputs, output in zip((first, second), held, strict=True):
        on.held_to(inputs, output, Wrong.buffer_reuse, "an output is no longer right after the next call")


def new_content_is_seen(on: Audit) -> None:
    """The same tensors at the same addresses with other contents: all of it, and a single element."""
    before = on.inputs()
    on.right(before, on.candidate.call(before).output)
    fresh = on.inputs()
    for inputs, what in ((fresh, "new contents"), (_with_one_changed(fresh, on), "one new element")):
        found = on.candidate.call(inputs, refill=True)
        on.held_to(inputs, found.output, Wrong.stale, f"the output is an earlier one though an input has {what}")


def new_weights_are_seen(on: Audit) -> None:
    for number, how in enumerate(("in_place", "load")):
        inputs = on.inputs()
        on.right(inputs, on.candidate.call(inputs).output)
        on.candidate.set_state(on.reference.draw_state(on.phase, "weights", number), how)
        found = on.candidate.call(inputs)
        on.held_to(inputs, found.output, Wrong.stale, f"the output does not follow weights that were set ({how})")


def state_is_kept(on: Audit) -> None:
    """Buffers, such as running statistics, end up as the reference's do."""
    on.candidate.set_state(on.reference.draw_state(on.phase, "state"), "load")
    inputs = on.inputs()
    found = on.candidate.call(inputs, state_after=True)
    expected = on.reference.expect(inputs, state_after=True)
    if len(found.state) != len(expected.state) or not all(map(_near, expected.state, found.state)):
        raise Judged(
            Verdict.incorrect, Stage.audit, "the model's state after a call is not what it should be",
            wrong=Wrong.mutates_state,
        )  # fmt: skip
    on.right(inputs, found.output)


def memory_beside_is_left(on: Audit) -> None:
    """The inputs lie between bands of NaN: what is read there shows in the output, what is written there stays."""
    inputs = on.inputs()
    found = on.candidate.call(inputs, bands=True)
    if not found.intact:
        raise Judged(
            Verdict.incorrect, Stage.audit, "it writes to memory beside its inputs", wrong=Wrong.out_of_bounds
        )  # fmt: skip
    on.held_to(
        inputs, found.output, Wrong.out_of_bounds, "the output changes with what lies beside the inputs in memory"
    )


def same_inputs_same_output(on: Audit) -> None:
    inputs = on.inputs()
    found: list[Found] = [on.candidate.call(inputs) for _ in range(_SAME)]
    for one in found:
        on.held_to(inputs, one.output, Wrong.nondeterministic, "the same inputs are not always right")


CHECKS: Sequence[Check] = (
    inputs_stay,
    output_is_its_own,
    two_outputs_stand,
    new_content_is_seen,
    new_weights_are_seen,
    state_is_kept,
    memory_beside_is_left,
    same_inputs_same_output,
)


def _near(right: Tensor, found: Tensor) -> bool:
    """Whether two tensors of one description have all but the same values."""
    if right.spec != found.spec:
        return False
    wanted = numbers(right.spec, right.data)
    try:
        values = numbers(found.spec, found.data)
    except ValueError:
        return False
    from kernels.comparing import Tolerance

    return compare(right.spec, wanted, wanted, values, Tolerance(ratio=1, floor=1e-5)).right


def _with_one_changed(inputs: Inputs, on: Audit) -> Inputs:
    """The same with the sign of one element of the largest float tensor turned and its size grown."""
    number = _largest(inputs.tensors)
    if number is None:
        return on.inputs()
    tensor = inputs.tensors[number]
    data = bytearray(tensor.data)
    at = seed(on.reference.secret, on.phase, "element") % tensor.spec.elements
    values = np.frombuffer(data, DTYPES[tensor.spec.dtype].wire)
    values[at] = -2 * values[at] - 1
    tensors = list(inputs.tensors)
    tensors[number] = Tensor(tensor.spec, bytes(data))
    return Inputs(inputs.form, tensors)


def _largest(tensors: Sequence[Any]) -> int | None:
    """numpy can write these in place; 16-bit brain floats and 8-bit ones it knows as integers."""
    sizes = {
        number: one.spec.elements
        for number, one in enumerate(tensors)
        if one.spec.dtype in ("float64", "float32", "float16") and one.spec.elements
    }
    return max(sizes, key=lambda number: sizes[number]) if sizes else None
