"""Answers that compute nothing, and which comparison lets them pass: pure, on outputs made here."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.comparing import Tolerance, compare
from kernels.elements import numbers
from kernels.forms import Leaf, Output, row_major
from kernels.messages import Tensor
from kernels.nulls import ZEROS, Right, accepted_at, accepted_by_us, even_axes, nulls, right, specs, values, visible
from kernels.tensors import DTYPES, TensorSpec


def tensor(array: object, dtype: str = "float32") -> Tensor:
    made = np.asarray(array, dtype=DTYPES[dtype].wire)
    return Tensor(TensorSpec(dtype, made.shape), made.tobytes())


def output(*tensors: Tensor) -> Output:
    leaves = tuple(Leaf(f"[{at}]", one, row_major(one.spec), False) for at, one in enumerate(tensors))
    return Output("T", leaves, ())


def passing(answer: Tensor, other: Tensor, inputs: Sequence[Tensor] = ()) -> dict[str, str]:
    """The nulls that a fixed comparison takes, each with the strictest that does."""
    found: dict[str, str] = {}
    for name, null in nulls(output(answer), output(other), inputs):
        level = accepted_at(values(output(answer)), null)
        if level is not None:
            found[name] = level
    return found


RANDOM = np.random.default_rng(0)
A, B = RANDOM.standard_normal((2, 4, 8))


@pytest.mark.parametrize(
    ("answer", "other", "expected"),
    [
        (A, B, {}),
        (A * 0, B * 0, {ZEROS: "exact"}),
        (A * 1e-5, B * 1e-5, {ZEROS: "1e-4"}),
        (A * 1e-3, B * 1e-3, {ZEROS: "1e-2"}),
        (A * 0 + 1, B * 0 + 1, {"an output of ones": "exact"}),
        (7 + A * 1e-5, 7 + B * 1e-5, {"one constant for all inputs": "1e-4"}),
        (A, A, {"the output for other inputs": "exact"}),
        (np.tile(A[:1], (4, 1)), B, {"the first row for all rows": "exact"}),
        (np.tile(A[:1], (4, 1)) + B * 1e-6, B, {"the first row for all rows": "1e-4"}),
        (np.full(8, 0.3), B[0], {"the first row for all rows": "exact"}),
    ],
)
def test_a_null_passes_from_some_strictness_on(answer: object, other: object, expected: dict[str, str]) -> None:
    found = passing(tensor(answer), tensor(other))
    assert expected.items() <= found.items()
    if not expected:
        assert found == {}


def test_noise_of_the_usual_spread_passes_where_the_spread_is_within_the_tolerance() -> None:
    wide, narrow = passing(tensor(A), tensor(B)), passing(tensor(5 + A * 1e-6), tensor(5 + B * 1e-6))
    assert "noise of the usual mean and spread" not in wide
    assert narrow["noise of the usual mean and spread"] == "1e-4"


def test_an_input_is_passed_through_where_one_has_the_outputs_form() -> None:
    x, wide = tensor(np.abs(A)), tensor(np.ones((4, 9)))
    assert passing(x, tensor(B), [wide, x]) == {"an input passed through": "exact"}
    assert "an input passed through" not in dict(nulls(output(x), output(x), [wide]))
    half = tensor(np.abs(A), "float16")
    assert "an input passed through" not in dict(nulls(output(x), output(x), [half])), "another dtype is another form"


def test_one_row_for_all_needs_rows() -> None:
    for shape in ((), (1,), (1, 8), (4, 0)):
        one = tensor(np.ones(shape))
        assert "the first row for all rows" not in dict(nulls(output(one), output(one), []))


def test_an_output_whose_size_hangs_on_the_inputs_has_no_other_to_be_taken_for() -> None:
    names = set(dict(nulls(output(tensor(A)), output(tensor(A[:2])), [])))
    assert names == {ZEROS, "an output of ones", "the first row for all rows"}


def test_all_tensors_of_an_output_must_be_right() -> None:
    one, zero = output(tensor(A), tensor(A * 0)), output(tensor(B), tensor(B * 0))
    assert accepted_at(values(one), dict(nulls(one, zero, []))[ZEROS]) is None
    both = output(tensor(A * 1e-5), tensor(A * 0))
    assert accepted_at(values(both), dict(nulls(both, both, []))[ZEROS]) == "1e-4", "as loose as the looser needs"


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint8"])
def test_nulls_of_whole_numbers_are_whole(dtype: str) -> None:
    one = tensor(np.arange(12).reshape(3, 4) % 2, dtype)
    for _, (null,) in nulls(output(one), output(one), []):
        assert null.dtype == numbers(one.spec, one.data).dtype


def test_what_is_not_a_number_is_close_to_nothing() -> None:
    odd = np.where(A > 0, np.nan, A)
    assert "the output for other inputs" not in passing(tensor(odd), tensor(odd))
    assert passing(tensor(A * np.inf), tensor(B)) == {}


def test_a_null_that_is_off_in_one_element_far_behind_is_rejected() -> None:
    many = np.zeros(600_000)
    many[-1] = 1.0
    assert passing(tensor(many), tensor(many * 0)) == {}
    many[-1] = 1e-3
    assert passing(tensor(many), tensor(many * 0))[ZEROS] == "1e-2"


@given(st.integers(0, 2**32), st.sampled_from([1e-7, 1e-5, 3e-4, 1e-2, 1.0]))
def test_the_strictest_fixed_comparison_is_that_of_allclose(seed: int, size: float) -> None:
    native, away = np.random.default_rng(seed).standard_normal((2, 50)) * [[1.0], [size]]
    null = native + away
    found = accepted_at([native], [null])
    loose = [bool(np.allclose(null, native, rtol=one, atol=one)) for one in (1e-4, 1e-2)]
    assert found == ("1e-4" if loose[0] else "1e-2" if loose[1] else None)
    assert accepted_at([native], [native]) == "exact"


def ours(exact: np.ndarray, null: np.ndarray, shape: tuple[int, ...]) -> bool:
    native = tensor(exact.reshape(shape))
    found = right(output(native), [tensor(exact.reshape(shape), "float64")], Tolerance())
    return accepted_by_us(found, [null.ravel()])


def test_our_comparison_is_not_deceived_by_small_outputs() -> None:
    tiny = A * 1e-6
    assert accepted_at([tiny.ravel()], [tiny.ravel() * 0]) == "1e-4"
    assert not ours(tiny, tiny * 0, (4, 8))
    assert ours(tiny, tiny.astype("f4").astype("f8"), (4, 8))


@pytest.mark.parametrize("at", [0, 300_000, 599_999])
def test_a_large_output_is_looked_at_to_its_end(at: int) -> None:
    shape = (6000, 100)
    exact = np.random.default_rng(1).standard_normal(shape)
    null = exact.astype("f4").astype("f8").ravel()
    assert ours(exact, null, shape)
    null[at] += 0.5
    assert not ours(exact, null, shape)


def test_that_the_beginning_is_almost_zero_does_not_reject_a_right_answer() -> None:
    """Rows that are all but zero are measured by what is usual in all of the tensor, which they do not show."""
    shape = (6000, 100)
    exact = np.random.default_rng(2).standard_normal(shape)
    exact[:2900] *= 1e-9
    assert ours(exact, exact + 1e-10 * np.random.default_rng(3).standard_normal(shape), shape)


@given(st.integers(0, 2**32), st.integers(-12, 2), st.floats(-9, 1))
def test_looking_at_the_beginning_first_changes_no_answer(seed: int, low: int, size: float) -> None:
    random = np.random.default_rng(seed)
    exact = random.standard_normal((6, 40)) * 10.0 ** random.integers(low, 3, (6, 1))
    null = exact.ravel() + 10.0**size * random.standard_normal(240) * (random.random(240) < 0.1)
    (held,) = right(output(tensor(exact)), [tensor(exact, "float64")], Tolerance())
    whole = compare(held.spec, held.exact, held.native, null, Tolerance()).right
    assert accepted_by_us([held], [null]) == whole
    never = Right(held.spec, held.exact, held.native, held.tolerance, np.inf)
    assert accepted_by_us([never], [null]) == whole


@pytest.mark.parametrize(
    ("array", "axes"),
    [
        (A, []),
        (np.tile(A[:, :1], (1, 8)), [1]),
        (np.tile(A[:1], (4, 1)), [0]),
        (np.tile(A[:, None, :], (1, 3, 1)), [1]),
        (np.ones((4, 8)), []),
        (np.float64(3), []),
        (np.ones((0, 3)), []),
        (A + np.nan, []),
        (np.concatenate([np.ones((2, 8)), A[:2]]), []),
    ],
)
def test_axes_along_which_nothing_changes(array: np.ndarray, axes: list[int]) -> None:
    one = tensor(array)
    assert even_axes(one.spec, numbers(one.spec, one.data)) == axes


def test_a_change_is_seen_by_how_much_is_allowed() -> None:
    spec = TensorSpec("float32", (4, 8))
    before = A.ravel()
    assert visible(spec, before, before, Tolerance()) == 0
    assert visible(spec, before, before * (1 + 1e-7), Tolerance()) < 1
    assert visible(spec, before, before * 1.001, Tolerance()) > 50
    assert visible(spec, before, before * np.nan, Tolerance()) == np.inf
    assert specs(output(tensor(A))) == [spec]
