"""A whole way while GitHub fails at every write that must happen once: at the end each thing is there, once."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.workers.floor import Floor, furnished_floor

COMMENTS = r"/issues/\d+/comments$"
PULLS = r"/pulls$"
CHECK_RUNS = r"/check-runs$"


def all_struck(floor: Floor) -> None:
    """A fault that never struck would prove nothing."""
    missed = [fault for fault in floor.twin.controls().faults() if fault["struck"] < fault["count"]]
    assert missed == []


def our_runs(floor: Floor, sha: str) -> list[dict[str, Any]]:
    answer = floor.maria.ask("GET", f"/repos/{floor.stage.repository}/commits/{sha}/check-runs?filter=all")
    return [one for one in answer["check_runs"] if one["name"] == "Forgehand"]


def everything_once(floor: Floor) -> None:
    task = floor.task()
    assert task.stage == "in_review", (task.stage, task.reason)
    (pull,) = floor.pulls()
    assert (pull["number"], pull["head"]["sha"], pull["draft"]) == (task.pull_number, task.head_sha, False)
    assert len(floor.comments()) == 1
    commits = floor.maria.ask("GET", f"/repos/{floor.stage.repository}/pulls/{pull['number']}/commits")
    assert len(commits) == 2, "the change and its repair"
    for commit in commits:
        runs = our_runs(floor, commit["sha"])
        assert len(runs) == 1, (commit["sha"], runs)
        assert runs[0]["status"] == "completed"


def wait_out_the_limit(floor: Floor) -> None:
    """Waits as long as the task does, by the real clock: GitHub's limits are not the test's to move on."""
    floor.conductor.run(floor.task().id)
    (waiting,) = [event.data for event in floor.log() if event.kind == "waiting"]
    assert "rate limited" in waiting["why"]
    deadline = time.monotonic() + waiting["seconds"] + 5
    while not floor.conductor.run(floor.task().id):
        assert time.monotonic() < deadline, "the task does not wake up"
        time.sleep(0.1)


def test_nothing_is_made_twice_when_writes_fail_or_their_answers_are_lost(tmp_path: Path) -> None:
    with furnished_floor(tmp_path) as floor:
        controls = floor.twin.controls()
        for path in (COMMENTS, PULLS, CHECK_RUNS):
            controls.fault("bad_gateway", "POST", path)
            controls.fault("lost_response", "POST", path)
        floor.assign()
        floor.run("in_review")
        all_struck(floor)
        everything_once(floor)


def test_limits_slowness_cut_answers_and_a_refused_token(tmp_path: Path) -> None:
    """Also with installation tokens that expire on the way and drafts that the plan does not allow."""
    with furnished_floor(tmp_path, twin_options={"token_life": timedelta(seconds=8)}) as floor:
        controls = floor.twin.controls()
        controls.drafts(floor.stage.repository, False)
        controls.fault("secondary_limit", "POST", COMMENTS, retry_after_s=2)
        controls.fault("cut_body", "POST", COMMENTS)
        controls.fault("slow", "PATCH", r"/issues/comments/\d+$", delay_s=1.0)
        controls.fault("unauthorized", "PATCH", r"/issues/comments/\d+$")
        controls.fault("primary_limit", "POST", CHECK_RUNS, retry_after_s=1)
        controls.fault("cut_body", "POST", CHECK_RUNS)
        controls.fault("cut_body", "GET", r"/commits/[^/]+/check-runs$")
        floor.assign()
        wait_out_the_limit(floor)
        floor.run("in_review")
        all_struck(floor)
        everything_once(floor)
        tokens = [one for one in controls.journal() if one["path"].endswith("/access_tokens") and one["status"] == 201]
        assert len(tokens) > 1, "no token expired on the way"
