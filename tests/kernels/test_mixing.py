"""What timed calls are made with: mixed by the broker and by a worker alike, and nothing that was there before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.bench import Inputs
from kernels.elements import numbers
from kernels.messages import Tensor
from kernels.mixing import ROOM, mixed, new_mask, of_one_kind
from kernels.tensors import DTYPES, TensorSpec

FORM = {"k": "list", "items": [{"k": "tensor", "n": 0}, {"k": "float", "v": "0x1p+0"}]}


def inputs(value: int, *specs: TensorSpec) -> Inputs:
    """Of one byte, over and over, so that the half of an element would be seen."""
    return Inputs(FORM, [Tensor(spec, bytes([value]) * spec.bytes) for spec in specs])


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_each_element_is_one_of_the_two_whatever_it_is(dtype: str) -> None:
    spec = TensorSpec(dtype, (7, 33))
    one, two = inputs(1, spec), inputs(0, spec)
    mask = new_mask(one, 5)
    found = mixed(one, two, mask, 11).tensors[0]
    width = spec.bytes // spec.elements
    elements = np.frombuffer(found.data, np.uint8).reshape(-1, width)
    assert (elements == elements[:, :1]).all(), "an element is whole"
    assert (elements[:, 0] == np.frombuffer(mask.data, np.uint8)[11 : 11 + spec.elements]).all()
    assert found.spec == spec
    assert len(numbers(spec, found.data)) == spec.elements


@given(st.integers(0, ROOM - 1), st.integers(0, ROOM - 1))
def test_another_start_is_another_choice_in_every_row(start: int, other: int) -> None:
    spec = TensorSpec("float32", (5, 64))
    one, two = inputs(1, spec), inputs(2, spec)
    mask = new_mask(one, 9)
    rows = [np.frombuffer(mixed(one, two, mask, at).tensors[0].data, "<f4").reshape(5, 64) for at in (start, other)]
    assert ((rows[0] != rows[1]).any(axis=1)).all() == (start != other)


def test_the_smallest_and_the_empty() -> None:
    specs = TensorSpec("float32", ()), TensorSpec("int64", (0, 4))
    one, two = inputs(1, *specs), inputs(2, *specs)
    mask = new_mask(one, 1)
    found = mixed(one, two, mask, ROOM - 1)
    assert found.form == FORM
    assert [each.spec for each in found.tensors] == list(specs)
    assert bytes(found.tensors[0].data) in (bytes([1] * 4), bytes([2] * 4))
    assert mixed(Inputs(FORM, []), Inputs(FORM, []), new_mask(Inputs(FORM, []), 1), 0).tensors == []


def test_a_mask_is_of_its_seed_and_has_room_for_every_start() -> None:
    one = inputs(1, TensorSpec("float32", (3,)), TensorSpec("float32", (10, 10)))
    assert new_mask(one, 4).spec.elements == 100 + ROOM
    assert bytes(new_mask(one, 4).data) == bytes(new_mask(one, 4).data) != bytes(new_mask(one, 5).data)


def test_inputs_of_other_shapes_are_not_of_one_kind() -> None:
    few, many = (inputs(1, TensorSpec("float32", (size,))) for size in (3, 4))
    assert of_one_kind([few, few])
    assert not of_one_kind([few, many])
