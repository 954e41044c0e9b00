"""What a worker says an output is made of, checked before it is believed, and held against what it should be. Pure.

A form is JSON: `{"k": "tensor", "n": 0, "stride": [...], ...}`, tuples, lists and dicts of such, and plain numbers. It
comes from a hostile process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kernels.messages import ProtocolError, Tensor
from kernels.tensors import TensorSpec
from kernels.verdicts import Wrong

_DEEPEST = 8
_MOST_LEAVES = 4096


@dataclass(frozen=True, slots=True)
class Leaf:
    """A tensor of an output. `path`: where it is, such as `[0]["mask"]`; `stride` in elements."""

    path: str
    tensor: Tensor
    stride: tuple[int, ...]
    lazy: bool

    @property
    def contiguous(self) -> bool:
        return self.stride == row_major(self.tensor.spec) or self.tensor.spec.elements <= 1


@dataclass(frozen=True, slots=True)
class Output:
    """`shape`: everything but tensors, as text to be compared; `leaves`: the tensors in order; `numbers`: floats."""

    shape: str
    leaves: tuple[Leaf, ...]
    numbers: tuple[float, ...]


def read(form: Any, tensors: Sequence[Tensor]) -> Output:
    """Raises ProtocolError for what is no form of these tensors, each used once and in order."""
    leaves: list[Leaf] = []
    floats: list[float] = []
    shape = _read(form, tensors, leaves, floats, "", 0)
    if len(leaves) != len(tensors):
        raise ProtocolError("an output has more tensors than its form")
    return Output(shape, tuple(leaves), tuple(floats))


def _read(form: Any, tensors: Sequence[Tensor], leaves: list[Leaf], floats: list[float], path: str, depth: int) -> str:
    if not isinstance(form, dict) or depth > _DEEPEST:
        raise ProtocolError("an output's form is none")
    match form:
        case {"k": "tensor", "n": int(number), "stride": list(stride), "lazy": bool(lazy)}:
            if number != len(leaves) or number >= len(tensors):
                raise ProtocolError("an output's tensors are out of order")
            spec = tensors[number].spec
            if len(stride) != len(spec.shape) or any(type(one) is not int for one in stride):
                raise ProtocolError("an output's strides are none")
            leaves.append(Leaf(path, tensors[number], tuple(stride), lazy))
            return "T"
        case {"k": "tuple" | "list" as kind, "items": list(items)} if len(items) <= _MOST_LEAVES:
            inner = [
                _read(one, tensors, leaves, floats, f"{path}[{number}]", depth + 1) for number, one in enumerate(items)
            ]
            return f"{kind}({','.join(inner)})"
        case {"k": "dict", "keys": list(keys), "items": list(items)} if len(keys) == len(items) <= _MOST_LEAVES:
            if not all(isinstance(key, str) for key in keys):
                raise ProtocolError("a dict's keys are no strings")
            inner = [
                f"{key!r}:{_read(one, tensors, leaves, floats, f'{path}[{key!r}]', depth + 1)}"
                for key, one in zip(keys, items, strict=True)
            ]
            return f"dict({','.join(inner)})"
        case {"k": "float", "v": str(text)}:
            try:
                floats.append(float.fromhex(text))
            except (ValueError, OverflowError):
                raise ProtocolError("a float is none") from None
            return "float"
        case {"k": "int", "v": int(value)}:
            return f"int {value}"
        case {"k": "plain", "v": None | bool() | str() as value}:
            return repr(value)
        case {"k": "other", "type": str(name)}:
            return f"something else ({name[:100]!r})"
    raise ProtocolError("an output's form is none")


def row_major(spec: TensorSpec) -> tuple[int, ...]:
    """The strides of a contiguous tensor, in elements."""
    strides: list[int] = []
    step = 1
    for size in reversed(spec.shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def difference(expected: Output, found: Output) -> tuple[Wrong, str] | None:
    """In what the two differ before any value is looked at, and how; None when they agree."""
    if expected.shape != found.shape:
        return Wrong.structure, f"the output is {_short(found.shape)}, it should be {_short(expected.shape)}"
    if not all(
        math.isclose(ours, theirs, rel_tol=1e-5, abs_tol=1e-12) or (math.isnan(ours) and math.isnan(theirs))
        for ours, theirs in zip(expected.numbers, found.numbers, strict=True)
    ):
        return Wrong.numerical, "a plain number of the output is another"
    for right, leaf in zip(expected.leaves, found.leaves, strict=True):
        where = f"output{leaf.path}"
        want, have = right.tensor.spec, leaf.tensor.spec
        if want.shape != have.shape:
            return Wrong.shape, f"{where} has the shape {list(have.shape)}, it should be {list(want.shape)}"
        if want.dtype != have.dtype:
            return Wrong.dtype, f"{where} is {have.dtype}, it should be {want.dtype}"
        if leaf.lazy and not right.lazy:
            return Wrong.layout, f"{where} is a conjugate or negative view that was never computed"
        if not (leaf.contiguous or leaf.stride == right.stride):
            return Wrong.layout, f"{where} has the strides {list(leaf.stride)}, it should have {list(right.stride)}"
    return None


def _short(shape: str) -> str:
    return shape if len(shape) <= 200 else shape[:199] + "…"
