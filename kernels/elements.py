"""A tensor's bytes as numbers to be compared. Pure. numpy has no bfloat16 and no 8-bit floats: widened here."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.tensors import DTYPES, TensorSpec


def numbers(spec: TensorSpec, data: bytes | bytearray | memoryview) -> NDArray[Any]:
    """The elements, flat, in a type that holds them exactly: float64, complex128 or int64. Where it can, a view.

    Raises ValueError when there are not exactly as many bytes as the description asks for, or a bool is not 0 or 1.
    """
    view = memoryview(data).cast("B")
    if view.nbytes != spec.bytes:
        raise ValueError(f"{spec} has {spec.bytes} bytes, not {view.nbytes}")
    dtype = DTYPES[spec.dtype]
    raw: NDArray[Any] = np.frombuffer(view, dtype=dtype.wire)
    if spec.dtype == "bfloat16":
        raw = (raw.astype("<u4") << 16).view("<f4")
    elif spec.dtype.startswith("float8"):
        raw = _eight_bits(spec.dtype)[raw]
    elif spec.dtype == "bool" and raw.size and raw.max() > 1:
        raise ValueError("a bool is neither 0 nor 1")
    return raw.astype(dtype.wide, copy=False)


@cache
def _eight_bits(name: str) -> NDArray[np.float64]:
    """All 256 values of an 8-bit float."""
    exponent_bits, mantissa_bits, bias = (4, 3, 7) if name == "float8_e4m3fn" else (5, 2, 15)
    top = (1 << exponent_bits) - 1
    values = np.zeros(256)
    for code in range(256):
        sign = -1.0 if code & 0x80 else 1.0
        exponent = (code >> mantissa_bits) & top
        mantissa = code & ((1 << mantissa_bits) - 1)
        if name == "float8_e5m2" and exponent == top:
            values[code] = sign * math.inf if mantissa == 0 else math.nan
        elif name == "float8_e4m3fn" and exponent == top and mantissa == (1 << mantissa_bits) - 1:
            values[code] = math.nan  # its only one; it has no infinity
        elif exponent == 0:
            values[code] = sign * mantissa * 2.0 ** (1 - bias - mantissa_bits)
        else:
            values[code] = sign * (1 + mantissa / (1 << mantissa_bits)) * 2.0 ** (exponent - bias)
    return values
