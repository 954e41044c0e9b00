"""Problem after problem in one real worker: what is slow or broken costs its own row and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

import pytest

from evals.kernelbench import Problem
from evals.kernelbench_findings import findings
from evals.kernelbench_run import Auditor, judge_reference
from kernels.hosting import Place

pytestmark = pytest.mark.xdist_group("kernel tasks")


def problem(forward: str, inputs: str, batch: int = 20_000, number: int = 101) -> Problem:
    source = (
        f"import time\nimport torch\nimport torch.nn as nn\nbatch_size = {batch}\n"
        f"class Model(nn.Module):\n    def __init__(self):\n        super(Model, self).__init__()\n"
        f"    def forward(self, x):\n        {forward}\n"
        f"def get_inputs():\n    return [{inputs}]\ndef get_init_inputs():\n    return []\n"
    )
    return Problem(1, number, "Own", source.encode())


@pytest.fixture(scope="module")
def auditor(place: Place) -> Iterator[Auditor]:
    found = Auditor(place, 60)
    yield found
    found.close()


def test_what_is_slow_ends_with_its_time_and_the_next_goes_on(place: Place) -> None:
    auditor = Auditor(place, 6)
    try:
        slow = auditor.audit(problem("time.sleep(40); return x", "torch.rand(batch_size, 8)"), 3)
        assert (slow["outcome"], slow["batch"]) == ("too_slow", 1)
        assert slow["with_more_rows"] == {"batch": 3, "outcome": "too_slow", "why": "not audited within 6 s"}
        assert slow["seconds"] < 30
        auditor.limit_s = 60
        next_one = auditor.audit(problem("return x * 2", "torch.rand(batch_size, 8)"), 3)
        assert (next_one["outcome"], next_one["batch"], next_one["declared"]) == ("audited", 3, 20_000)
        assert next_one["audit"]["verdict"] == "sound"
    finally:
        auditor.close()


def test_what_is_broken_is_told_and_the_next_goes_on(auditor: Auditor) -> None:
    broken = auditor.audit(problem("return x.nosuch()", "torch.rand(batch_size, 8)"), 3)
    assert broken["outcome"] == "failed"
    assert "nosuch" in broken["why"]
    assert auditor.audit(problem("return x * 2", "torch.rand(batch_size, 8)"), 3)["outcome"] == "audited"


def test_what_answers_oddly_is_told_and_the_next_goes_on(auditor: Auditor) -> None:
    nested = auditor.audit(problem("return [[[[[[[[[[[[x]]]]]]]]]]]]", "torch.rand(batch_size, 8)"), 3)
    assert nested["outcome"] == "failed", nested
    assert auditor.audit(problem("return x * 2", "torch.rand(batch_size, 8)"), 3)["outcome"] == "audited"


def test_a_worker_that_does_not_start_costs_its_problem_a_row(place: Place) -> None:
    auditor = Auditor(replace(place, python=PurePath("/bin/false")), 60)
    row = auditor.audit(problem("return x * 2", "torch.rand(batch_size, 8)"), 3)
    assert (row["outcome"], "does not start" in row["why"]) == ("failed", True), row


def test_rows_that_cannot_be_made_fewer_are_told(place: Place) -> None:
    odd = Problem(1, 102, "Odd", problem("return x", "torch.rand(8)").source.replace(b"20000", b"20 * (\n1000)"))
    row = Auditor(place, 60).audit(odd, 3)
    assert (row["outcome"], "several lines" in row["why"]) == ("failed", True), row


def test_of_a_product_that_is_too_large_one_operand_gets_fewer_rows(auditor: Auditor) -> None:
    """In 1/9's form: 6 GiB as it is declared."""
    source = (
        b"import torch\nclass Model(torch.nn.Module):\n    def forward(self, A, B):\n        return A @ B\n"
        b"M = 40_000\nN = 8\ndef get_inputs():\n    A = torch.rand(M, N)\n    B = torch.rand(N, M)\n    return [A, B]\n"
        b"def get_init_inputs():\n    return []\n"
    )
    row = auditor.audit(Problem(1, 9, "Own", source), 3)
    assert (row["outcome"], row["constant"], row["batch"], row["declared"]) == ("audited", "M of A", 3, 40_000), row
    assert row["audit"]["output"] == ["float32[3, 40000]"]
    assert "elsewhere as declared" in findings([row]).one_operand["1/9"]


def test_a_norm_over_all_rows_makes_zeros_right_at_the_declared_size(auditor: Auditor) -> None:
    norm = problem("return x / torch.norm(x)", "torch.rand(batch_size, 128, 128)", batch=40_000)
    row = auditor.audit(norm, 3)
    # The largest of n uniform numbers is about 1, and their norm is the root of n/3; what one and three rows differ by
    # is carried on over a factor of 13,000, which makes 0.4% of chance there 3.5%.
    assert row["largest_at_declared_batch"] == pytest.approx((40_000 * 128 * 128 / 3) ** -0.5, rel=0.2)
    assert "by arithmetic" in findings([row]).degenerate["1/101"][0]
    few = auditor.audit(problem("return x / torch.norm(x)", "torch.rand(batch_size, 128, 128)", batch=50), 3)
    assert few["largest_at_declared_batch"] > 1e-4
    assert findings([few]).loose


def test_a_problems_own_program_passes_as_its_candidate(place: Place) -> None:
    row = judge_reference(place, problem("return torch.tanh(x).sum(1)", "torch.rand(batch_size, 512)"), 64, None)
    assert row["passed"], row
    assert row["cells"][0] == row["cells"][1] > 20
    assert row["error"] == row["native_error"], "down to the last bit"


def test_what_does_not_take_a_single_row_is_audited_without_what_that_would_tell(auditor: Auditor) -> None:
    forward = "assert len(x) > 1, 'more than one row'\n        return x / torch.norm(x)"
    row = auditor.audit(problem(forward, "torch.rand(batch_size, 128, 128)"), 3)
    assert (row["outcome"], row["largest_at_declared_batch"]) == ("audited", None), row
    assert auditor.audit(problem("return x * 2", "torch.rand(batch_size, 8)"), 3)["outcome"] == "audited"
