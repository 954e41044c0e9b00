"""Is the task itself worth grading? Asked before any candidate: answers that compute nothing must be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.bench import Expected, Inputs, ReferenceSide
from kernels.cells import Cell
from kernels.comparing import compare
from kernels.elements import numbers
from kernels.judging import finite
from kernels.messages import Tensor
from kernels.tensors import DTYPES, TensorSpec

_INSENSITIVE = 1e-5
_SMALL = 1e-2
_NOISE = 1e-2


@dataclass(slots=True)
class TaskAudit:
    """`problems` make the task invalid, `notes` are for its author. `native_error`: what the declared precision costs.
    `distributions`: those for which the reference stays finite."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    native_error: float = 0.0
    precise: bool = True
    output: list[str] = field(default_factory=list)
    distributions: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.problems


def audit_task(reference: ReferenceSide) -> TaskAudit:
    """`reference` is loaded and has drawn weights. Judged when the reference fails."""
    found = TaskAudit()
    own = reference.task.distributions
    wide = next((one for one in ("normal", "uniform", "lognormal") if not own or one in own), None)
    asked = [one for one in ("declared", wide) if one is not None and (not own or one in own)] or list(own or ())[:1]
    # Where two right answers differ, nothing can be held against either: this comes before all comparing.
    _repeated(reference, asked[0], found)
    if found.problems:
        return found
    for distribution in asked:
        _with_inputs(reference, distribution, found)
    if not found.distributions and not found.problems:
        found.problems.append("the output is not finite for any inputs that were tried")
    if not found.problems:
        _sensitive(reference, found)
    return found


def _with_inputs(reference: ReferenceSide, distribution: str, found: TaskAudit) -> None:
    inputs = [reference.draw(Cell(number, distribution), "task") for number in range(3)]
    answers = [reference.expect(one) for one in inputs]
    if not answers[0].native.leaves:
        found.problems.append("the output holds no tensor")
        return
    if not all(finite(one.native) for one in answers):
        where = "its own inputs" if distribution == "declared" else f"{distribution} inputs"
        (found.problems if distribution == "declared" else found.notes).append(f"the output is not finite on {where}")
        return
    found.distributions.append(distribution)
    found.precise = found.precise and all(one.precise for one in answers)
    found.output = [str(leaf.tensor.spec) for leaf in answers[0].native.leaves]
    passing = _nulls_that_pass(reference, inputs, answers, found)
    where = "on the task's own inputs" if distribution == "declared" else f"on {distribution} inputs"
    found.problems += [f"{name} is right {where}" for name in passing]
    if distribution == "declared":
        found.notes += _looks(answers)


def _nulls_that_pass(
    reference: ReferenceSide, inputs: Sequence[Inputs], answers: Sequence[Expected], found: TaskAudit
) -> list[str]:
    """The answers without a computation that are right for both of two inputs."""
    passing: set[str] | None = None
    for number in (0, 1):
        right = set()
        for name, values in _nulls(inputs[number], answers[number], answers[2]):
            if _accepts(reference, answers[number], values, found):
                right.add(name)
        passing = right if passing is None else passing & right
    return sorted(passing or ())


def _accepts(reference: ReferenceSide, answer: Expected, values: Sequence[NDArray[Any]], found: TaskAudit) -> bool:
    for leaf, exact, null in zip(answer.native.leaves, answer.exact, values, strict=True):
        spec = leaf.tensor.spec
        native = numbers(spec, leaf.tensor.data)
        result = compare(spec, numbers(exact.spec, exact.data), native, null, reference.task.tolerance)
        found.native_error = max(found.native_error, result.native_error)
        if not result.right:
            return False
    return True


def _nulls(inputs: Inputs, answer: Expected, other: Expected) -> Iterator[tuple[str, list[NDArray[Any]]]]:
    """Names, and for each of the output's tensors the values of a program that computes nothing."""
    specs = [leaf.tensor.spec for leaf in answer.native.leaves]
    others = [numbers(leaf.tensor.spec, leaf.tensor.data) for leaf in other.native.leaves]
    own = [numbers(leaf.tensor.spec, leaf.tensor.data) for leaf in answer.native.leaves]
    yield "an output of zeros", [np.zeros_like(one) for one in others]
    yield "an output of ones", [np.ones_like(one) for one in others]
    yield "one constant for all inputs", [_constant(spec, one) for spec, one in zip(specs, others, strict=True)]
    yield "the output for other inputs", others
    if all(len(spec.shape) > 1 and spec.shape[0] > 1 for spec in specs):
        yield (
            "the first row for all rows",
            [np.tile(one[: one.size // spec.shape[0]], spec.shape[0]) for spec, one in zip(specs, own, strict=True)],
        )
    passed = [_like(spec, inputs.tensors) for spec in specs]
    if all(one is not None for one in passed):
        yield "an input passed through", [one for one in passed if one is not None]


def _constant(spec: TensorSpec, values: NDArray[Any]) -> NDArray[Any]:
    mean = values.mean() if values.size else 0
    return np.full_like(values, mean if DTYPES[spec.dtype].floating else np.round(mean))


def _like(spec: TensorSpec, tensors: Sequence[Tensor]) -> NDArray[Any] | None:
    return next((numbers(one.spec, one.data) for one in tensors if one.spec == spec), None)


def _looks(answers: Sequence[Expected]) -> Iterator[str]:
    """What a fixed tolerance would let pass, though ours does not."""
    for number, leaf in enumerate(answers[0].native.leaves):
        if not DTYPES[leaf.tensor.spec.dtype].floating or not leaf.tensor.spec.elements:
            continue
        values = [np.abs(numbers(one.native.leaves[number].tensor.spec, one.native.leaves[number].tensor.data))
                  for one in answers]  # fmt: skip
        if max(float(one.max()) for one in values) < _SMALL:
            yield f"every number of output {number} is below {_SMALL}: a tolerance of that size accepts zeros"
        spread = float(np.std([float(one.mean()) for one in values]))
        inner = max(float(one.std()) for one in values)
        if spread < _NOISE * 1e-2 and inner < _NOISE * 1e-2:
            yield f"output {number} is all but the same number everywhere"


def _repeated(reference: ReferenceSide, distribution: str, found: TaskAudit) -> None:
    """What a model remembers from call to call, or draws, makes two right answers differ."""
    inputs = reference.draw(Cell(9, distribution), "task")
    first, *later = reference.repeat(inputs, 3)
    for one in later:
        for before, after in zip(first, one, strict=True):
            spec = before.spec
            right, values = numbers(spec, before.data), numbers(spec, after.data)
            if after.spec != spec or not compare(spec, right, right, values, reference.task.tolerance).right:
                found.problems.append("the same inputs give other outputs when called again: hidden state or chance")
                return


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
