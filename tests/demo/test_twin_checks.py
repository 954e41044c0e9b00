"""Check runs, suites, statuses: limits, owners, buttons."""

from typing import Any

import github
import httpx
import pytest

from demo.github import Person, Stage, Twin
from demo.github.manifest import make_keys
from tests.demo.conftest import Receiver, token_of


@pytest.fixture
def sha(twin: Twin, branch: str) -> str:
    twin.ci.enabled = False
    return branch


def annotation(line: int = 1, **more: Any) -> dict[str, Any]:
    return {"path": "a.py", "start_line": line, "end_line": line, "annotation_level": "warning", "message": "m", **more}


def action(**more: str) -> dict[str, str]:
    return {"label": "Stop", "description": "Stops the task", "identifier": "stop", **more}


def test_a_run_from_start_to_end(repo: Any, sha: str, receiver: Receiver) -> None:
    run = repo.create_check_run("forgehand", sha, external_id="task-1", status="in_progress")
    assert (run.status, run.external_id, run.app.slug) == ("in_progress", "task-1", "forgehand")
    (created,) = receiver.wait("check_run.created")
    assert created.payload["check_run"]["check_suite"]["head_sha"] == sha
    run.edit(output={"title": "Plan", "summary": "One step", "text": "More"})
    run.edit(status="completed", conclusion="success", actions=[action()])
    receiver.wait("check_run.completed")
    (suite,) = receiver.wait("check_suite.completed")
    assert suite.payload["check_suite"]["conclusion"] == "success"
    found = repo.get_check_run(run.id)
    assert (found.conclusion, found.output.title, found.completed_at is not None) == ("success", "Plan", True)
    assert [one.name for one in repo.get_commit(sha).get_check_runs(check_name="forgehand")] == ["forgehand"]
    (held,) = repo.get_commit(sha).get_check_suites()
    assert held.latest_check_runs_count == 1
    assert [one.id for one in held.get_check_runs()] == [run.id]
    assert repo.get_check_suite(held.id).head_sha == sha


