"""What our own kernel checks say of the agent's pull request: waited for, repaired, never passed over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forges.github.check_runs import Annotation, Conclusion, Output
from store import Stage
from tests.workers.floor import Floor, furnished_floor
from tests.workers.test_special_ways import Script, go_until, kinds, right_at_once, turn

KERNEL = "Kernel rows"


@contextmanager
def watching(folder: Path, script: Script | None = None, *, ci: bool = False) -> Iterator[Floor]:
    """A floor whose task has a draft and watches its CI."""
    with furnished_floor(folder, script=script or right_at_once(), ci_settle_s=3.0) as floor:
        floor.twin.controls().ci(ci)
        floor.assign()
        task = floor.run("watching_ci")
        assert task.stage == Stage.WATCHING_CI, task.reason
        yield floor


def check(floor: Floor, name: str = KERNEL) -> int:
    """A check run of ours on the task's head, as the kernel lane makes it."""
    task = floor.task()
    output = Output("Waiting", "For its turn.")
    runs = floor.app.installation(floor.stage.installation_id).repository(floor.stage.repository).check_runs
    made = runs.create(
        name=name, head_sha=task.head_sha or "", external_id=f"kernel:{name}:1", output=output, status="queued"
    )
    return made.id


def conclude(floor: Floor, run: int, conclusion: Conclusion, output: Output | None = None) -> None:
    runs = floor.app.installation(floor.stage.installation_id).repository(floor.stage.repository).check_runs
    runs.update(run, conclusion=conclusion, output=output or Output(conclusion, "As it says."))


def look(floor: Floor, times: int = 8) -> None:
    """Time passes and the task looks at its CI."""
    for _ in range(times):
        floor.pass_time(1.0)
        floor.relay_turn()
        floor.conductor.run(floor.task().id)


def stands(floor: Floor) -> tuple[str, bool]:
    """Stage, and whether the pull request is a draft."""
    (pull,) = floor.pulls()
    return floor.task().stage, pull["draft"]


def test_the_draft_waits_for_the_kernel_and_is_ready_when_it_is_good(tmp_path: Path) -> None:
    with watching(tmp_path) as floor:
        run = check(floor)
        look(floor)
        assert stands(floor) == (Stage.WATCHING_CI, True)
        conclude(floor, run, "success")
        look(floor)
        assert stands(floor) == (Stage.IN_REVIEW, False)
        assert "ci_absent" in kinds(floor)  # nobody but us has reported, and that is said


def test_a_kernel_that_cannot_be_judged_here_is_no_obstacle(tmp_path: Path) -> None:
    with watching(tmp_path) as floor:
        conclude(floor, check(floor), "neutral")
        look(floor)
        assert stands(floor) == (Stage.IN_REVIEW, False)


def test_a_kernel_that_fails_is_repaired_with_what_the_check_says(tmp_path: Path) -> None:
    script = right_at_once()
    edit = {"path": "durations/parsing.py", "old": '_PART = re.compile(r"', "new": '_PART = re.compile(r"(?:)'}
    tests = "python -m unittest discover -s tests/unit -t ."
    said = "Kernel rows(.|\n)*reward_hack: rows.py keeps answers(.|\n)*kept here"
    script["phases"]["repair"] = [
        turn(("read", {"path": "durations/parsing.py"})) | {"expect": said},
        turn(("edit", edit), ("run", {"command": tests})),
        turn(("submit", {"summary": "Nothing is kept any more.", "test_commands": [tests]})),
    ]
    with watching(tmp_path, script) as floor:
        first = floor.task().head_sha
        note = Annotation("durations/parsing.py", 7, 7, "failure", "kept here", "cached_output")
        conclude(
            floor,
            check(floor),
            "failure",
            Output("reward_hack: rows.py keeps answers", "Why.", annotations=(note,)),
        )
        go_until(floor, lambda: floor.task().head_sha != first and floor.task().stage == Stage.WATCHING_CI)
        assert floor.task().data["repairing"] == [KERNEL]
        conclude(floor, check(floor), "success")
        look(floor)
        assert stands(floor) == (Stage.IN_REVIEW, False)


def test_a_kernel_a_person_must_look_at_is_told_and_ends_with_people(tmp_path: Path) -> None:
    with watching(tmp_path) as floor:
        conclude(floor, check(floor), "action_required")
        look(floor)
        assert stands(floor) == (Stage.WATCHING_CI, True)
        told = [event.data for event in floor.log() if event.kind == "ci"]
        assert [(one["state"], one["reason"]) for one in told] == [("blocked", f"waiting for a person: {KERNEL}")]
        floor.pass_time(floor.settings.ci_timeout_s)
        reason = ends_with_people(floor)
        assert f"waiting for a person: {KERNEL}" in reason


def test_a_kernel_nobody_comes_for_does_not_hold_it_for_ever(tmp_path: Path) -> None:
    with watching(tmp_path) as floor:
        check(floor)
        look(floor)
        floor.pass_time(floor.settings.ci_timeout_s)
        assert f"CI has not come to an end in 120 minutes: still running: {KERNEL}" in ends_with_people(floor)


def test_our_own_account_of_the_work_is_not_waited_for(tmp_path: Path) -> None:
    with watching(tmp_path) as floor:
        path = f"/repos/{floor.stage.repository}/commits/{floor.task().head_sha}/check-runs"
        runs: list[dict[str, Any]] = floor.maria.ask("GET", path)["check_runs"]
        assert [(one["name"], one["status"]) for one in runs] == [("Forgehand", "in_progress")]
        look(floor)
        assert stands(floor) == (Stage.IN_REVIEW, False)


def ends_with_people(floor: Floor) -> str:
    task = floor.run()
    assert stands(floor) == (Stage.NEEDS_HUMAN, True)
    return task.reason or ""
