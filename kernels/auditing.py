"""The stage `audit`: what a candidate does beside computing. Every question is put so that an answer by memory, by the
caller's memory or by a late thread is a wrong number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels.bench import CandidateSide, Expected, Found, Inputs, Judged, ReferenceSide, State
from kernels.cells import Cell
from kernels.changing import one_element, turned, with_number
from kernels.comparing import Tolerance, compare
from kernels.elements import numbers
from kernels.findings import Finding, Tier
from kernels.forms import Output, difference
from kernels.judging import finite, judge
from kernels.messages import Tensor
from kernels.seeds import seed
from kernels.tensors import DTYPES
from kernels.verdicts import Stage, Verdict, Wrong

_SAME = 3
_TRIES = 3


@dataclass(slots=True)
class Audit:
    """One audit under way: inputs of the cell kind that the task's reference is finite for."""

    reference: ReferenceSide
    candidate: CandidateSide
    distribution: str
    phase: str
    findings: list[Finding] = field(default_factory=list)
    made: int = 0

    def inputs(self) -> Inputs:
        self.made += 1
        return self.reference.draw(Cell(self.made, self.distribution), self.phase)

    def defined(self, inputs: Inputs) -> Expected | None:
        """What is right for inputs that were not drawn as they are; None where the reference is not made for them."""
        try:
            found = self.reference.expect(inputs)
        except Judged as end:
            if end.verdict is not Verdict.invalid_task:
                raise
            return None
        return found if finite(found.native) else None

    def held_to(self, inputs: Inputs, output: Output, wrong: Wrong, reason: str) -> None:
        """Raises Judged with `wrong` when the output is not what is right for `inputs`."""
        if not self.reference.judge(inputs, output)[1].right:
            raise Judged(Verdict.incorrect, Stage.audit, reason, wrong=wrong)

    def right(self, inputs: Inputs, output: Output) -> None:
        """For the outputs that a check does not turn on: no answer of a candidate's goes unseen."""
        self.held_to(inputs, output, Wrong.numerical, "an output is not right")


class NotMade(Exception):
    """A check that says nothing here, and is not to be counted among those that were held."""


Check = Callable[[Audit], None]


def audit(
    reference: ReferenceSide, candidate: CandidateSide, distribution: str, phase: str, findings: list[Finding]
) -> list[str]:
    """The names of the checks that were made. Adds to `findings`. Judged at the first that fails."""
    candidate.stage = Stage.audit
    under_way = Audit(reference, candidate, distribution, phase, findings)
    asked = {in_both_modes: reference.task.both_modes, nonfinite_comes_through: reference.task.same_nonfinite}
    checks = [*CHECKS, *(check for check, wanted in asked.items() if wanted)]
    made: list[str] = []
    for check in checks:
        with suppress(NotMade):
            check(under_way)
            made.append(check.__name__)
    return made


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
    """The same tensors at the same addresses with other contents: all of it, and a single element of each in turn."""
    before = on.inputs()
    on.right(before, on.candidate.call(before).output)
    now = on.inputs()
    found = on.candidate.call(now, refill=True)
    on.held_to(now, found.output, Wrong.stale, "the output is an earlier one though an input has new contents")
    for number in range(len(now.tensors) if on.reference.task.mixes else 0):
        changed = _one_changed(now, number, on)
        if changed is not None:
            now = changed
            found = on.candidate.call(now, refill=True)
            reason = f"the output is an earlier one though input {number} has one new element"
            on.held_to(now, found.output, Wrong.stale, reason)


def _one_changed(inputs: Inputs, number: int, on: Audit) -> Inputs | None:
    """`inputs` with another element in tensor `number`, where the output shows it if such an element is soon found.

    The reference is asked first: its task may not be defined for these. None where there is nothing to ask then.
    """
    before = on.reference.expect(inputs)
    found: Inputs | None = None
    for attempt in range(_TRIES):
        place = seed(on.reference.secret, on.phase, "element", number, attempt)
        changed = one_element(inputs, on.inputs(), number, place)
        after = on.defined(changed) if changed is not None else None
        if after is not None:
            found = changed
            if not judge(before.native, before.exact, after.native, on.reference.task.tolerance).right:
                break
    return found


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
    if not on.reference.task.mixes or on.defined(turned(on.inputs())) is None:
        raise NotMade  # the task's inputs may have an order that it needs: nobody is asked without it
    other = turned(inputs)
    found = on.candidate.call(other, refill=True)
    on.held_to(other, found.output, Wrong.stale, "the output is an earlier one though the rows have another order")


def memory_beside_is_left(on: Audit) -> None:
    """Inputs, and what the call allocates, lie between bands of NaN: what is written there, or read from there into the
    output, shows."""
    inputs = on.inputs()
    on.right(inputs, on.candidate.call(inputs).output)
    found = on.candidate.call(inputs, look="bands")
    match found.told.get("broken"):
        case []:
            pass
        case None:
            on.right(inputs, found.output)
            text = "a call between bands of memory failed, so it is not known what it reads and writes beside its own"
            on.findings.append(Finding("no_bands", Tier.support, text))
            raise NotMade
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
        made = with_number(on.inputs(), value, seed(on.reference.secret, on.phase, "nonfinite", number))
        if made is None:
            raise NotMade
        odd, which = made
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
    return compare(right.spec, wanted, wanted, values, Tolerance(ratio=1, floor=1e-5)).right
