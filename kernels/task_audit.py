"""Is the task itself worth grading? Asked before any candidate: answers that compute nothing must be wrong.

Two things are told apart. A *problem* makes the task `invalid_task`: a null (`kernels.nulls`) that our own comparison
takes for right on the task's own inputs, under weights drawn as a verification draws them; or that the same inputs give
other outputs, or none that are finite, or that the output depends on no input or on no weight. Nothing that a candidate
is told about such a task would mean anything.

What else is *degenerate* is said and does not make a task invalid, since our own comparison is not deceived by it: a
null that passes at a fixed tolerance, with the weights that the constructor leaves (which is how the public harnesses
judge), or ours on inputs that are not the task's own. `named` picks those of them that matter: wherever the comparison
is no looser than 1e-4.

Of each parameter of the constructor that is a flag or a number with a fraction it is asked whether another value can be
seen at all on the inputs that are drawn: an `eps` may be so small that nobody would notice its absence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from kernels.bench import Called, Inputs, ReferenceSide
from kernels.cells import Cell
from kernels.comparing import compare
from kernels.judging import finite
from kernels.nulls import (
    Degenerate,
    Strictness,
    accepted_at,
    accepted_by_us,
    even_axes,
    nulls,
    right,
    specs,
    values,
    visible,
)
from kernels.tensors import DTYPES

OWN = "declared"
_INSENSITIVE = 1e-5
_SMALL = 1e-2
_NOISE = 1e-2
_SEEN = 10.0
_MORE_WEIGHTS = 2
_SHORT_S = 100e-6
_BIG_BYTES = 256 << 20
_LOOSER: tuple[Strictness, ...] = ("exact", "1e-4", "1e-2")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A parameter of the constructor. `unseen`: values that no inputs which are drawn tell from its own."""

    name: str
    value: float | bool
    unseen: tuple[float | bool, ...]


@dataclass(slots=True)
class TaskAudit:
    """`problems` make the task invalid, `notes` are for its author. `native_error`: what the declared precision costs.
    `distributions`: those for which the reference stays finite. `largest`: the largest absolute number of an output,
    with the constructor's weights. `call_s`: the shortest call on this machine, one thread. `half_error`: of inputs,
    weights and output in bfloat16, relative; `half_passes`: where that would be accepted."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    native_error: float = 0.0
    precise: bool = True
    output: list[str] = field(default_factory=list)
    distributions: list[str] = field(default_factory=list)
    degenerate: list[Degenerate] = field(default_factory=list)
    scalars: list[Scalar] = field(default_factory=list)
    largest: float = 0.0
    call_s: float = 0.0
    half_error: float = math.nan
    half_passes: list[Strictness] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.problems

    @property
    def named(self) -> list[Degenerate]:
        """The nulls that are right on the task's own inputs at a tolerance of 1e-4 or a stricter one."""
        return [one for one in self.degenerate if one.inputs == OWN and one.tolerance != "1e-2"]


def audit_task(reference: ReferenceSide) -> TaskAudit:
    """`reference` is loaded, its model is as the constructor left it; afterwards it has drawn weights. Judged when the
    reference fails."""
    found = TaskAudit()
    allowed = reference.task.distributions
    wide = next((one for one in ("normal", "uniform", "lognormal") if not allowed or one in allowed), None)
    asked = [one for one in (OWN, wide) if one is not None and (not allowed or one in allowed)]
    asked = asked or list(allowed or ())[:1]
    # Where two right answers differ, nothing can be held against either: this comes before all comparing.
    _as_constructed(reference, asked[0], found)
    reference.change_state("task")
    if found.problems:
        return found
    for distribution in asked:
        _as_verified(reference, distribution, found, own=distribution == asked[0])
    if not found.distributions and not found.problems:
        found.problems.append("the output is not finite for any inputs that were tried")
    if not found.problems:
        _sensitive(reference, found)
        _scalars(reference, found)
    return found


def _drawn(reference: ReferenceSide, number: int, distribution: str) -> Inputs:
    return reference.draw(Cell(number, distribution), "task")


def _called(reference: ReferenceSide, inputs: Inputs, *, again: bool = False) -> Called:
    found = reference.call(inputs, again=again)
    if found is None:
        raise AssertionError("the model is there")
    return found


