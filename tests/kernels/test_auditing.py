"""Checks of the audit beside those every verification shows: modes, what is not finite, memory beside its own."""

import numpy as np
import pytest

from kernels.auditing import other_class
from kernels.bench import Expected
from kernels.broker import Broker
from kernels.candidate import Candidate
from kernels.cases import Case, read_cases
from kernels.forms import Output, read
from kernels.messages import Tensor
from kernels.task import Task
from kernels.tensors import TensorSpec
from kernels.verdicts import PASSED, Stage, Verdict, Wrong

pytestmark = pytest.mark.xdist_group("kernels")
CASES: dict[str, Case] = {one.name: one for one in read_cases()}
NAN, INF = np.nan, np.inf


def output(values: list[float], dtype: str = "<f4") -> Output:
    spec = TensorSpec("float32" if dtype == "<f4" else "float64", (len(values),))
    form = {"k": "tensor", "n": 0, "stride": [1], "lazy": False}
    return read(form, [Tensor(spec, np.array(values, dtype).tobytes())])


def expected(native: list[float], exact: list[float]) -> Expected:
    precise = Tensor(TensorSpec("float64", (len(exact),)), np.array(exact, "<f8").tobytes())
    return Expected(output(native), [precise], precise=True, aliases=False, of_state=False)


@pytest.mark.parametrize(
    ("native", "exact", "found", "said"),
    [
        ([1, NAN], [1, NAN], [2, NAN], None),
        ([1, NAN], [1, NAN], [1, 0], "finite where the reference's is NaN, at 1 of 2"),
        ([1, NAN], [1, NAN], [NAN, NAN], "NaN where the reference's is finite"),
        ([1, INF], [1, INF], [1, -INF], "-inf where the reference's is inf"),
        ([1, INF], [1, INF], [1, NAN], "NaN where the reference's is inf"),
        ([1, INF], [1, 3e38], [1, 5], None),
        ([1, -INF], [1, -INF], [1, -INF], None),
        ([1, 2], [1, 2], [1, 2, 3], "shape"),
    ],
)
def test_what_is_not_finite_is_of_the_same_kind(
    native: list[float], exact: list[float], found: list[float], said: str | None
) -> None:
    text = other_class(expected(native, exact), output(found))
    assert (text is None) if said is None else (text is not None and said in text)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("leaky/swallows_nan", Wrong.nonfinite),
        ("leaky/bounded", Wrong.nonfinite),
        ("norm_in_both_modes/mode_at_start", Wrong.numerical),
        ("norm_in_both_modes/updates_in_evaluation", Wrong.mutates_state),
        ("linear_tanh/sum_cache", Wrong.stale),
    ],
)
def test_what_only_one_check_sees_is_seen(broker: Broker, name: str, wrong: Wrong) -> None:
    report = broker.verify(CASES[name].task, CASES[name].candidate, quick=True)
    assert (report.verdict, report.stage, report.wrong) == (Verdict.incorrect, Stage.audit, wrong), report


@pytest.mark.parametrize("name", ["leaky/chosen", "norm_in_both_modes/folded"])
def test_an_honest_one_passes_the_checks_that_its_task_asks_for(broker: Broker, name: str) -> None:
    report = broker.verify(CASES[name].task, CASES[name].candidate, quick=True)
    assert report.verdict in PASSED, report
    assert {"nonfinite_comes_through", "in_both_modes"} & set(report.checks)


def writes(address: str) -> Candidate:
    fused = CASES["linear_tanh/fused"].candidate.source.decode()
    head, _, _ = fused.partition("        return ")
    body = (
        "        found = torch.empty(x.shape[0], self.linear.out_features)\n"
        "        torch.addmm(self.linear.bias, x, self.linear.weight.t(), out=found)\n"
        "        found.tanh_()\n"
        f"        ctypes.memset({address}, 0x11, 1)\n"
        "        return found\n"
    )
    return Candidate("c.py", ("import ctypes\n" + head + body).encode())


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("found.data_ptr() + found.nbytes", "memory it allocated ends 1 bytes from there (after it)"),
        # Up to 7 bytes behind a tensor are nobody's: the C library hands out multiples of 16, less 8.
        ("x.data_ptr() + x.nbytes + 5", "input 0 ends 6 bytes from there (after it)"),
    ],
)
def test_one_byte_beside_its_own_memory_is_seen(broker: Broker, address: str, said: str) -> None:
    report = broker.verify(CASES["linear_tanh/fused"].task, writes(address), quick=True)
    assert (report.verdict, report.wrong) == (Verdict.incorrect, Wrong.out_of_bounds), report
    assert said in report.reasons[0]


def test_an_output_that_is_a_view_of_the_weights_is_seen(broker: Broker) -> None:
    source = b"""
import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(64, 64))
    def forward(self, x):
        return self.weight * 1, x * 2 + self.weight
def get_inputs(): return [torch.randn(64, 64)]
def get_init_inputs(): return []
"""
    view = source.replace(b"class Model(", b"class ModelNew(").replace(b"self.weight * 1,", b"self.weight.data,")
    report = broker.verify(Task("own", source), Candidate("c.py", view), quick=True)
    assert (report.verdict, report.wrong) == (Verdict.incorrect, Wrong.aliases_state), report
    report = broker.verify(
        Task("own", source.replace(b"self.weight * 1,", b"self.weight,")), Candidate("c.py", view), quick=True
    )
    assert report.verdict in PASSED, "the reference's is one too"
