"""One output of a candidate held against what is right. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.comparing import Tolerance, compare
from kernels.elements import numbers
from kernels.forms import Output, difference
from kernels.messages import Tensor
from kernels.verdicts import Wrong

LOOKS = 12
"""So often the reference is asked again with what it is given rounded otherwise. How far an element then moves is known
to some 20%; and of two equal numbers, which change places in half of the looks, one pair in 4,000 stays unnoticed."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`error`, `native_error`, `worst` as in `kernels.comparing.Comparison`, of the worst of the output's tensors."""

    wrong: Wrong | None = None
    text: str = ""
    error: float = 0.0
    native_error: float = 0.0
    worst: float = 0.0

    @property
    def right(self) -> bool:
        return self.wrong is None


def judge(
    native: Output,
    exact: Sequence[Tensor],
    found: Output,
    tolerance: Tolerance,
    nearby: Sequence[Sequence[Tensor]] = (),
) -> Judgement:
    """`native`: the reference's output as the task means it; `exact`: the same tensors in double precision; `nearby`:
    the exact outputs for inputs and weights that are rounded otherwise, once or several times."""
    differs = difference(native, found)
    if differs is not None:
        return Judgement(differs[0], differs[1], math.inf, 0.0, math.inf)
    worst = Judgement()
    for number, (right, precise, leaf) in enumerate(zip(native.leaves, exact, found.leaves, strict=True)):
        spec = right.tensor.spec
        try:
            values = numbers(spec, leaf.tensor.data)
        except ValueError as error:
            return Judgement(Wrong.numerical, f"output{leaf.path}: {error}", math.inf, 0.0, math.inf)
        wanted = numbers(precise.spec, precise.data)
        # Where the shape follows the data, it may be another for inputs that are rounded otherwise.
        moved = [
            numbers(one[number].spec, one[number].data)
            for one in nearby
            if one[number].spec.shape == precise.spec.shape
        ]
        spread = spread_of(wanted, moved)
        result = compare(spec, wanted, numbers(spec, right.tensor.data), values, tolerance, spread, moved)
        if result.worst > worst.worst or (result.wrong is not None and worst.wrong is None):
            text = "" if result.right else _where(leaf.path, spec.shape, result.index)
            worst = Judgement(result.wrong, text, result.error, result.native_error, result.worst)
        if worst.wrong is not None:
            return worst
    return worst


def spread_of(exact: NDArray[Any], moved: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """How far each element moves, as a root mean square. A look in which it leaves the finite numbers tells none."""
    if not moved:
        return None
    total, looks = np.zeros(exact.shape), np.zeros(exact.shape)
    for one in moved:
        distance = np.abs(one - exact)
        told = np.isfinite(distance)
        total += np.where(told, distance, 0) ** 2
        looks += told
    found: NDArray[Any] = np.sqrt(total / np.maximum(looks, 1))
    return found


def finite(native: Output) -> bool:
    """Whether every number of an output is finite: what is not says little about who computed it."""
    return all(
        bool(np.isfinite(numbers(leaf.tensor.spec, leaf.tensor.data)).all())
        for leaf in native.leaves
        if leaf.tensor.spec.elements
    ) and all(map(math.isfinite, native.numbers))


def _where(path: str, shape: tuple[int, ...], index: int | None) -> str:
    return f"output{path} is wrong{farthest(shape, index)}"


def farthest(shape: tuple[int, ...], index: int | None) -> str:
    """Where it is wrong, as the end of a sentence."""
    if index is None:
        return ""
    place = [int(one) for one in np.unravel_index(index, shape)] if shape else []
    return f", most of all at {place} of {list(shape)}"
