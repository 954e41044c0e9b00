"""Workflow files and workflow commands, read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo import samples
from demo.github.workflow import PER_STEP, WorkflowInvalid, annotations, failed_step, parse

JOBS = "\njobs: {a: {steps: [{run: 'true'}]}}\n"


@pytest.mark.parametrize(
    ("on", "push", "pull"),
    [
        ("on: push", True, False),
        ("on: [push, pull_request]", True, True),
        ("on: {push: , pull_request: }", True, True),
        ("on: {push: {branches: [main]}}", False, False),
        ("on: {push: {branches: ['fix/*']}}", True, False),
        ("on: {push: {branches-ignore: ['fix/*']}}", False, False),
        ("on: {pull_request: {branches: [main]}}", False, True),
        ("on: {pull_request: {branches: release}}", False, False),
        ("on: {pull_request: {types: [closed]}}", False, False),
        ("on: workflow_dispatch", False, False),
        ('"on": push', True, False),
    ],
)
def test_what_starts_a_workflow(on: str, push: bool, pull: bool) -> None:
    found = parse("ci.yml", (on + JOBS).encode())
    assert found.starts_on_push("fix/one") is push
    assert found.starts_on_pull_request("main", "opened") is pull


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no jobs"),
        ("on: push", "has no jobs"),
        ("on: push\njobs: {}", "has no jobs"),
        ("jobs: {a: {steps: []}}", "nothing under `on`"),
        ("on: push\njobs: {a: 1}", "no mapping"),
        ("on: push\njobs: {a: {steps: [1]}}", "no mapping"),
        ("on: push\njobs: {a: {needs: b, steps: []}}", "needs b"),
        (": :\n  - [", "no YAML"),
    ],
)
def test_what_is_no_workflow(text: str, said: str) -> None:
    with pytest.raises(WorkflowInvalid, match=said):
        parse("ci.yml", text.encode())


def test_the_samples_workflow() -> None:
    path = ".github/workflows/ci.yml"
    found = parse(path, (samples.folder("durations") / path).read_bytes())
    assert [(job.key, job.needs, job.unsupported) for job in found.jobs] == [
        ("unit", (), None),
        ("integration", ("unit",), None),
    ]
    assert [step.name for step in found.jobs[0].steps] == [
        "Run actions/checkout@v4",
        "Run actions/setup-python@v5",
        "Unit tests",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("::error file=a.py,line=3::Bad", ("a.py", 3, 3, "failure", "Bad", None)),
        ("::warning file=a.py,line=3,endLine=5,title=T::x", ("a.py", 3, 5, "warning", "x", "T")),
        ("::notice::hello", (".github", 1, 1, "notice", "hello", None)),
        ("::error file=a%3Ab%2C.py,line=x::one%0Atwo%25", ("a:b,.py", 1, 1, "failure", "one\ntwo%", None)),
        ("::error title=a%2Cb::m::n", (".github", 1, 1, "failure", "m::n", "a,b")),
    ],
)
def test_workflow_commands(line: str, expected: tuple[object, ...]) -> None:
    (found,) = annotations(f"before\n{line}\nafter")
    level, message = found["annotation_level"], found["message"]
    assert (found["path"], found["start_line"], found["end_line"], level, message, found.get("title")) == expected


@pytest.mark.parametrize(
    "line", ["error: x", ":error::x", "::debug::x", "::group::x", "text ::error::x", "::errors::x"]
)
def test_other_lines_are_no_annotations(line: str) -> None:
    assert annotations(line) == []


def test_ten_of_each_level_are_kept() -> None:
    output = "\n".join(["::error::e", "::warning::w"] * 15)
    found = annotations(output)
    assert len(found) == 2 * PER_STEP


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_output_can_be_read(text: str) -> None:
    for one in annotations(f"::error file=x::{text}"):
        assert one["annotation_level"] == "failure"


def test_how_a_job_ended() -> None:
    assert failed_step(2)["message"] == "Process completed with exit code 2."
    assert failed_step(None)["message"] == "The operation was canceled."
