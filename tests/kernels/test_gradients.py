"""Gradients that a task asks for: drawn after the candidate answered, each held to the reference's."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.broker import Broker
from kernels.candidate import Candidate
from kernels.cases import Case, read_cases
from kernels.distributions import DISTRIBUTIONS
from kernels.elements import numbers
from kernels.gradients import FULL, QUICK, cells_of, drawn, read_flow
from kernels.messages import Json, ProtocolError, Tensor
from kernels.tensors import TensorSpec
from kernels.verdicts import Stage, Verdict, Wrong

pytestmark = pytest.mark.xdist_group("kernels")
ONE = Tensor(TensorSpec("float32", (1,)), bytes(4))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "complex64", "complex128"])
def test_what_flows_in_is_normal_and_the_same_for_the_same_seed(dtype: str) -> None:
    spec = TensorSpec(dtype, (40, 50))
    values = numbers(spec, drawn(spec, 7).data)
    assert abs(values.real.mean()) < 0.1
    assert 0.9 < values.real.std() < 1.1
    if dtype.startswith("complex"):
        assert 0.9 < values.imag.std() < 1.1
    assert drawn(spec, 7).data == drawn(spec, 7).data != drawn(spec, 8).data


def test_nothing_flows_into_an_empty_output() -> None:
    assert drawn(TensorSpec("float32", (0, 3)), 1).spec.bytes == 0


@given(st.sets(st.sampled_from(DISTRIBUTIONS), min_size=1), st.booleans(), st.integers(0, 3))
def test_every_shape_is_tried_and_whole_numbers_only_where_there_is_nothing_else(
    finite: set[str], quick: bool, shapes: int
) -> None:
    wanted = [((number + 1, 4),) for number in range(shapes)]
    found = cells_of(sorted(finite), wanted, quick=quick)
    assert len(found) >= (QUICK if quick else FULL)
    assert {one.distribution for one in found} <= finite
    if finite - {"integers", "alternating", "declared"} & {"normal", "uniform", "shifted", "laplace"}:
        assert {one.shapes for one in found} >= set(wanted)
    if "normal" in finite:
        assert "integers" not in {one.distribution for one in found}
    assert all(one.shapes is None for one in found if one.distribution == "declared")


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"attached": [True], "names": []},
        {"attached": [True], "names": ["a", "b"]},
        {"attached": [1], "names": ["a"]},
        {"attached": [True], "names": [3]},
        {"attached": "yes", "names": ["a"]},
    ],
)
def test_what_is_no_answer_about_gradients(head: Json) -> None:
    with pytest.raises(ProtocolError):
        read_flow(head, [ONE])


def test_two_gradients_of_one_name_are_none() -> None:
    with pytest.raises(ProtocolError):
        read_flow({"attached": [True], "names": ["a", "a"]}, [ONE, ONE])
    assert dict(read_flow({"attached": [True, False], "names": ["a"]}, [ONE]).found) == {"a": ONE}


CASES: dict[str, Case] = {one.name: one for one in read_cases() if one.task.name == "root_mean_square"}


def test_a_backward_pass_of_ones_own_is_right(broker: Broker) -> None:
    case = CASES["root_mean_square/own_backward"]
    report = broker.verify(case.task, case.candidate, quick=True)
    assert report.passed, report
    assert report.gradients is not None
    assert (report.gradients.names, report.gradients.cells) == (["input 0", "weight weight"], QUICK)
    assert report.gradients.compared == 2 * QUICK
    assert 0 < report.gradients.error < 1e-5
    assert report.gradients.worst < 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("detached", "output 0 is cut off"),
        ("fixed_weight", "no gradient of weight weight"),
        ("half_a_derivative", "the gradient of input 0 is wrong, most of all at ["),
    ],
)
def test_a_gradient_that_is_wrong_is_named(broker: Broker, name: str, said: str) -> None:
    case = CASES[f"root_mean_square/{name}"]
    report = broker.verify(case.task, case.candidate, quick=True)
    assert (report.verdict, report.stage, report.wrong) == (Verdict.incorrect, Stage.correct, Wrong.gradient), report
    assert said in report.reasons[0]


def test_a_single_wrong_element_of_a_gradient_is_found(broker: Broker) -> None:
    case = CASES["root_mean_square/own_backward"]
    off = case.candidate.source.replace(b"return of_x,", b"of_weight[17] += 0.02\n        return of_x,")
    report = broker.verify(case.task, Candidate("c.py", off), quick=True)
    assert report.wrong is Wrong.gradient
    assert "weight weight is wrong, most of all at [17] of [256]" in report.reasons[0]


def test_what_is_right_only_without_gradients_is_not_right(broker: Broker) -> None:
    case = CASES["root_mean_square/by_division"]
    lazy = case.candidate.source.replace(
        b"def forward(self, x):", b"def forward(self, x):\n        x = x * (1 + x.requires_grad)"
    )
    report = broker.verify(case.task, Candidate("c.py", lazy), quick=True)
    assert (report.verdict, report.wrong) == (Verdict.incorrect, Wrong.numerical)
    assert "called for its gradients" in report.reasons[0]


def test_an_error_in_a_backward_pass_is_told_with_its_line(broker: Broker) -> None:
    case = CASES["root_mean_square/own_backward"]
    broken = case.candidate.source.replace(b"inner = upstream", b"raise ValueError('no')\n        inner = upstream")
    report = broker.verify(case.task, Candidate("c.py", broken), quick=True)
    assert report.verdict is Verdict.launch_error
    assert report.line == broken.split(b"raise ")[0].count(b"\n") + 1


def test_a_task_without_gradients_cannot_ask_for_them(broker: Broker) -> None:
    source = (
        b"import torch\nclass Model(torch.nn.Module):\n"
        b"  def forward(self, x):\n    return (x > 0).float() * x.detach()\n"
        b"def get_inputs(): return [torch.randn(64, 64)]\ndef get_init_inputs(): return []\n"
    )
    case = CASES["root_mean_square/own_backward"]
    task = dataclasses.replace(case.task, source=source, shapes=())
    candidate = Candidate("c.py", source.split(b"def get_inputs")[0].replace(b"Model", b"ModelNew", 1))
    report = broker.verify(task, candidate, quick=True)
    assert report.verdict is Verdict.invalid_task, report
    assert "backward = true" in report.reasons[0]
