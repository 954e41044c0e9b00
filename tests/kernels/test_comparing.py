"""The comparator: what it must let through, what it must find, and that NaN is never a way round it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.comparing import Comparison, Tolerance, compare
from kernels.tensors import TensorSpec
from kernels.verdicts import Wrong

FULL = TensorSpec("float32", (48, 64))


def problem(seed=0, spec=FULL, scale=1.0):
    """x @ w in float64, and the same in float32."""
    dice = np.random.default_rng(seed)
    rows, columns = spec.shape
    x, w = dice.standard_normal((rows, 96)) * scale, dice.standard_normal((96, columns))
    x, w = x.astype("f4"), w.astype("f4")
    exact = (x.astype("f8") @ w.astype("f8")).ravel()
    return x, w, exact, (x @ w).astype("f8").ravel()


def against(exact, native, candidate, spec=FULL, **tolerance) -> Comparison:
    return compare(spec, exact, native, np.asarray(candidate, "f8").ravel(), Tolerance(**tolerance))


def test_the_reference_itself_and_another_order_of_summation_are_right() -> None:
    x, w, exact, native = problem()
    assert against(exact, native, native).right
    other_order = sum(x[:, part : part + 8].astype("f4") @ w[part : part + 8] for part in range(0, 96, 8))
    found = against(exact, native, other_order)
    assert found.right
    assert 0 < found.error < 1e-6
    assert against(exact, native, exact).right, "more exact than the reference is right too"


@pytest.mark.parametrize("narrow", ["f2", "bf16", "tf32"])
def test_a_lower_precision_is_wrong(narrow: str) -> None:
    x, w, exact, native = problem()
    if narrow == "f2":
        lower = x.astype("f2").astype("f4") @ w.astype("f2").astype("f4")
    else:
        kept = 0xFFFF0000 if narrow == "bf16" else 0xFFFFE000
        cut = [(one.view("u4") & np.uint32(kept)).view("f4") for one in (x, w)]
        lower = cut[0] @ cut[1]
    found = against(exact, native, lower)
    assert found.wrong is Wrong.numerical
    assert found.worst > 10


@given(st.integers(0, FULL.elements - 1), st.sampled_from([1e-4, 1e-2, 1.0, 1e6]), st.sampled_from([1, -1]))
@settings(max_examples=200, deadline=None)
def test_a_wrong_value_planted_anywhere_is_found(index: int, size: float, sign: int) -> None:
    _, _, exact, native = problem(3)
    planted = native.copy()
    planted[index] += sign * size * float(np.sqrt(np.mean(exact**2)))
    found = against(exact, native, planted)
    assert found.wrong is Wrong.numerical
    assert found.index == index


@given(st.integers(0, FULL.elements - 1), st.sampled_from([math.nan, math.inf, -math.inf]))
@settings(max_examples=60, deadline=None)
def test_what_is_not_finite_fails_anywhere(index: int, odd: float) -> None:
    _, _, exact, native = problem(4)
    planted = native.copy()
    planted[index] = odd
    found = against(exact, native, planted)
    assert (found.wrong, found.index) == (Wrong.nonfinite, index)


@pytest.mark.parametrize(
    ("native_value", "candidate_value", "right"),
    [
        (math.nan, math.nan, True),
        (math.inf, math.inf, True),
        (-math.inf, -math.inf, True),
        (math.nan, math.inf, False),
        (math.nan, 0.0, False),
        (math.inf, -math.inf, False),
        (math.inf, math.nan, False),
        (math.inf, 3e38, False),
        (-math.inf, math.inf, False),
    ],
)
def test_nan_and_infinities_by_class_and_place(native_value: float, candidate_value: float, right: bool) -> None:
    _, _, exact, native = problem(5)
    native[100] = exact[100] = native_value
    candidate = native.copy()
    candidate[100] = candidate_value
    assert against(exact, native, candidate).right is right
    beside = candidate.copy()
    beside[101] += 1.0
    assert not against(exact, native, beside).right, "a NaN nearby covers nothing"


def test_an_exact_reference_that_is_not_finite_forgives_nothing() -> None:
    _, _, exact, native = problem(6)
    exact[7] = math.nan
    assert not against(exact, native, native).right


@pytest.mark.parametrize("wrong", ["zeros", "mean", "first_row", "one_row", "another"])
def test_null_candidates_are_wrong(wrong: str) -> None:
    _, _, exact, native = problem(7)
    rows = native.reshape(FULL.shape)
    candidates = {
        "zeros": np.zeros_like(native),
        "mean": np.full_like(native, native.mean()),
        "first_row": np.broadcast_to(rows[0], FULL.shape),
        "one_row": np.vstack([rows[:-1], np.zeros(FULL.shape[1])]),
        "another": problem(8)[3],
    }
    assert not against(exact, native, candidates[wrong]).right


@pytest.mark.parametrize("shape", [(4096,), (4096, 1), (512, 8), (64, 64)])
def test_sums_that_cancel_are_right_in_any_order_and_shape(shape: tuple[int, ...]) -> None:
    """A narrow row may by chance be all but zero in the exact reference, and its relative error large in any order."""
    spec = TensorSpec("float32", shape)
    for number in range(5):
        dice = np.random.default_rng(number)
        x, w = dice.standard_normal((4096, 256)).astype("f4"), dice.standard_normal(256).astype("f4")
        exact = x.astype("f8") @ w.astype("f8")
        native = (x @ w).astype("f8")
        other = sum((x[:, part] * w[part] for part in range(255, -1, -1)), np.zeros(4096, "f4")).astype("f8")
        assert compare(spec, exact, native, other, Tolerance()).right
        other[number * 700] += 0.05
        assert not compare(spec, exact, native, other, Tolerance()).right


def test_a_quiet_row_is_held_to_what_is_usual_and_a_loud_one_hides_nobody() -> None:
    _, _, exact, native = problem(9)
    rows, exact_rows = native.reshape(FULL.shape).copy(), exact.reshape(FULL.shape).copy()
    rows[3] = exact_rows[3] = 0.0
    almost = rows.copy()
    almost[3] = 1e-9
    assert against(exact_rows.ravel(), rows.ravel(), almost).right
    almost[3] = 1e-3
    assert not against(exact_rows.ravel(), rows.ravel(), almost).right
    rows[5] *= 1e8
    exact_rows[5] *= 1e8
    off = rows.copy()
    off[6] += 0.05
    assert not against(exact_rows.ravel(), rows.ravel(), off).right


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_whole_numbers_are_compared_bit_for_bit(dtype: str) -> None:
    spec = TensorSpec(dtype, (10,))
    values = np.array([0, 1] * 5, "i8")
    assert compare(spec, values, values, values.copy(), Tolerance()).right
    other = values.copy()
    other[9] ^= 1
    assert compare(spec, values, values, other, Tolerance()).index == 9


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (1, 1, 5), (2, 3, 4, 5), (300_000,), (3, 100_001)])
def test_every_shape(shape: tuple[int, ...]) -> None:
    spec = TensorSpec("float32", shape)
    exact = np.random.default_rng(1).standard_normal(spec.elements)
    native = exact.astype("f4").astype("f8")
    assert compare(spec, exact, native, native, Tolerance()).right
    if spec.elements:
        last = native.copy()
        last[-1] += 1.0
        found = compare(spec, exact, native, last, Tolerance())
        assert (found.wrong, found.index) == (Wrong.numerical, spec.elements - 1)


def test_complex_numbers() -> None:
    spec = TensorSpec("complex64", (4, 4))
    dice = np.random.default_rng(2)
    exact = dice.standard_normal(16) + 1j * dice.standard_normal(16)
    native = exact.astype("c8").astype("c16")
    assert compare(spec, exact, native, native, Tolerance()).right
    assert not compare(spec, exact, native, native.conj(), Tolerance()).right


def test_sizes_that_differ_and_tolerances_that_forgive_everything_are_refused() -> None:
    _, _, exact, native = problem()
    with pytest.raises(ValueError, match="was to be compared"):
        compare(FULL, exact, native, native[:-1], Tolerance())
    for wrong in ({"ratio": 1e9}, {"ratio": 0}, {"floor": 0.9}, {"floor": math.nan}, {"element_ratio": 0}):
        with pytest.raises(ValueError, match="tolerance"):
            Tolerance(**wrong)


def test_huge_and_tiny_values_do_not_overflow_the_comparison() -> None:
    for scale in (1e-30, 1e30):
        _, _, exact, native = problem(10, scale=scale)
        assert against(exact, native, native).right
        assert not against(exact, native, native * 1.001).right
