"""CI: workflow files of the pushed commit, run for real."""

from typing import Any

import httpx
import pytest

from demo import samples
from demo.github import Person, Stage, Twin
from tests.demo.conftest import Clone, Receiver, until


def write_workflow(clone: Clone, text: str, name: str = "ci.yml") -> None:
    for old in (clone.folder / ".github/workflows").glob("*.yml"):
        old.unlink()
    clone.write(f".github/workflows/{name}", text)


@pytest.fixture
def workflows(clone: Clone, stage: Stage) -> Clone:
    """A clone that pushes as a maintainer, who may change workflows."""
    url = f"{stage.url}/{stage.repository}.git".replace("http://", f"http://x-access-token:{stage.tokens['maria']}@")
    clone.git("remote", "set-url", "origin", url)
    clone.git("checkout", "-qb", "flow")
    return clone


def push(clone: Clone) -> str:
    sha = clone.commit()
    clone.git("push", "-q", "origin", "HEAD")
    return sha


def finished(repo: Any, sha: str, count: int) -> dict[str, Any]:
    def runs() -> list[Any]:
        found = list(repo.get_commit(sha).get_check_runs())
        return found if len(found) == count and all(run.status == "completed" for run in found) else []

    return {run.name: run for run in until(runs, f"{count} completed check runs")}


def test_the_samples_story(clone: Clone, repo: Any, receiver: Receiver, stage: Stage) -> None:
    """The first fix passes the unit suite and fails the integration suite; the repair passes both."""
    clone.git("checkout", "-qb", "fix")
    steps = samples.steps("durations")
    for edit in steps["First fix"]:
        clone.write(edit.path, edit.apply((clone.folder / edit.path).read_text()))
    first = push(clone)
    repo.create_pull(title="Decimals", body="Fixes #1", head="fix", base="main", draft=True)
    runs = finished(repo, first, 2)
    assert (runs["unit"].conclusion, runs["integration"].conclusion) == ("success", "failure")
    found = list(runs["integration"].get_annotations())
    assert all(one.annotation_level == "failure" for one in found)
    assert any(one.path == "tests/integration/test_command_line.py" and "5400.0" in one.message for one in found)
    assert found[-1].message == "Process completed with exit code 1."
    assert runs["integration"].app.slug == "github-actions"
    for edit in steps["Repair"]:
        clone.write(edit.path, edit.apply((clone.folder / edit.path).read_text()))
    second = push(clone)
    assert {run.conclusion for run in finished(repo, second, 2).values()} == {"success"}
    names = [one.payload["workflow_run"]["conclusion"] for one in receiver.wait("workflow_run.completed", 2)]
    assert sorted(names) == ["failure", "success"]
    (one,) = repo.get_workflow_runs(head_sha=first)
    assert (one.conclusion, one.event, one.name) == ("failure", "pull_request", "CI")
    job = next(job for job in one.jobs() if job.name == "integration")
    assert [step.conclusion for step in job.steps] == ["success", "success", "failure"]
    log = httpx.get(job.logs_url(), trust_env=False).text
    assert "::error file=tests/integration" in log
    assert "##[error]Process completed with exit code 1." in log


def test_main_is_green_at_first(repo: Any, clone: Clone, stage: Stage) -> None:
    clone.write("docs/notes.md", "x")
    clone.git("remote", "set-url", "origin", clone.url.replace("x-access-token", "y"))
    sha = push(clone)
    assert {run.conclusion for run in finished(repo, sha, 2).values()} == {"success"}


def test_jobs_wait_for_their_needs(workflows: Clone, repo: Any) -> None:
    write_workflow(
        workflows,
        "on: push\njobs:\n"
        "  a: {steps: [{run: 'exit 3'}]}\n"
        "  b: {needs: a, steps: [{run: 'echo never'}]}\n"
        "  c: {needs: [b], steps: [{run: 'echo never'}]}\n"
        "  d: {steps: [{run: 'true'}, {run: 'echo on >> file; cat file'}]}\n",
    )
    runs = finished(repo, push(workflows), 4)
    assert {name: run.conclusion for name, run in runs.items()} == {
        "a": "failure",
        "b": "skipped",
        "c": "skipped",
        "d": "success",
    }
    assert [one.message for one in runs["a"].get_annotations()] == ["Process completed with exit code 3."]


