"""Triton candidates where there is no GPU, in real boxes: Triton's interpreter, its compiler, and what each may say."""

from dataclasses import replace

import pytest

from kernels.broker import Broker, Report
from kernels.candidate import Candidate
from kernels.findings import Tier
from kernels.task import Task
from kernels.verdicts import Stage, Verdict, Wrong

pytestmark = pytest.mark.xdist_group("kernels for a GPU")

TASK = Task(
    "own",
    b"""
import torch

class Model(torch.nn.Module):
    def forward(self, x, y):
        return x @ y

def get_inputs():
    return [torch.randn(32, 48), torch.randn(48, 32)]

def get_init_inputs():
    return []
""",
    distributions=("normal", "uniform"),
)

KERNEL = """
import torch
import triton
import triton.language as tl

@triton.jit
def product(x_ptr, y_ptr, out_ptr, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0) * 16 + tl.arange(0, 16)
    column, inner = tl.arange(0, N), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row[:, None] * K + inner[None, :], mask=inner[None, :] < K, other=0.0)
    y = tl.load(y_ptr + inner[:, None] * N + column[None, :], mask=inner[:, None] < K, other=0.0)
    out = tl.dot(x, y, input_precision="ieee")
    tl.store(out_ptr + row[:, None] * N + column[None, :], out)

class ModelNew(torch.nn.Module):
    def forward(self, x, y):
        out = torch.empty(x.shape[0], y.shape[1])
        product[(2,)](x, y, out, 32, 32, 48, BLOCK=64)
        return out
"""


def changed(*changes: tuple[str, str]) -> Candidate:
    text = KERNEL
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return Candidate("own.py", text.encode())


def line(text: str, candidate: Candidate) -> int:
    return next(number for number, one in enumerate(candidate.source.decode().split("\n"), 1) if text in one)


def verified(broker: Broker, candidate: Candidate, task: Task = TASK) -> Report:
    return broker.verify(task, candidate, quick=True)


def test_what_is_right_still_needs_a_gpu_and_is_told_with_what_was_not_checked(broker: Broker) -> None:
    asserted = "assert x.is_cuda and x.device.type == 'cuda' and torch.cuda.is_available()"
    candidate = changed(
        ("torch.empty(x.shape[0], y.shape[1])", 'torch.empty(x.shape[0], y.shape[1], device="cuda")'),
        ("        product[", f"        {asserted}\n        product["),
    )
    report = verified(broker, candidate)
    assert (report.verdict, report.stage, report.wrong) == (Verdict.needs_gpu, Stage.audit, None), report
    assert "no races, no speed" in report.reasons[0]
    assert report.correctness is not None
    assert report.correctness.passed == report.correctness.cells >= 20
    assert report.timing is None
    found = report.without_gpu
    assert found is not None
    assert [(one.name, one.grid, one.line) for one in found.launched] == [
        ("product", (2,), line("def product", candidate))
    ]
    assert len(found.kernels) == 1, found.not_checked
    kernel = found.kernels[0]
    assert (kernel.name, kernel.target, kernel.spilled) == ("product", "sm_90a", 0)
    assert 16 <= kernel.registers <= 255
    assert any("stand-in" in one for one in found.checked)
    assert any("when its kernels do nothing" in one for one in found.checked)
    assert any("races" in one for one in found.not_checked)
    assert not [one for one in report.findings if one.tier is Tier.support], report.findings


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("out = tl.dot", "out = 1.001 * tl.dot"), Wrong.numerical),
        (("product[(2,)]", "product[(1,)]"), Wrong.nonfinite),
        (("mask=inner[None, :] < K, other=0.0)", "mask=inner[None, :] < BLOCK)"), Wrong.nonfinite),
        (("product[(2,)]", "product[(3,)]"), Wrong.out_of_bounds),
        (("out_ptr + row[:, None]", "out_ptr - 1 + row[:, None]"), Wrong.out_of_bounds),
        (("tl.store(", "tl.atomic_add("), Wrong.nonfinite),
    ],
)
def test_wrong_numbers_and_addresses_are_the_candidates_fault(
    broker: Broker, change: tuple[str, str], wrong: Wrong
) -> None:
    report = verified(broker, changed(change))
    assert (report.verdict, report.wrong) == (Verdict.incorrect, wrong), report