def _as_constructed(reference: ReferenceSide, distribution: str, found: TaskAudit) -> None:
    """What can be said with the weights that the constructor made, in the task's own precision."""
    inputs = _drawn(reference, 0, distribution)
    first = _called(reference, inputs)
    if not first.output.leaves:
        found.problems.append("the output holds no tensor")
        return
    found.output = [str(one) for one in specs(first.output)]
    found.call_s = first.seconds
    for _ in range(2):
        again = _called(reference, inputs, again=True)
        found.call_s = min(found.call_s, again.seconds)
        if not _same(reference, first, again):
            found.problems.append("the same inputs give other outputs when called again: hidden state or chance")
            return
    if not finite(first.output):
        return
    other = _called(reference, _drawn(reference, 2, distribution))
    found.largest = max((float(np.abs(one).max()) for one in values(first.output) if one.size), default=0.0)
    found.notes += _looks([first, other])
    size = sum(one.spec.bytes for one in inputs.tensors) + sum(one.bytes for one in specs(first.output))
    found.notes += of_sizes(size, found.call_s)
    found.degenerate += _at_fixed_tolerances(reference, distribution, inputs, first, other)
    _in_half_precision(reference, inputs, first, found)


def _same(reference: ReferenceSide, first: Called, again: Called) -> bool:
    """What a model remembers from call to call, or draws, makes two right answers differ."""
    if specs(first.output) != specs(again.output):
        return False
    return all(
        compare(spec, one, one, two, reference.task.tolerance).right
        for spec, one, two in zip(specs(first.output), values(first.output), values(again.output), strict=True)
    )


def _at_fixed_tolerances(
    reference: ReferenceSide, distribution: str, inputs: Inputs, first: Called, other: Called
) -> Iterator[Degenerate]:
    native = values(first.output)
    levels = {name: accepted_at(native, null) for name, null in nulls(first.output, other.output, inputs.tensors)}
    if not any(levels.values()):
        return
    inputs = _drawn(reference, 1, distribution)
    second = _called(reference, inputs)
    native = values(second.output)
    for name, null in nulls(second.output, other.output, inputs.tensors):
        level, again = levels.get(name), accepted_at(native, null)
        if level is not None and again is not None:
            yield Degenerate(name, max(level, again, key=_LOOSER.index), distribution, "own")


def _in_half_precision(reference: ReferenceSide, inputs: Inputs, first: Called, found: TaskAudit) -> None:
    """No fault of the task: it says which tolerance would take half precision for single."""
    rounded = reference.call(inputs, rounded=True)
    if rounded is None or specs(rounded.output) != specs(first.output) or not finite(rounded.output):
        return
    native, half = values(first.output), values(rounded.output)
    floating = [DTYPES[spec.dtype].floating for spec in specs(first.output)]
    results = [
        compare(spec, one, one, two, reference.task.tolerance)
        for spec, one, two in zip(specs(first.output), native, half, strict=True)
    ]
    found.half_error = max((one.error for one, real in zip(results, floating, strict=True) if real), default=math.nan)
    level = accepted_at(native, half)
    if all(one.right for one in results):
        found.half_passes.append("ours")
    found.half_passes += [one for one in _LOOSER if level is not None and _LOOSER.index(one) >= _LOOSER.index(level)]


def _as_verified(reference: ReferenceSide, distribution: str, found: TaskAudit, *, own: bool) -> None:
    """What our own comparison takes for right, with drawn weights. What passes with some draws of them only is a note:
    a bias may by chance lie where everything is cut off, and a verification draws weights several times. The model is
    left with weights that let the least pass."""
    answer = reference.expect(_drawn(reference, 0, distribution))
    if not (finite(answer.native) and finite(_called(reference, _drawn(reference, 2, distribution)).output)):
        where = "its own inputs" if own else f"{distribution} inputs"
        (found.problems if own else found.notes).append(f"the output is not finite on {where}")
        return
    found.distributions.append(distribution)
    passing = at_first = _accepted(reference, distribution, found, None)
    for again in range(_MORE_WEIGHTS):
        if passing:
            reference.change_state("task", again)
            passing = _accepted(reference, distribution, found, passing)
    where = "on the task's own inputs" if own else f"on {distribution} inputs"
    found.degenerate += [Degenerate(name, "ours", distribution, "drawn") for name in sorted(passing)]
    (found.problems if own else found.notes).extend(f"{name} is right {where}" for name in sorted(passing))
    found.notes += [f"{name} is right {where} with some weights" for name in sorted(at_first - passing)]


