import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.bench import Inputs
from kernels.changing import one_element, turned, with_number
from kernels.messages import Tensor
from kernels.tensors import DTYPES, TensorSpec


def inputs(*tensors: Tensor) -> Inputs:
    return Inputs({"k": "tuple"}, tensors)


def bytes_of(dtype: str, *values: bytes) -> Tensor:
    return Tensor(TensorSpec(dtype, (len(values),)), b"".join(values))


def floats(*values: float) -> Tensor:
    return Tensor(TensorSpec("float32", (len(values),)), np.array(values, "<f4").tobytes())


@given(st.sampled_from(sorted(DTYPES)), st.integers(0, 2**63), st.data())
def test_one_element_is_another_that_was_drawn_for_its_place(dtype: str, seed: int, data: st.DataObject) -> None:
    size = DTYPES[dtype].size
    element = st.sampled_from([bytes([number]) * size for number in range(3)])
    several = st.lists(element, min_size=3, max_size=3)
    old, new, left = data.draw(several), data.draw(several), floats(1, 2)
    found = one_element(inputs(left, bytes_of(dtype, *old)), inputs(left, bytes_of(dtype, *new)), 1, seed)
    if old == new:
        assert found is None
        return
    assert found is not None
    assert found.tensors[0] is left
    now = bytes(found.tensors[1].data)
    [changed] = [at for at in range(3) if now[at * size : (at + 1) * size] != old[at]]
    assert now[changed * size : (changed + 1) * size] == new[changed]
    assert changed > 0 or old[1:] == new[1:], "the first place is where memories look"


def test_every_place_but_the_first_may_be_the_one() -> None:
    old, new = floats(1, 2, 3, 4), floats(5, 6, 7, 8)
    found = [one_element(inputs(old), inputs(new), 0, seed) for seed in range(3)]
    values = [list(np.frombuffer(one.tensors[0].data, "<f4")) for one in found if one is not None]
    assert sorted(values) == [[1, 2, 3, 8], [1, 2, 7, 4], [1, 6, 3, 4]]


@pytest.mark.parametrize(
    ("old", "new"), [(floats(), floats()), (floats(1), floats(1)), (floats(1, 2), floats(3)), (floats(2), floats(2))]
)
def test_where_there_is_no_other_element_there_is_nothing_to_ask(old: Tensor, new: Tensor) -> None:
    assert one_element(inputs(old), inputs(new), 0, 0) is None


def test_rows_are_turned_and_indices_stay() -> None:
    rows = Tensor(TensorSpec("float32", (2, 2)), np.array([1, 2, 3, 4], "<f4").tobytes())
    indices = Tensor(TensorSpec("int8", (2,)), bytes([0, 1]))
    scalar = Tensor(TensorSpec("float32", ()), bytes(4))
    found = turned(inputs(rows, indices, scalar)).tensors
    assert list(np.frombuffer(found[0].data, "<f4")) == [3, 4, 1, 2]
    assert found[1:] == [indices, scalar]


def test_a_number_goes_into_the_largest_float_tensor() -> None:
    indices = Tensor(TensorSpec("int64", (9,)), bytes(72))
    made = with_number(inputs(floats(1), indices, floats(1, 2)), np.inf, 5)
    assert made is not None
    found, which = made
    assert (which, list(np.frombuffer(found.tensors[2].data, "<f4"))) == (2, [1, np.inf])
    assert with_number(inputs(indices), np.inf, 5) is None
