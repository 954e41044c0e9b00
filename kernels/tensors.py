"""Tensors as bytes with a description, as they cross from one process to another. Pure, and the standard library alone:
the workers have it too.

The bytes are the elements in row-major order, little-endian, without strides or offsets. The formats are those of torch
(https://docs.pytorch.org/docs/stable/tensors.html) and of the OCP 8-bit floating point specification, revision 1.0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

MOST_DIMENSIONS = 16
MOST_ELEMENTS = 1 << 40


@dataclass(frozen=True, slots=True)
class Dtype:
    """`size` in bytes; `epsilon`: the distance from 1 to the next number, 0 for what is exact. `wire`: numpy's name for
    the bytes as they come, `wide` for the type that holds all its values exactly."""

    name: str
    size: int
    wire: str
    wide: str
    epsilon: float = 0.0

    @property
    def floating(self) -> bool:
        return self.epsilon > 0


DTYPES: Mapping[str, Dtype] = {
    one.name: one
    for one in (
        Dtype("float64", 8, "<f8", "f8", 2.0**-52),
        Dtype("float32", 4, "<f4", "f8", 2.0**-23),
        Dtype("float16", 2, "<f2", "f8", 2.0**-10),
        Dtype("bfloat16", 2, "<u2", "f8", 2.0**-7),
        Dtype("float8_e4m3fn", 1, "u1", "f8", 2.0**-3),
        Dtype("float8_e5m2", 1, "u1", "f8", 2.0**-2),
        Dtype("complex64", 8, "<c8", "c16", 2.0**-23),
        Dtype("complex128", 16, "<c16", "c16", 2.0**-52),
        Dtype("int64", 8, "<i8", "i8"),
        Dtype("int32", 4, "<i4", "i8"),
        Dtype("int16", 2, "<i2", "i8"),
        Dtype("int8", 1, "i1", "i8"),
        Dtype("uint8", 1, "u1", "i8"),
        Dtype("bool", 1, "u1", "i8"),
    )
}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a tensor is, without its elements. Raises ValueError for a dtype or a shape that cannot be."""

    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"there is no dtype {str(self.dtype)[:40]!r}")
        if len(self.shape) > MOST_DIMENSIONS or any(type(size) is not int or size < 0 for size in self.shape):
            raise ValueError(f"{str(self.shape)[:100]} is no shape")
        if self.elements > MOST_ELEMENTS:
            raise ValueError(f"{self.shape} has too many elements")

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * DTYPES[self.dtype].size

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"
