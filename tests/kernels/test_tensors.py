import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.elements import numbers
from kernels.tensors import DTYPES, TensorSpec


@pytest.mark.parametrize(
    ("dtype", "data", "values"),
    [
        ("float64", struct.pack("<2d", 1.5, -2.0), [1.5, -2.0]),
        ("float32", struct.pack("<2f", 1.5, math.inf), [1.5, math.inf]),
        ("float16", struct.pack("<2e", 1.5, -65504.0), [1.5, -65504.0]),
        ("bfloat16", b"\x80\x3f\x49\x40\x80\xff", [1.0, 3.140625, -math.inf]),
        ("float8_e4m3fn", bytes([0x38, 0x7E, 0x01, 0xC0]), [1.0, 448.0, 2.0**-9, -2.0]),
        ("float8_e5m2", bytes([0x3C, 0x7B, 0x7C, 0x01]), [1.0, 57344.0, math.inf, 2.0**-16]),
        ("complex64", struct.pack("<2f", 1.0, -1.0), [1 - 1j]),
        ("int64", struct.pack("<q", -(2**63)), [-(2**63)]),
        ("int32", struct.pack("<i", -5), [-5]),
        ("int16", struct.pack("<h", -5), [-5]),
        ("int8", b"\xff", [-1]),
        ("uint8", b"\xff", [255]),
        ("bool", b"\0\1", [0, 1]),
    ],
)
def test_bytes_as_numbers(dtype: str, data: bytes, values: list[complex]) -> None:
    found = numbers(TensorSpec(dtype, (len(values),)), data)
    assert found.tolist() == values
    assert found.dtype.itemsize >= 8


def test_nan_in_every_float() -> None:
    for dtype, code in (("float8_e4m3fn", b"\x7f"), ("float8_e5m2", b"\x7d"), ("bfloat16", b"\xc0\x7f")):
        assert np.isnan(numbers(TensorSpec(dtype, (1,)), code)[0])


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_bfloat16_is_the_upper_half_of_a_float32(value: float) -> None:
    upper = struct.pack("<f", value)[2:]
    assert numbers(TensorSpec("bfloat16", (1,)), upper)[0] == struct.unpack("<f", b"\0\0" + upper)[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_byte_too_many_or_too_few_is_refused(dtype: str, change: int) -> None:
    spec = TensorSpec(dtype, (3,))
    with pytest.raises(ValueError, match="bytes"):
        numbers(spec, bytes(spec.bytes + change))


def test_a_bool_is_0_or_1() -> None:
    with pytest.raises(ValueError, match="neither"):
        numbers(TensorSpec("bool", (2,)), b"\0\2")


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("float31", (1,)), ("float32", (-1,)), ("float32", (True,)), ("float32", (1.0,)), ("float32", (1,) * 17),
     ("float32", (1 << 30, 1 << 30)), ("", ()), ("object", (1,))],
)  # fmt: skip
def test_what_is_no_tensor(dtype: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"no dtype|no shape|too many"):
        TensorSpec(dtype, shape)


def test_a_scalar_and_an_empty_tensor() -> None:
    assert numbers(TensorSpec("float32", ()), b"\0\0\0\0").tolist() == [0.0]
    assert numbers(TensorSpec("float32", (3, 0)), b"").tolist() == []
    assert str(TensorSpec("int8", (2, 3))) == "int8[2, 3]"
