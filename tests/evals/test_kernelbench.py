"""KernelBench problems read, made small and counted up: on problems of our own in its form. None of its own is here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.kernelbench import Problem, as_candidate, at_declared_size, commit_of, read_problems, small
from evals.kernelbench_findings import findings
from evals.kernelbench_run import Row, add_row, left_to_do, outcome_of, read_rows
from kernels.candidate import Candidate, parse
from tests.cli.ground import make_repository

SOURCE = """import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self):
        super(Model, self).__init__()  # batch_size = 4

    def forward(self, x):
        return torch.relu(x)

{constants}

def get_inputs():
    return [torch.rand(batch_size, 8)]

def get_init_inputs():
    return []
"""


def problem(constants: str, key: tuple[int, int] = (2, 200)) -> Problem:
    return Problem(*key, "Own", SOURCE.replace("{constants}", constants).encode())


@pytest.mark.parametrize(
    ("constants", "constant", "declared", "batch", "left"),
    [
        ("batch_size = 4096\ndim = 8", "batch_size", 4096, 3, "batch_size = 3\ndim = 8"),
        ("batch_size  =  16 * 1024  # heavy", "batch_size", 16384, 3, "batch_size  =  3  # heavy"),
        ("größe = 'ü'; batch_size = 128", "batch_size", 128, 3, "größe = 'ü'; batch_size = 3"),
        ("batch_size = 2 ** 7", "batch_size", 128, 3, "batch_size = 3"),
        ("batch_size = 3 * 2**4", "batch_size", 48, 3, "batch_size = 3"),
        ("batch_size = 2 ** -1", None, 0, 0, "batch_size = 2 ** -1"),
        ("batch_size = 9 ** 9 ** 9", None, 0, 0, "batch_size = 9 ** 9 ** 9"),
        ("batch_size = 2", "batch_size", 2, 2, "batch_size = 2"),
        ("batch_size = 3", "batch_size", 3, 3, "batch_size = 3"),
        ("N = 4096", None, 0, 0, "N = 4096"),
        ("batch_size = len('four')", None, 0, 0, "batch_size = len('four')"),
        ("batch_size = 8\nbatch_size = 9", None, 0, 0, "batch_size = 8\nbatch_size = 9"),
    ],
)
def test_only_the_number_of_rows_is_changed(
    constants: str, constant: str | None, declared: int, batch: int, left: str
) -> None:
    found = small(problem(constants), 3)
    assert (found.constant, found.declared, found.batch) == (constant, declared, batch)
    assert found.task.source == problem(left).source


def test_rows_have_other_names_where_there_is_no_batch() -> None:
    found = small(problem("M = 256 * 8\nK = 131072", (1, 4)), 3)
    assert (found.constant, found.declared, found.batch) == ("M", 2048, 3)
    assert b"M = 3\nK = 131072" in found.task.source


TALL = """import torch

class Model(torch.nn.Module):
    def forward(self, A, B):
        return torch.matmul(A, B)

M = 16384 * 2
N = 16 * 2

def get_inputs():
    A = {A}
    B = torch.rand(N, M)
    return [A, B]

def get_init_inputs():
    return []