def _accepted(
    reference: ReferenceSide, distribution: str, found: TaskAudit, among: frozenset[str] | None
) -> frozenset[str]:
    """The nulls that are right for two inputs with the weights that are there; of `among`, all of which are where
    nothing finite comes out."""
    other = _called(reference, _drawn(reference, 2, distribution)).output
    passing = among
    for number in (0, 1):
        inputs = _drawn(reference, number, distribution)
        answer = reference.expect(inputs)
        if among is not None and not (finite(answer.native) and finite(other)):
            return among
        found.precise = found.precise and answer.precise
        held = right(answer.native, answer.exact, reference.task.tolerance)
        for one in held:
            error = compare(one.spec, one.exact, one.native, one.native, one.tolerance).native_error
            found.native_error = max(found.native_error, error)
        passing = frozenset(
            name
            for name, null in nulls(answer.native, other, inputs.tensors, number)
            if (passing is None or name in passing) and accepted_by_us(held, null)
        )
        if not passing:
            break
    return passing or frozenset()


def _looks(answers: Sequence[Called]) -> Iterator[str]:
    """What a fixed tolerance would let pass, though ours does not, and what a candidate need not compute."""
    count = len(answers[0].output.leaves)
    numbers = [values(one.output) for one in answers if len(one.output.leaves) == count]
    for number, spec in enumerate(specs(answers[0].output)):
        if not DTYPES[spec.dtype].floating or not spec.elements:
            continue
        seen = [one[number] for one in numbers]
        if max(float(np.abs(one).max()) for one in seen) < _SMALL:
            yield f"every number of output {number} is below {_SMALL}: a tolerance of that size accepts zeros"
        spread = float(np.std([float(np.abs(one).mean()) for one in seen]))
        inner = max(float(np.abs(one).std()) for one in seen)
        if spread < _NOISE * 1e-2 and inner < _NOISE * 1e-2:
            yield f"output {number} is all but the same number everywhere"
        for axis in even_axes(spec, seen[0]):
            yield f"output {number} does not change along its dimension {axis}"


def of_sizes(size: int, call_s: float) -> Iterator[str]:
    """Notes on a call: the bytes of its inputs and outputs, and its seconds."""
    if call_s < _SHORT_S:
        yield (
            f"a call takes {call_s * 1e6:.0f} microseconds here, so mostly what calling from Python costs would be "
            "measured (overhead_dominated): larger inputs would say more"
        )
    if size > _BIG_BYTES:
        yield f"one call's inputs and outputs take {size >> 20} MiB: each of some hundred trials moves as much"


def _sensitive(reference: ReferenceSide, found: TaskAudit) -> None:
    changes = reference.sensitivity(Cell(10, found.distributions[-1]))
    inputs = {f"input {number}": change for number, change in changes["inputs"]}
    weights = {str(name): float(change) for name, change in changes["state"].items()}
    for what, sizes in (("input", inputs), ("weight", weights)):
        deaf = [name for name, change in sizes.items() if 0 <= change < _INSENSITIVE or not math.isfinite(change)]
        if sizes and len(deaf) == len(sizes):
            found.problems.append(f"the output depends on no {what}")
        else:
            found.notes += [f"the output does not depend on {name}" for name in deaf]


def _scalars(reference: ReferenceSide, found: TaskAudit) -> None:
    """Which other values of the constructor's parameters no inputs show; a value that makes no model, or one with other
    weights or another output, shows itself."""
    scalars = reference.scalars()
    unseen = {name: list(_others(value)) for name, value in scalars}
    allowed = reference.task.distributions
    more = [one for one in ("large", "small") if not allowed or one in allowed]
    for distribution in [*found.distributions, *more]:
        if not any(unseen.values()):
            break
        inputs = _drawn(reference, 11, distribution)
        before = _called(reference, inputs)
        for name, left in unseen.items():
            left[:] = [one for one in left if not _shows(reference, inputs, before, name, one)]
    for name, value in scalars:
        found.scalars.append(Scalar(name, value, tuple(unseen[name])))
        found.notes += [
            f"no inputs that are drawn show whether {name} is {value:g} or {other:g}: it may be left out unseen"
            for other in unseen[name]
        ]


def _others(value: float | bool) -> tuple[float | bool, ...]:
    """More and less of it: what is cut off at a bound shows only when the bound comes nearer."""
    if isinstance(value, bool):
        return (not value,)
    return tuple(one for one in ((1.5 * value, 0.5 * value) if value else (0.1, -0.1)) if math.isfinite(one))


def _shows(reference: ReferenceSide, inputs: Inputs, before: Called, name: str, other: float | bool) -> bool:
    after = reference.call(inputs, otherwise=[name, other])
    if after is None or specs(after.output) != specs(before.output):
        return True
    return any(
        visible(spec, one, two, reference.task.tolerance) >= _SEEN
        for spec, one, two in zip(specs(before.output), values(before.output), values(after.output), strict=True)
    )
