"""All outputs of timed calls against the reference's own: what passes, and that nothing wrong does."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.comparing import Tolerance
from kernels.forms import Output, read
from kernels.judging import judge
from kernels.messages import Tensor
from kernels.screening import alike, own_error
from kernels.tensors import TensorSpec

SHAPE = (12, 48)
Values = NDArray[np.float64]


def output(values: Values, whole: NDArray[np.int64] | None = None) -> Output:
    kept = np.zeros(3, "<i8") if whole is None else whole
    tensors = [
        Tensor(TensorSpec("float32", values.shape), values.astype("<f4").tobytes()),
        Tensor(TensorSpec("int64", kept.shape), kept.astype("<i8").tobytes()),
    ]
    items = [
        {"k": "tensor", "n": 0, "stride": [values.shape[1], 1], "lazy": False},
        {"k": "tensor", "n": 1, "stride": [1], "lazy": False},
    ]
    return read({"k": "tuple", "items": items}, tensors)


def exact(values: Values) -> list[Tensor]:
    return [
        Tensor(TensorSpec("float64", values.shape), values.astype("<f8").tobytes()),
        Tensor(TensorSpec("int64", (3,)), np.zeros(3, "<i8").tobytes()),
    ]


def product(seed: int = 0) -> tuple[Values, Values, Values]:
    """x @ w in double precision, in single precision, and in single precision summed in another order."""
    dice = np.random.default_rng(seed)
    x, w = dice.standard_normal((SHAPE[0], 96)).astype("f4"), dice.standard_normal((96, SHAPE[1])).astype("f4")
    other = sum(x[:, part : part + 8] @ w[part : part + 8] for part in range(0, 96, 8))
    return x.astype("f8") @ w.astype("f8"), (x @ w).astype("f8"), np.asarray(other, "f8")


EXACT, NATIVE, OTHER = product()
OWN = own_error(output(NATIVE), exact(EXACT))


def test_the_same_bytes_and_another_order_of_summation_pass() -> None:
    assert alike(output(NATIVE), output(NATIVE), OWN, Tolerance())
    assert not np.array_equal(NATIVE, OTHER)
    assert alike(output(NATIVE), output(OTHER), OWN, Tolerance())


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_fails_at_every_place(odd: float) -> None:
    for at in range(NATIVE.size):
        planted = NATIVE.copy()
        planted.reshape(-1)[at] = odd
        assert not alike(output(NATIVE), output(planted), OWN, Tolerance()), at


def test_a_wrong_value_fails_at_every_place() -> None:
    for at in range(NATIVE.size):
        planted = OTHER.copy()
        planted.reshape(-1)[at] += 0.05
        assert not alike(output(NATIVE), output(planted), OWN, Tolerance()), at


def test_a_number_that_is_no_number_must_be_one_in_both() -> None:
    odd = NATIVE.copy()
    odd[3, 5] = math.nan
    assert alike(output(odd), output(odd), OWN, Tolerance())
    assert not alike(output(odd), output(NATIVE), OWN, Tolerance())
    beside = odd.copy()
    beside[3, 6] += 0.05
    assert not alike(output(odd), output(beside), OWN, Tolerance()), "it covers nothing beside it"


@pytest.mark.parametrize("place", range(3))
def test_whole_numbers_are_the_same_or_wrong(place: int) -> None:
    other = np.zeros(3, np.int64)
    other[place] = 1
    assert not alike(output(NATIVE), output(NATIVE, other), OWN, Tolerance())


def test_another_structure_or_shape_is_doubt() -> None:
    assert not alike(output(NATIVE), read({"k": "plain", "v": None}, ()), OWN, Tolerance())
    assert not alike(output(NATIVE), output(NATIVE.reshape(24, 24)), OWN, Tolerance())


@given(st.integers(0, NATIVE.size - 1), st.floats(-8, 1), st.sampled_from([1, -1]), st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_what_passes_here_is_right_by_the_comparator_too(at: int, power: float, sign: int, seed: int) -> None:
    """The screen may doubt what is right. It lets nothing pass that the judge would call wrong by more than twice."""
    truth, native, other = product(seed)
    planted = other.copy()
    planted.reshape(-1)[at] += sign * 10.0**power
    own = own_error(output(native), exact(truth))
    if alike(output(native), output(planted), own, Tolerance()):
        found = judge(output(native), exact(truth), output(planted), Tolerance())
        assert found.worst < 2


def test_the_own_error_is_by_row_and_ignores_what_has_none() -> None:
    rows, whole = OWN
    assert rows.shape == (SHAPE[0],)
    assert (rows > 0).all()
    assert (rows < 1e-4).all()
    assert whole.size == 0
    odd = NATIVE.copy()
    odd[2, 2] = math.inf
    again = own_error(output(odd), exact(EXACT))[0]
    assert np.isfinite(again).all(), "an infinity allows nothing to its row"


def test_a_boolean_that_is_neither_is_doubt() -> None:
    spec = TensorSpec("bool", (2,))
    form = {"k": "tensor", "n": 0, "stride": [1], "lazy": False}
    right, wrong = (read(form, [Tensor(spec, data)]) for data in (b"\0\1", b"\0\2"))
    assert not alike(right, wrong, own_error(right, [Tensor(spec, b"\0\1")]), Tolerance())
