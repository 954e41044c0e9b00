"""The harness holds its own: a wrong value at any place is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.comparing import Tolerance
from kernels.forms import Output, read
from kernels.judging import finite, judge
from kernels.messages import Tensor
from kernels.tensors import TensorSpec
from kernels.verdicts import Wrong

SHAPES = ((7, 40), (33,))


def output(*values: np.ndarray) -> Output:
    tensors = [Tensor(TensorSpec("float32", one.shape), one.astype("<f4").tobytes()) for one in values]
    items = [
        {"k": "tensor", "n": number, "stride": [one // 4 for one in value.astype("<f4").strides], "lazy": False}
        for number, value in enumerate(values)
    ]
    return read({"k": "tuple", "items": items}, tensors)


def exact(*values: np.ndarray) -> list[Tensor]:
    return [Tensor(TensorSpec("float64", one.shape), one.astype("<f8").tobytes()) for one in values]


def drawn(seed: int = 0) -> list[np.ndarray]:
    dice = np.random.default_rng(seed)
    return [dice.normal(size=shape) for shape in SHAPES]


def test_the_native_output_is_right() -> None:
    values = drawn()
    found = judge(output(*values), exact(*values), output(*values), Tolerance())
    assert found.right
    assert 0 < found.error == found.native_error < 1e-6


@given(st.integers(0, 1), st.data(), st.sampled_from([0.01, -3.0, 1e30, float("nan"), float("inf")]))
def test_a_wrong_value_is_found_wherever_it_is(which: int, data: st.DataObject, off: float) -> None:
    values, wrong = drawn(), drawn()
    at = data.draw(st.integers(0, wrong[which].size - 1))
    wrong[which].reshape(-1)[at] += off
    found = judge(output(*values), exact(*values), output(*wrong), Tolerance())
    assert not found.right
    assert f"output[{which}]" in found.text
    assert str([int(one) for one in np.unravel_index(at, SHAPES[which])]) in found.text


def test_structure_is_judged_before_values() -> None:
    values = drawn()
    found = judge(output(*values), exact(*values), output(values[0]), Tolerance())
    assert found.wrong is Wrong.structure


def places(*values: int) -> Tensor:
    return Tensor(TensorSpec("int64", (len(values),)), np.array(values, "<i8").tobytes())


def chosen(*values: int) -> Output:
    return read({"k": "tensor", "n": 0, "stride": [1], "lazy": False}, [places(*values)])


@pytest.mark.parametrize(
    ("found", "nearby", "right"),
    [
        ((4, 9), [], True),
        ((9, 4), [], False),
        ((9, 4), [(4, 9), (9, 4)], True),
        ((4, 9), [(9, 4)], True),
        ((9, 4), [(4, 9)], False),
        ((9, 5), [(4, 9), (9, 4)], False),
        ((8, 4), [(4, 9), (9, 4)], False),
    ],
)
def test_of_two_equal_numbers_either_may_be_taken(
    found: tuple[int, ...], nearby: list[tuple[int, ...]], right: bool
) -> None:
    native = chosen(4, 9)
    told = judge(native, [places(4, 9)], chosen(*found), Tolerance(), [[places(*one)] for one in nearby])
    assert told.right is right


@pytest.mark.parametrize(("value", "expected"), [(1.0, True), (float("nan"), False), (float("-inf"), False)])
def test_what_is_finite(value: float, expected: bool) -> None:
    values = drawn()
    values[1][4] = value
    assert finite(output(*values)) is expected


def test_nothing_is_finite() -> None:
    assert finite(read({"k": "tuple", "items": []}, ()))


def test_where_the_task_amplifies_rounding_more_is_allowed_and_nowhere_else() -> None:
    values = drawn()
    moved, candidate = drawn(), drawn()
    moved[0][3, 7] += 1e-3
    candidate[0][3, 7] += 2e-3
    assert not judge(output(*values), exact(*values), output(*candidate), Tolerance()).right
    assert judge(output(*values), exact(*values), output(*candidate), Tolerance(), [exact(*moved)]).right
    candidate[0][4, 7] += 2e-3
    assert not judge(output(*values), exact(*values), output(*candidate), Tolerance(), [exact(*moved)]).right


def test_a_nearby_output_that_is_no_number_allows_nothing() -> None:
    values, moved, candidate = drawn(), drawn(), drawn()
    moved[0][:] = float("nan")
    candidate[0][0, 0] += 1
    assert not judge(output(*values), exact(*values), output(*candidate), Tolerance(), [exact(*moved)]).right


def test_what_has_another_shape_for_nearby_inputs_says_nothing_of_elements() -> None:
    """As `x[x > 0.5]` has it."""
    values = drawn()
    wrong = [one.copy() for one in values]
    wrong[1][3] += 1e-3
    near, fewer = [one.copy() for one in values], [values[0][:-1], values[1][:-1]]
    near[1][3] += 1e-2
    for nearby, right in (([], False), ([exact(*fewer)], False), ([exact(*fewer), exact(*near)], True)):
        found = judge(output(*values), exact(*values), output(*wrong), Tolerance(), nearby)
        assert found.right is right
