"""What CI files run, and whether a failure of it counts before a merge."""

from __future__ import annotations

import pytest

from codebase.ci import CiStep, read_ci
from tests.codebase.sources import source

WORKFLOW = ".github/workflows/ci.yml"


def steps(files: dict[str, str]) -> list[tuple[str, str, bool, bool]]:
    return [(one.script.strip() or one.action, str(one.where), one.on_change, one.blocking) for one in read(files)]


def read(files: dict[str, str]) -> tuple[CiStep, ...]:
    return read_ci(source(files))


def workflow(on: str, job: str = "", step: str = "run: make") -> str:
    return f"on: {on}\njobs:\n  a:\n    {job or 'name: x'}\n    steps:\n      - {step}\n"


@pytest.mark.parametrize(
    ("on", "counts"),
    [
        ("push", True),
        ("[push, pull_request]", True),
        ("{pull_request: {branches: [main]}}", True),
        ("{push: {branches: [main]}, pull_request: {}}", True),
        ("{push: {branches: ['**']}}", True),
        ("{push: {branches: [main]}}", False),
        ("{push: {tags: ['v*']}}", False),
        ("{merge_group: {}}", True),
        ("{schedule: [{cron: '0 0 * * *'}]}", False),
        ("[workflow_dispatch, release]", False),
        ("workflow_call", False),
    ],
)
def test_only_what_runs_before_a_merge_is_for_changes(on: str, counts: bool) -> None:
    assert steps({WORKFLOW: workflow(on)}) == [("make", f"{WORKFLOW}:6", counts, True)]


@pytest.mark.parametrize(
    ("job", "step", "on_change", "blocking"),
    [
        ("continue-on-error: true", "run: make", True, False),
        ("continue-on-error: ${{ matrix.x }}", "run: make", True, True),
        ("name: x", "{run: make, continue-on-error: true}", True, False),
        ("if: false", "run: make", False, True),
        ("if: ${{ false }}", "run: make", False, True),
        ("if: startsWith(github.ref, 'refs/tags/')", "run: make", False, True),
        ("if: github.event_name == 'push'", "run: make", False, True),
        ("if: contains(github.event.pull_request.labels.*.name, 'x')", "run: make", False, True),
        ("if: github.event_name == 'pull_request' || github.ref == 'refs/heads/main'", "run: make", True, True),
        ("if: ${{ !contains(github.event.pull_request.labels.*.name, 'skip') }}", "run: make", True, True),
        ("if: github.repository == 'a/b'", "run: make", True, True),
        ("name: x", "{run: make, if: failure()}", False, True),
    ],
)
def test_conditions_and_forgiven_failures(job: str, step: str, on_change: bool, blocking: bool) -> None:
    assert steps({WORKFLOW: workflow("push", job, step)}) == [("make", f"{WORKFLOW}:6", on_change, blocking)]


def test_folders_blocks_and_ready_made_steps() -> None:
    text = (
        "on: push\ndefaults: {run: {working-directory: ./sub}}\njobs:\n  a:\n    steps:\n"
        "      - uses: org/tool@v1\n        with: {x: 1}\n      - run: |\n          one\n          two\n"
        "      - {run: make, working-directory: other}\n"
    )
    tool, block, other = read({WORKFLOW: text})
    assert (tool.action, dict(tool.given), str(tool.where)) == ("org/tool", {"x": "1"}, f"{WORKFLOW}:6")
    assert (block.script, str(block.where), block.folder) == ("one\ntwo\n", f"{WORKFLOW}:9", "sub")
    assert other.folder == "other"


def test_plain_expressions_are_written_out() -> None:
    text = (
        "on: push\nenv: {TOOL: cargo}\njobs:\n  a:\n    strategy: {matrix: {t: [x, y], include: [{t: z}]}}\n"
        "    steps:\n      - run: ${{ env.TOOL }} run ${{ matrix.t }} ${{ matrix.u || 'v' }}\n"
    )
    assert [one.script for one in read({WORKFLOW: text})] == [
        "cargo run x ${{ matrix.u || 'v' }}", "cargo run y ${{ matrix.u || 'v' }}",
         "cargo run z ${{ matrix.u || 'v' }}",
    ]  # fmt: skip


def test_a_workflow_that_is_called_and_an_action_of_the_repository() -> None:
    called = ".github/workflows/called.yml"
    files = {
        called: workflow("workflow_call", step="uses: ./.github/actions/go"),
        WORKFLOW: f"on: push\njobs:\n  a:\n    uses: ./{called}\n",
        ".github/actions/go/action.yml": "runs:\n  using: composite\n  steps:\n    - run: make inner\n",
    }
    assert [one[:3] for one in steps(files)] == [
        ("make inner", ".github/actions/go/action.yml:4", True),
        ("./.github/actions/go", f"{called}:6", True),
    ]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            ".gitlab-ci.yml",
            "default: {before_script: [setup]}\n.base:\n  script: [make lint]\nlint:\n  extends: .base\n"
            "night:\n  only: [schedules]\n  script: make slow\nloose:\n  allow_failure: true\n"
             "  script:\n    - make x\n",
            [("setup", 1, True, True), ("make lint", 3, True, True), ("make slow", 8, False, True), ("make x",
             12, True, False)],
        ),
        (
            ".circleci/config.yml",
            "commands: {go: {steps: [{run: make inner}]}}\njobs:\n  a:\n    steps:\n      - checkout\n"
            "      - run: make\n"
            "      - run: {command: make two}\n      - go\n  b:\n    steps: [{run: make never}]\n"
            "workflows:\n  w:\n    jobs: [a]\n",
            [("make", 6, True, True), ("make two", 7, True, True), ("make inner", 1, True, True),
             ("make never", 10, False, True)],
        ),
        (
            "azure-pipelines.yml",
            "steps:\n- script: make\n- bash: make two\n  continueOnError: true\n"
             "- task: Npm@1\n  inputs: {command: ci}\n",
            [("make", 2, True, True), ("make two", 3, True, False), ("Npm", 5, True, True)],
        ),
        (".travis.yml", "install: make deps\nscript:\n  - make test\n", [("make deps", 1, True, True),
         ("make test", 3, True, True)]),
        ("Jenkinsfile", "stage('x') {\n  sh 'make test'\n  sh \"\"\"\n  make\n  \"\"\"\n}", [("make test", 2,
         True, True),
                                                                                   ("make", 3, True, True)]),
    ],
)  # fmt: skip
def test_other_systems(path: str, text: str, expected: list[tuple[str, int, bool, bool]]) -> None:
    assert [
        (name, int(where.rpartition(":")[2]), change, fails) for name, where, change, fails in steps({path: text})
    ] == expected


@pytest.mark.parametrize(
    "text", ["", "- a", "on: push\njobs: 3", "jobs: {a: {steps: {b: c}}}", "a: &a [*a]", "[" * 3000]
)
def test_files_of_another_shape_hold_no_steps(text: str) -> None:
    for path in (WORKFLOW, ".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml", ".travis.yml"):
        assert steps({path: text}) == []