@pytest.mark.parametrize(
    ("job", "named"),
    [
        ("{steps: [{uses: 'some/action@v1'}]}", "`uses: some/action@v1`"),
        ("{strategy: {matrix: {x: [1]}}, steps: [{run: 'true'}]}", "`strategy`"),
        ("{steps: [{run: 'echo ${{ github.sha }}'}]}", "expressions"),
        ("{steps: [{run: 'true', if: always()}]}", "`if`"),
        ("{uses: ./other.yml}", "`uses`"),
    ],
)
def test_what_is_not_supported_fails_and_says_so(workflows: Clone, repo: Any, job: str, named: str) -> None:
    write_workflow(workflows, f"on: push\njobs:\n  a: {job}\n")
    (run,) = finished(repo, push(workflows), 1).values()
    assert run.conclusion == "failure"
    (said,) = run.get_annotations()
    assert named in said.message
    assert "does not support" in said.message


def test_a_file_that_is_no_workflow_is_a_failed_check(workflows: Clone, repo: Any) -> None:
    write_workflow(workflows, "on: push\n")
    (run,) = finished(repo, push(workflows), 1).values()
    assert (run.name, run.conclusion, run.output.title) == (
        ".github/workflows/ci.yml",
        "failure",
        "Invalid workflow file",
    )


def test_steps_see_a_scrubbed_environment(workflows: Clone, repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_CANARY", "planted")
    write_workflow(
        workflows,
        "on: push\nenv: {OUTER: one}\njobs:\n  a:\n    env: {INNER: two}\n    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - run: env | sort; git log -1 --format=%s; python --version\n        env: {MINE: three}\n",
    )
    (run,) = finished(repo, push(workflows), 1).values()
    assert run.conclusion == "success"
    (workflow,) = repo.get_workflow_runs()
    (job,) = workflow.jobs()
    log = httpx.get(job.logs_url(), trust_env=False).text
    assert "planted" not in log
    for line in ("CI=true", "GITHUB_ACTIONS=true", "OUTER=one", "INNER=two", "MINE=three", "change", "Python 3."):
        assert line in log
    assert "ghp_" not in log


def test_a_step_that_hangs_is_stopped_with_its_children(workflows: Clone, repo: Any) -> None:
    write_workflow(
        workflows,
        "on: push\njobs:\n  a:\n    timeout-minutes: 0.02\n    steps: [{run: 'sleep 300 & sleep 300'}]\n",
    )
    (run,) = finished(repo, push(workflows), 1).values()
    assert [one.message for one in run.get_annotations()] == ["The operation was canceled."]


def test_a_background_process_does_not_hold_a_step(workflows: Clone, repo: Any) -> None:
    write_workflow(workflows, "on: push\njobs:\n  a: {steps: [{run: 'sleep 300 & echo done'}]}\n")
    (run,) = finished(repo, push(workflows), 1).values()
    assert run.conclusion == "success"


def test_only_wanted_branches_start(workflows: Clone, repo: Any, twin: Twin) -> None:
    write_workflow(workflows, "on: {push: {branches: [main]}}\njobs:\n  a: {steps: [{run: 'true'}]}\n")
    sha = push(workflows)
    assert list(repo.get_commit(sha).get_check_runs()) == []
    assert repo.get_workflow_runs().totalCount == 0


def test_a_job_can_be_run_again(workflows: Clone, repo: Any, maria: Person, stage: Stage) -> None:
    write_workflow(workflows, "on: push\njobs:\n  a: {steps: [{run: 'true'}]}\n")
    sha = push(workflows)
    (first,) = finished(repo, sha, 1).values()
    maria.rerequest(stage.repository, first.id)

    def again() -> Any:
        runs = list(repo.get_commit(sha).get_check_runs())
        return [run for run in runs if run.id != first.id and run.status == "completed"]

    assert until(again, "the second run")[0].conclusion == "success"