"""


@pytest.mark.parametrize(
    ("made", "left"),
    [
        ("torch.rand(M, N)", "torch.rand(3, N)"),
        ("2 * torch.rand(N, M).T - 1", "2 * torch.rand(N, 3).T - 1"),
    ],
)
def test_a_constant_that_counts_more_than_rows_is_changed_for_one_operand(made: str, left: str) -> None:
    found = small(Problem(1, 9, "Own", TALL.replace("{A}", made).encode()), 3)
    assert (found.constant, found.declared, found.batch) == ("M of A", 32768, 3)
    assert found.task.source == TALL.replace("{A}", left).encode()


@pytest.mark.parametrize("made", ["torch.rand(M, M)", "torch.rand(32768, N)", "B = torch.rand(M, N)"])
def test_one_operand_that_is_not_made_of_it_in_one_place_is_not_guessed_at(made: str) -> None:
    with pytest.raises(ValueError, match=r"makes A of M in \d places"):
        small(Problem(1, 9, "Own", TALL.replace("{A}", made).encode()), 3)


def test_a_problem_is_its_own_candidate_under_a_candidates_name() -> None:
    source = as_candidate(problem("batch_size = 4").source)
    parse(Candidate("reference.py", source))
    text = source.decode()
    assert "class ModelNew(nn.Module)" in text
    assert "super(ModelNew, self)" in text
    assert "class Model(" not in text


@pytest.mark.parametrize(
    ("largest", "smaller", "declared", "expected"),
    [
        (1 / 3**0.5, 1.0, 100, 0.1),  # a norm: one over the root of the size
        (1 / 3, 1.0, 100, 0.01),
        (1.0, 1.0, 100, None),
        (1.0, 0.9, 100, None),
        (0.99, 1.0, 10**6, None),  # what hardly falls is no power of the batch
        (0.0, 0.0, 100, None),
        (0.5, 1.0, 3, None),
    ],
)
def test_what_a_larger_batch_makes_of_a_norm(
    largest: float, smaller: float, declared: int, expected: float | None
) -> None:
    found = at_declared_size(largest, 3, smaller, 1, declared)
    assert found == pytest.approx(expected) if expected is not None else found == float("inf")


@given(st.floats(0.3, 2), st.integers(4, 10**6), st.floats(1e-6, 10))
def test_a_power_of_the_batch_is_followed(power: float, declared: int, scale: float) -> None:
    found = at_declared_size(scale * 3.0**-power, 3, scale, 1, declared)
    assert found == pytest.approx(scale * float(declared) ** -power, rel=1e-6)


def test_problems_are_read_from_a_commit_and_not_from_the_folder(tmp_path: Path) -> None:
    text = SOURCE.replace("{constants}", "batch_size = 4")
    clone = make_repository(
        tmp_path / "clone",
        {f"KernelBench/{path}.py": text for path in ("level1/10_Ten", "level1/9_Nine", "level2/1_One", "level3/1_No")}
        | {"KernelBench/level1/notes.txt": "", "other/level1/1_Other.py": text},
    )
    sha = commit_of(clone, "HEAD")
    (clone / "KernelBench/level1/9_Nine.py").write_text("changed")
    found = read_problems(clone, sha, (1, 2))
    assert [(str(one), one.name) for one in found] == [("1/9", "Nine"), ("1/10", "Ten"), ("2/1", "One")]
    assert {one.source for one in found} == {text.encode()}
    with pytest.raises(ValueError, match="no KernelBench problems"):
        read_problems(clone, sha, (7,))
    with pytest.raises(ValueError, match="rev-parse"):
        commit_of(clone, "nowhere")
    with pytest.raises(ValueError, match="git"):
        commit_of(tmp_path, "HEAD")


def audit(*degenerate: tuple[str, str, str, str], verdict: str = "sound", problems: tuple[str, ...] = ()) -> Row:
    named = [dict(zip(("null", "tolerance", "inputs", "weights"), one, strict=True)) for one in degenerate]
    return {"verdict": verdict, "problems": list(problems), "degenerate": named, "scalars": [],
            "bfloat16": {"error": 1e-3, "passes": ["1e-2"]}}  # fmt: skip


def row(name: str, **more: Any) -> Row:
    return {"kind": "audit", "problem": name, "commit": "c0", "outcome": "audited", "seconds": 1.0, **more}


ZEROS = "an output of zeros"


def test_rows_are_counted_up_beside_what_is_known() -> None:
    rows: list[Row] = [
        row("2/9", audit=audit((ZEROS, "exact", "declared", "own"), (ZEROS, "ours", "declared", "drawn"),
                               verdict="invalid_task", problems=(f"{ZEROS} is right on the task's own inputs",))),
        row("1/19", audit=audit()),
        row("1/2", audit=audit(("one constant for all inputs", "1e-4", "declared", "own"))),
        row("1/3", audit=audit((ZEROS, "1e-2", "declared", "own"), (ZEROS, "ours", "normal", "drawn"))),
        row("1/37", audit=audit((ZEROS, "1e-2", "declared", "own")), declared=112, largest_at_declared_batch=4e-5),
        row("1/39", audit=audit((ZEROS, "1e-2", "declared", "own")), declared=112, largest_at_declared_batch=4e-4),
        row("2/66", audit=audit(verdict="invalid_task", problems=("the same inputs give other outputs",))),
        row("1/1", outcome="too_slow", why="not within 60 s"),
        row("1/5", audit=audit(), with_more_rows={"batch": 3, "outcome": "too_large", "why": "2 GiB"}),
        row("1/9", audit=audit(), constant="M of A", batch=3, declared=32768),
        row("1/10", audit=audit(), constant="N", batch=3, declared=16),
        {"kind": "candidate", "problem": "1/2", "passed": True, "verdict": "equal", "stage": "time", "reasons": []},
        {"kind": "candidate", "problem": "2/9", "passed": False, "verdict": "invalid_task", "stage": "parse",
         "reasons": ["zeros"]},
        {"kind": "candidate", "problem": "1/3", "passed": False, "verdict": "incorrect", "stage": "correct",
         "reasons": ["wrong"]},
    ]  # fmt: skip
    found = findings(rows)
    assert list(found.degenerate) == ["1/2", "1/37", "2/9", "2/66"], "in the order of their numbers"
    assert found.degenerate["2/9"] == [f"{ZEROS} (exact, ours)"]
    assert "by arithmetic" in found.degenerate["1/37"][0]
    assert found.degenerate["2/66"] == ["the same inputs give other outputs"]
    assert found.loose == {"1/3": [ZEROS], "1/39": [ZEROS]}
    assert (found.audited, found.invalid) == (10, ["2/9", "2/66"])
    assert found.missed == ["1/19"], "known, audited and not found"
    assert found.new == ["1/2", "2/66"]
    assert found.not_audited == {"1/1": "too_slow: not within 60 s"}
    assert found.fewer_rows == {"1/5": "too_large with 3 rows: 2 GiB"}
    assert found.one_operand == {"1/9": "M of A is 3 instead of 32768, elsewhere as declared"}
    assert found.half == {"1e-2": 10}
    assert (found.candidates, found.convicted) == (2, {"1/3": "incorrect at correct: wrong"})
    assert found.not_judged == {"2/9": "invalid_task at parse: zeros"}


def test_parameters_that_nothing_shows_are_told() -> None:
    scalar = {"name": "eps", "value": 1e-12, "unseen": [1.5e-12, 5e-13]}
    seen = {"name": "slope", "value": 0.1, "unseen": []}
    found = findings([row("1/2", audit={**audit(), "scalars": [scalar, seen]})])
    assert found.unseen == {"1/2": ["eps 1e-12 as 1.5e-12, 5e-13"]}


def test_a_run_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    problems = [problem("batch_size = 4", (1, number)) for number in (1, 2, 3)]
    assert read_rows(path, "c0") == []
    add_row(path, row("1/1"))
    add_row(path, row("1/2", outcome="too_slow"))
    add_row(path, {**row("1/3"), "commit": "another"})
    add_row(path, {**row("1/1"), "kind": "candidate"})
    rows = read_rows(path, "c0")
    assert [str(one) for one in left_to_do(problems, rows, "audit", again=False)] == ["1/3"]
    assert [str(one) for one in left_to_do(problems, rows, "audit", again=True)] == ["1/2", "1/3"]
    assert [str(one) for one in left_to_do(problems, rows, "candidate", again=False)] == ["1/2", "1/3"]
    add_row(path, row("1/2"))
    assert [one["outcome"] for one in read_rows(path, "c0") if one["problem"] == "1/2"] == ["audited"], "the newest"


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), (json.dumps(row("1/1")) + "\n" + '{"kind": "aud', 1)],
)
def test_a_line_that_was_cut_off_counts_for_nothing(tmp_path: Path, text: str, count: int) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    assert len(read_rows(path, "c0")) == count


@pytest.mark.parametrize("text", ["{\n" + json.dumps(row("1/1")), "[]\n", '{"kind": "audit"}\n'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"rows\.jsonl:1"):
        read_rows(path, "c0")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("the reference did not answer in time", "too_slow"),
        ("the reference needed more memory than its box has", "too_large"),
        ("the reference fails: one answer has 4096 MiB of tensors, at most 1024 MiB are held", "too_large"),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory", "too_large"),
        ("the reference fails: NameError: x (line 3)", "failed"),
    ],
)
def test_why_a_problem_was_not_audited(text: str, outcome: str) -> None:
    assert outcome_of(text) == outcome


FILES: Mapping[str, str] = {
    "KernelBench/level1/1_Scale.py": SOURCE.replace("torch.relu(x)", "x * 3").replace("{constants}", "batch_size = 64"),
    "KernelBench/level1/19_Positive.py": SOURCE.replace("{constants}", "batch_size = 64"),
}