@pytest.mark.parametrize(
    "wrong",
    [
        {"output": {"title": "t", "summary": "s" * 65536}},
        {"output": {"title": "t" * 65536, "summary": "s"}},
        {"output": {"title": "t", "summary": "s", "text": "x" * 65536}},
        {"output": {"title": "t"}},
        {"output": {"title": "t", "summary": "s", "annotations": [annotation()] * 51}},
        {"output": {"title": "t", "summary": "s", "annotations": [{"path": "a"}]}},
        {"output": {"title": "t", "summary": "s", "annotations": [annotation(annotation_level="fatal")]}},
        {"actions": [action()] * 4},
        {"actions": [action(label="x" * 21)]},
        {"actions": [action(description="x" * 41)]},
        {"actions": [action(identifier="x" * 21)]},
        {"actions": [{"label": "x"}]},
        {"status": "done"},
        {"conclusion": "great"},
        {"status": "completed"},
        {"started_at": "yesterday"},
    ],
)
def test_limits(maria: Person, repo: Any, sha: str, stage: Stage, client: github.Github, wrong: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {token_of(client)}"}
    path = f"{stage.url}/repos/{stage.repository}/check-runs"
    answer = httpx.post(path, json={"name": "x", "head_sha": sha, **wrong}, headers=headers, trust_env=False)
    assert answer.status_code == 422
    assert list(repo.get_commit(sha).get_check_runs()) == []


def test_what_is_just_allowed(repo: Any, sha: str) -> None:
    output = {"title": "t", "summary": "s" * 65535, "annotations": [annotation(n + 1) for n in range(50)]}
    run = repo.create_check_run("x", sha, output=output, actions=[action()] * 3)
    run.edit(output={"title": "t", "summary": "s", "annotations": [annotation(51, title="Title", raw_details="raw")]})
    found = list(run.get_annotations())
    assert [one.start_line for one in found] == list(range(1, 52))  # later requests append; two pages of thirty
    assert found[-1].title == "Title"


def test_only_the_app_that_made_it_may_change_it(repo: Any, sha: str, twin: Twin, stage: Stage, maria: Person) -> None:
    run = repo.create_check_run("x", sha)
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        maria.ask("PATCH", f"/repos/{stage.repository}/check-runs/{run.id}", {"status": "in_progress"})
    private, public = make_keys()
    other = twin.world.add_app(
        "other", "Other", "brightwork", public_key=public, permissions={"checks": "write"}, events=[]
    )
    installed = twin.world.add_installation(other, "brightwork")
    auth = github.Auth.AppAuth(other.id, private.decode()).get_installation_auth(installed.id)
    theirs = github.Github(auth=auth, base_url=stage.url, retry=None, seconds_between_writes=0)
    with pytest.raises(github.GithubException) as refused:
        theirs.get_repo(stage.repository).get_check_run(run.id).edit(status="in_progress")
    assert refused.value.status == 403
    assert "only be modified by the GitHub App that created it" in refused.value.data["message"]


def test_the_newest_run_of_a_name_counts(repo: Any, sha: str) -> None:
    for conclusion in ("failure", "success"):
        repo.create_check_run("x", sha, status="completed", conclusion=conclusion)
    commit = repo.get_commit(sha)
    assert [one.conclusion for one in commit.get_check_runs()] == ["success"]
    assert len(list(commit.get_check_runs(filter="all"))) == 2
    assert [one.conclusion for one in commit.get_check_suites()] == ["success"]


def test_asked_to_run_again_the_suite_is_queued_and_the_run_stays(
    repo: Any, sha: str, maria: Person, otis: Person, stage: Stage, receiver: Receiver
) -> None:
    run = repo.create_check_run("x", sha, status="completed", conclusion="failure")
    maria.rerequest(stage.repository, run.id)
    (told,) = receiver.wait("check_run.rerequested")
    assert told.payload["sender"]["login"] == "maria"
    assert repo.get_check_run(run.id).conclusion == "failure"
    (suite,) = repo.get_commit(sha).get_check_suites()
    assert (suite.status, suite.conclusion) == ("queued", None)
    suite.rerequest()
    receiver.wait("check_suite.rerequested")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        otis.rerequest(stage.repository, run.id)


def test_buttons_are_pressed_by_people_who_may(
    repo: Any, sha: str, maria: Person, otis: Person, stage: Stage, receiver: Receiver
) -> None:
    run = repo.create_check_run("x", sha, actions=[action()])
    with pytest.raises(httpx.HTTPStatusError, match="404"):  # shown only when the run is completed
        maria.press(stage.repository, run.id, "stop")
    run.edit(status="completed", conclusion="neutral")
    maria.press(stage.repository, run.id, "stop")
    (told,) = receiver.wait("check_run.requested_action")
    assert told.payload["requested_action"] == {"identifier": "stop"}
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        maria.press(stage.repository, run.id, "other")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        otis.press(stage.repository, run.id, "stop")


def test_statuses(repo: Any, sha: str, maria: Person, stage: Stage, receiver: Receiver) -> None:
    commit = repo.get_commit(sha)
    assert commit.get_combined_status().state == "pending"  # nothing reported is pending
    path = f"/repos/{stage.repository}/statuses/{sha}"
    maria.ask("POST", path, {"state": "pending", "context": "lint", "description": "Running"})
    maria.ask("POST", path, {"state": "failure", "context": "lint", "target_url": "http://127.0.0.1/"})
    (_, told) = receiver.wait("status", 2)
    assert {told.payload["state"]} <= {"pending", "failure"}
    combined = commit.get_combined_status()
    assert (combined.state, combined.total_count) == ("failure", 1)
    assert [one.state for one in commit.get_statuses()] == ["failure", "pending"]
    maria.ask("POST", path, {"state": "success", "context": "lint"})
    assert commit.get_combined_status().state == "success"
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        maria.ask("POST", path, {"state": "fine"})
    with pytest.raises(github.GithubException) as refused:  # the App may read statuses, not write them
        commit.create_status("success")
    assert refused.value.status == 403