def test_a_write_out_of_bounds_is_told_with_kernel_buffer_and_line_though_it_is_caught(broker: Broker) -> None:
    launch = "product[(2,)](x, y, out, 32, 32, 48, BLOCK=64)"
    caught = f"try:\n            {launch.replace('2', '3', 1)}\n        except Exception:\n            return x @ y"
    candidate = changed((launch, caught))
    report = verified(broker, candidate)
    assert (report.verdict, report.wrong) == (Verdict.incorrect, Wrong.out_of_bounds)
    assert report.line == line("tl.store", candidate)
    assert "the kernel product writes out of bounds: 512 elements" in report.reasons[0]
    assert "past the end of out_ptr" in report.reasons[0]


def test_what_the_interpreter_computes_wrongly_is_not_held_against_anyone(broker: Broker) -> None:
    candidate = changed(("tl.dot(x, y,", "tl.dot(x.to(tl.bfloat16), y.to(tl.bfloat16),"))
    report = verified(broker, candidate)
    assert (report.verdict, report.wrong) == (Verdict.needs_gpu, None), report
    assert "computes wrongly with bf16" in report.reasons[0]
    assert report.without_gpu is not None
    assert report.without_gpu.kernels, "it is compiled all the same"
    [found] = [one for one in report.findings if one.tier is Tier.support]
    assert "computes in bfloat16" in found.evidence


def test_a_precision_that_the_task_does_not_allow_makes_a_person_look(broker: Broker) -> None:
    candidate = changed((', input_precision="ieee"', ""))
    report = verified(broker, candidate)
    assert report.verdict is Verdict.needs_gpu
    assert [one.rule for one in report.findings if one.tier is Tier.support] == ["computes_narrower"], report.findings
    assert "tf32" in report.findings[0].evidence


def test_what_the_compiler_refuses_is_a_compile_error_at_its_line(broker: Broker) -> None:
    candidate = changed(("    out = tl.dot", "    for step in [1, 2]:\n        x += 0 * step\n    out = tl.dot"))
    report = verified(broker, candidate)
    assert (report.verdict, report.stage) == (Verdict.compile_error, Stage.compile), report
    assert report.line == line("for step", candidate)
    assert "Triton does not compile product" in report.reasons[0]


@pytest.mark.parametrize(
    ("allowed", "verdict"), [((), Verdict.reward_hack), (None, Verdict.needs_review)], ids=["strict", "any library"]
)
def test_a_kernel_that_does_nothing_for_the_output_is_found(
    broker: Broker, allowed: tuple[str, ...] | None, verdict: Verdict
) -> None:
    decoy = changed(("return out\n", "return x @ y\n"))
    report = verified(broker, decoy, replace(TASK, library_ops=allowed))
    assert (report.verdict, report.stage) == (verdict, Stage.audit), report


def test_a_kernel_for_other_shapes_than_the_declared_one_is_no_decoy(broker: Broker) -> None:
    """It was launched in the cells, and at the declared shape the output was right without it, as it should be."""
    hybrid = changed(("        out = torch.empty", "        if len(x) == 32: return x @ y\n        out = torch.empty"))
    hybrid = Candidate(
        "own.py", hybrid.source.replace(b"product[(2,)](x, y, out, 32,", b"product[(1,)](x, y, out, 16,")
    )
    task = replace(TASK, shapes=(((16, 48), (48, 32)),), library_ops=())
    report = verified(broker, hybrid, task)
    assert report.verdict is Verdict.needs_gpu, report
    assert report.without_gpu is not None
    assert report.without_gpu.launched
    assert any("whether kernels matter at the declared shape" in one for one in report.without_gpu.not_checked)


def test_a_kernel_that_is_never_launched_is_found(broker: Broker) -> None:
    launch = "        product[(2,)](x, y, out, 32, 32, 48, BLOCK=64)\n        return out"
    candidate = changed((launch, "        return x @ y"))
    report = verified(broker, candidate)
    assert report.verdict is Verdict.needs_gpu
    assert {(one.rule, one.line) for one in report.findings if one.tier is Tier.support} == {
        ("kernel_never_launched", line("def product", candidate)),
        ("no_kernel_launched", 3),
    }


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("        out = torch.empty", "        out = missing.empty", Verdict.launch_error),
        ("class ModelNew", "raise ValueError('no')\nclass ModelNew", Verdict.load_error),
        ("        out = torch.empty", "        torch.cuda.CUDAGraph()\n        out = torch.empty", Verdict.needs_gpu),
    ],
)
def test_whose_fault_an_error_is(broker: Broker, before: str, after: str, verdict: Verdict) -> None:
    report = verified(broker, changed((before, after)))
    assert report.verdict is verdict, report
