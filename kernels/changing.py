"""Inputs that a candidate has had, with little changed: what is remembered of them is no answer to these. Pure.

Every element stays one that was drawn for its place, so that what the task's inputs may hold is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kernels.bench import Inputs
from kernels.messages import Tensor
from kernels.tensors import DTYPES


def one_element(inputs: Inputs, other: Inputs, number: int, seed: int) -> Inputs | None:
    """`inputs`, with a single element of tensor `number` as `other` has it, which was drawn as they were. Not the first
    element, which is where memories look, unless it is the only one. None where the two do not differ."""
    one, two = inputs.tensors[number], other.tensors[number]
    if one.spec != two.spec or not one.spec.elements:
        return None
    old, new = _elements(one), _elements(two)
    places = np.flatnonzero((old != new).any(axis=1))
    places = places[places > 0] if places.size > 1 else places
    if not places.size:
        return None
    changed = old.copy()
    at = int(places[seed % places.size])
    changed[at] = new[at]
    return Inputs(inputs.form, _replaced(inputs.tensors, number, Tensor(one.spec, changed.tobytes())))


def turned(inputs: Inputs) -> Inputs:
    """Float tensors have their rows in the opposite order. Integers are usually indices and stay."""
    tensors = [
        Tensor(one.spec, np.frombuffer(one.data, np.uint8).reshape(one.spec.shape[0], -1)[::-1].tobytes())
        if one.spec.shape and one.spec.elements and DTYPES[one.spec.dtype].floating
        else one
        for one in inputs.tensors
    ]
    return Inputs(inputs.form, tensors)


def with_number(inputs: Inputs, value: float, seed: int) -> tuple[Inputs, int] | None:
    """With one element of the largest float tensor another, and which tensor that is. None where there is none."""
    number = _largest(inputs.tensors)
    if number is None:
        return None
    one = inputs.tensors[number]
    values = np.frombuffer(bytearray(one.data), DTYPES[one.spec.dtype].wire)
    values[seed % one.spec.elements] = value
    return Inputs(inputs.form, _replaced(inputs.tensors, number, Tensor(one.spec, values.tobytes()))), number


def _elements(tensor: Tensor) -> NDArray[np.uint8]:
    """The bytes of each element: of any dtype, also of those that numpy does not know."""
    return np.frombuffer(tensor.data, np.uint8).reshape(tensor.spec.elements, -1)


def _replaced(tensors: Sequence[Tensor], number: int, by: Tensor) -> list[Tensor]:
    return [*tensors[:number], by, *tensors[number + 1 :]]


def _largest(tensors: Sequence[Tensor]) -> int | None:
    """numpy can write these in place; 16-bit brain floats and 8-bit ones it knows as integers."""
    sizes = {
        number: one.spec.elements
        for number, one in enumerate(tensors)
        if one.spec.dtype in ("float64", "float32", "float16") and one.spec.elements
    }
    return max(sizes, key=lambda number: sizes[number]) if sizes else None
