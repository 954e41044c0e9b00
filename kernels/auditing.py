"""The stage `audit`: what a candidate does beside computing. Every question is put so that an answer by memory, by the
caller's memory or by a late thread is a wrong number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.bench import CandidateSide, Expected, Found, Inputs, Judged, ReferenceSide, State
from kernels.cells import Cell
from kernels.comparing import compare
from kernels.elements import numbers
from kernels.forms import Output, difference
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
    asked = {in_both_modes: reference.task.both_modes, nonfinite_comes_through: reference.task.same_nonfinite}
    checks = [*CHECKS, *(check for check, wanted in asked.items() if wanted)]
    for check in checks:
        check(under_way)
    return [check.__name__ for check in checks]


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


def output_is_not_the_weights(on: Audit) -> None:
    """The weights are overwritten before the output is read."""
    on.candidate.set_state(on.reference.draw_state(on.phase, "before"), "load")
    inputs = on.inputs()
    found = on.candidate.call(inputs, scribble_state=True)
    expected, result = on.reference.judge(inputs, found.output)
    on.candidate.set_state(on.reference.draw_state(on.phase, "after"), "load")
    if not expected.of_state and not result.right:
        raise Judged(
            Verdict.incorrect, Stage.audit, "the output changes when the weights are overwritten after the call",
            wrong=Wrong.aliases_state,
        )  # fmt: skip


def rows_in_another_order_are_seen(on: Audit) -> None:
    """The same tensors with the same numbers, rows turned around: no sum or largest element tells the two apart."""
    inputs = on.inputs()
    on.right(inputs, on.candidate.call(inputs).output)
    turned = _turned(inputs)
    try:
        on.reference.expect(_turned(on.inputs()))
    except Judged:
        return  # the task's inputs have an order that the reference needs: nobody is asked without it
    found = on.candidate.call(turned, refill=True)
    on.held_to(turned, found.output, Wrong.stale, "the output is an earlier one though the rows have another order")


def memory_beside_is_left(on: Audit) -> None:
    """Inputs, and what the call allocates, lie between bands of NaN: what is written there, or read from there into the
    output, shows."""
    inputs = on.inputs()
    on.right(inputs, on.candidate.call(inputs).output)
    found = on.candidate.call(inputs, look="bands")
    broken = found.told.get("broken", [])
    match broken:
        case []:
            pass
        case [[str(name), str(side), int(away)], *_]:
            raise Judged(
                Verdict.incorrect, Stage.audit,
                f"it writes to memory that is not its own: {name[:40]} ends {away} bytes from there ({side[:10]} it)",
                wrong=Wrong.out_of_bounds,
            )  # fmt: skip
        case _:
            raise Judged(Verdict.protocol_error, Stage.audit, "it does not say what became of the bands")
    on.held_to(
        inputs, found.output, Wrong.out_of_bounds, "the output is another when other memory lies around the inputs"
    )


def in_both_modes(on: Audit) -> None:
    """Evaluation after training and training after evaluation, with what each leaves in the buffers."""
    on.candidate.set_state(on.reference.draw_state(on.phase, "modes"), "load")
    for train in (False, True, False, True):
        inputs = on.inputs()
        state = on.reference.draw_state(on.phase, "modes", on.made)
        on.candidate.set_state(state, "load")
        found = on.candidate.call(inputs, train=train, state_after=True)
        expected, result = on.reference.judge(inputs, found.output, train=train, state_after=True)
        mode = "training" if train else "evaluation"
        if not result.right:
            reason = f"in {mode} mode: {result.text}"
            raise Judged(Verdict.incorrect, Stage.audit, reason, wrong=result.wrong)
        if not _kept(expected.state, found.state):
            reason = f"in {mode} mode the model's state after a call is not what it should be"
            raise Judged(Verdict.incorrect, Stage.audit, reason, wrong=Wrong.mutates_state)


def nonfinite_comes_through(on: Audit) -> None:
    """A NaN or an infinity at one place makes the same elements not finite as in the reference, and of the same kind.
    Only where a task asks for it: maxima in most languages swallow NaN, and nobody promised otherwise."""
    for number, value in enumerate((math.nan, math.inf, -math.inf)):
        inputs = on.inputs()
        which = _largest(inputs.tensors)
        if which is None:
            return
        one = inputs.tensors[which]
        values = np.frombuffer(bytearray(one.data), DTYPES[one.spec.dtype].wire)
        values[seed(on.reference.secret, on.phase, "nonfinite", number) % one.spec.elements] = value
        tensors = [*inputs.tensors[:which], Tensor(one.spec, values.tobytes()), *inputs.tensors[which + 1 :]]
        odd = Inputs(inputs.form, tensors)
        found = on.candidate.call(odd)
        text = other_class(on.reference.expect(odd), found.output)
        if text:
            raise Judged(
                Verdict.incorrect, Stage.audit, f"with {value} in input {which}: {text}", wrong=Wrong.nonfinite
            )


def other_class(expected: Expected, found: Output) -> str | None:
    """Where an output is not finite as it should be. Where single and double precision do not agree, any class is."""
    differs = difference(expected.native, found)
    if differs is not None and differs[0] is not Wrong.numerical:
        return differs[1]
    for right, exact, leaf in zip(expected.native.leaves, expected.exact, found.leaves, strict=True):
        if DTYPES[right.tensor.spec.dtype].floating:
            wanted, precise, have = (_classes(one) for one in (right.tensor, exact, leaf.tensor))
            odd = np.flatnonzero((wanted == precise) & (wanted != have))
            if odd.size:
                at = int(odd[0])
                return (
                    f"output{leaf.path} is {_CLASSES[have[at]]} where the reference's is {_CLASSES[wanted[at]]}, at "
                    f"{odd.size} of {have.size} elements"
                )
    return None


_CLASSES = ("finite", "NaN", "inf", "-inf")


def _classes(tensor: Tensor) -> NDArray[np.int8]:
    """0 for each element that is finite, else its kind."""
    values = numbers(tensor.spec, tensor.data)
    kinds = np.where(np.isnan(values), 1, 0)
    if not np.iscomplexobj(values):
        kinds = np.where(values == np.inf, 2, np.where(values == -np.inf, 3, kinds))
    else:
        kinds = np.where(np.isinf(values), 2, kinds)
    found: NDArray[np.int8] = kinds.astype(np.int8)
    return found


def state_is_kept(on: Audit) -> None:
    """Buffers, such as running statistics, end up as the reference's do."""
    on.candidate.set_state(on.reference.draw_state(on.phase, "state"), "load")
    inputs = on.inputs()
    found = on.candidate.call(inputs, state_after=True)
    expected = on.reference.expect(inputs, state_after=True)
    if not _kept(expected.state, found.state):
        raise Judged(
            Verdict.incorrect, Stage.audit, "the model's state after a call is not what it should be",
            wrong=Wrong.mutates_state,
        )  # fmt: skip
    on.right(inputs, found.output)


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
    rows_in_another_order_are_seen,
    new_weights_are_seen,
    output_is_not_the_weights,
    state_is_kept,
    memory_beside_is_left,
    same_inputs_same_output,
)


def _kept(expected: State, found: State) -> bool:
    """Whether two models' states have the same names, in any order, and all but the same values."""
    right, values = expected.by_name(), found.by_name()
    return right.keys() == values.keys() and all(_near(one, values[name]) for name, one in right.items())


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


def _turned(inputs: Inputs) -> Inputs:
    """Float tensors have their rows in the opposite order. Integers are usually indices and stay."""
    tensors = [
        Tensor(one.spec, np.frombuffer(one.data, np.uint8).reshape(one.spec.shape[0], -1)[::-1].tobytes())
        if one.spec.shape and one.spec.elements and DTYPES[one.spec.dtype].floating
        else one
        for one in inputs.tensors
    ]
    return Inputs(inputs.form, tensors)


def _largest(tensors: Sequence[Any]) -> int | None:
    """numpy can write these in place; 16-bit brain floats and 8-bit ones it knows as integers."""
    sizes = {
        number: one.spec.elements
        for number, one in enumerate(tensors)
        if one.spec.dtype in ("float64", "float32", "float16") and one.spec.elements
    }
    return max(sizes, key=lambda number: sizes[number]) if sizes else None
