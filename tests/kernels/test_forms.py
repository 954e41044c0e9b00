from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.forms import Output, difference, read, row_major
from kernels.messages import ProtocolError, Tensor
from kernels.tensors import TensorSpec
from kernels.verdicts import Wrong


def tensor(*shape: int, dtype: str = "float32") -> Tensor:
    spec = TensorSpec(dtype, shape)
    return Tensor(spec, bytes(spec.bytes))


def leaf(number: int = 0, stride: tuple[int, ...] = (3, 1), *, lazy: bool = False) -> dict[str, Any]:
    return {"k": "tensor", "n": number, "stride": list(stride), "lazy": lazy}


def output(form: Any = None, *tensors: Tensor) -> Output:
    return read(form or leaf(), tensors or (tensor(2, 3),))


def test_an_output_of_all_kinds_is_read() -> None:
    form = {
        "k": "dict",
        "keys": ["a", "b"],
        "items": [
            {"k": "tuple", "items": [leaf(0), {"k": "float", "v": (0.5).hex()}]},
            {"k": "list", "items": [leaf(1, (1,)), {"k": "int", "v": 7}, {"k": "plain", "v": None}]},
        ],
    }
    found = read(form, (tensor(2, 3), tensor(4)))
    assert found.shape == "dict('a':tuple(T,float),'b':list(T,int 7,None))"
    assert [one.path for one in found.leaves] == ["['a'][0]", "['b'][0]"]
    assert found.numbers == (0.5,)


@pytest.mark.parametrize(
    ("form", "count"),
    [
        (None, 0),
        ([], 0),
        ({}, 0),
        ({"k": "tensor"}, 1),
        (leaf(1), 1),
        (leaf(-1), 1),
        ({**leaf(), "stride": [1]}, 1),
        ({**leaf(), "stride": ["3", 1]}, 1),
        ({**leaf(), "lazy": 0}, 1),
        ({"k": "tuple", "items": [leaf(), leaf()]}, 1),
        ({"k": "tuple", "items": []}, 1),
        ({"k": "tuple", "items": "ab"}, 0),
        ({"k": "dict", "keys": ["a"], "items": []}, 0),
        ({"k": "dict", "keys": [1], "items": [{"k": "plain", "v": None}]}, 0),
        ({"k": "float", "v": "1.5.5"}, 0),
        ({"k": "float", "v": "0x1p99999"}, 0),
        ({"k": "int", "v": "7"}, 0),
        ({"k": "plain", "v": [1]}, 0),
        ({"k": "pickle", "v": ""}, 0),
    ],
)
def test_a_form_that_is_none_is_refused(form: Any, count: int) -> None:
    with pytest.raises(ProtocolError):
        read(form, [tensor(2, 3)] * count)


def test_a_form_cannot_go_deeper_than_anyone_looks() -> None:
    form: dict[str, Any] = {"k": "plain", "v": None}
    for _ in range(1000):
        form = {"k": "list", "items": [form]}
    with pytest.raises(ProtocolError):
        read(form, ())


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["k", "n", "items", "keys", "v", "stride", "lazy", "type"]), inner, max_size=6
        )
    ),
)


@given(_json, st.integers(0, 3))
def test_noise_is_an_output_or_refused_and_nothing_else(form: Any, count: int) -> None:
    try:
        found = read(form, [tensor(2, 3)] * count)
    except ProtocolError:
        return
    assert len(found.leaves) == count


def test_an_output_does_not_differ_from_itself() -> None:
    assert difference(output(), output()) is None


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        (output({"k": "tuple", "items": [leaf()]}), Wrong.structure),
        (read({"k": "plain", "v": None}, ()), Wrong.structure),
        (read({"k": "other", "type": "Lazy"}, ()), Wrong.structure),
        (output(leaf(0, (1, 1)), tensor(2, 1)), Wrong.shape),
        (output(leaf(0, (1,)), tensor(6)), Wrong.shape),
        (output(leaf(), tensor(2, 3, dtype="float64")), Wrong.dtype),
        (output(leaf(0, (0, 1))), Wrong.layout),
        (output(leaf(0, (1, 2))), Wrong.layout),
        (output(leaf(lazy=True)), Wrong.layout),
    ],
)
def test_what_differs_has_a_name(found: Output, wrong: Wrong) -> None:
    seen = difference(output(), found)
    assert seen is not None
    assert seen[0] is wrong


def test_strides_of_the_reference_are_as_good_as_plain_ones() -> None:
    turned = output(leaf(0, (1, 2)))
    assert difference(turned, turned) is None
    assert difference(turned, output()) is None


def test_a_plain_number_may_be_rounded_otherwise_and_nothing_more() -> None:
    def of(value: float) -> Output:
        return read({"k": "float", "v": value.hex()}, ())

    assert difference(of(1.0), of(1.0 + 1e-7)) is None
    assert difference(of(float("nan")), of(float("nan"))) is None
    assert difference(of(1.0), of(1.1)) is not None
    assert difference(of(1.0), of(float("nan"))) is not None


@pytest.mark.parametrize(("shape", "strides"), [((), ()), ((4,), (1,)), ((2, 3), (3, 1)), ((2, 0, 3), (3, 3, 1))])
def test_row_major(shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    assert row_major(TensorSpec("float32", shape)) == strides
