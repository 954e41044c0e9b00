"""Looks at pull requests against the twin: what is judged by which base, and what two who look at once make of it.

Candidates that cannot be read get their verdict without a box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forges.github.check_runs import CheckRuns
from forges.github.pulls import PullRequest, Pulls
from repositories import Mirror
from store import Claim
from tests.workers.kernel_ground import BASE, BROKEN, CANDIDATE, HONEST, SETTINGS
from tests.workers.kernel_lane import Lane, lane
from workers.heartbeat import Heartbeat
from workers.kernel_checks.looking import Lookout, ring_again
from workers.kernel_checks.opening import waits
from workers.kernel_checks.telling import Teller
from workers.kernel_checks.waiting import PATIENCE_S
from workers.stages.optimising import awaited_check
from workers.workshop import TaskContext


def names(here: Lane, sha: str) -> list[str]:
    return [run["name"] for run in here.runs(sha)]


def open_onto(here: Lane, branch: str, base: str) -> dict[str, Any]:
    opened: dict[str, Any] = here.floor.maria.ask(
        "POST", f"/repos/{here.repository}/pulls", {"title": f"Onto {base}", "head": branch, "base": base}
    )
    return opened


# Which base judges


def test_a_check_counts_for_the_branch_that_it_was_judged_for(tmp_path: Path) -> None:
    """An old release's entry is laxer: its green is none of the default branch's."""
    with lane(tmp_path) as here:
        here.ground.push_branch("release", {".forgehand.yml": SETTINGS + "    claims: right\n"})
        sha = here.ground.push_branch("faster", {CANDIDATE: BROKEN})
        pull = open_onto(here, "faster", "release")
        here.go()
        assert names(here, sha) == ["Kernel running-sum (into release)"]

        here.floor.maria.ask("PATCH", f"/repos/{here.repository}/pulls/{pull['number']}", {"base": "main"})
        here.go()
        assert names(here, sha) == ["Kernel running-sum (into release)", "Kernel running-sum"]
        assert [row.entry["claims"] for row in here.rows()] == ["right", None]

        open_onto(here, "faster", "release")
        here.go()
        assert names(here, sha) == ["Kernel running-sum (into release)", "Kernel running-sum"]
        assert all(run["status"] == "completed" for run in here.runs(sha))


@pytest.mark.parametrize(("base", "name"), [("main", "Kernel rows"), ("release", "Kernel rows (into release)")])
def test_a_task_awaits_the_check_of_the_branch_it_is_for(tmp_path: Path, base: str, name: str) -> None:
    with lane(tmp_path) as here:
        here.ground.push_branch("release", {"README.md": "Other words.\n"})
        here.floor.maria.comment(here.repository, here.floor.stage.issue, f"/forgehand optimize rows base:{base}")
        here.take_in()
        task = here.floor.run()
        assert "names no kernel `rows`" in (task.reason or "")
        held = Claim(task.id, "w", task.fence, 0)
        workshop = here.floor.workshop
        context = TaskContext(workshop, held, Heartbeat(workshop.database, held, 60, workshop.clock))
        assert awaited_check(context, "rows") == name


def test_what_the_base_has_come_to_judge_otherwise_is_judged_again(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN, ".forgehand.yml": SETTINGS + "# the same\n"})
        sha = pull["head"]["sha"]
        here.go()
        assert [(row.round, row.unread) for row in here.rows()] == [(1, None)]
        here.ground.put_on_main({".forgehand.yml": "test: pytest -q\n"})
        here.floor.maria.close(here.repository, pull["number"])
        here.floor.maria.reopen(here.repository, pull["number"])
        here.go()
        assert [(row.round, row.unread) for row in here.rows()] == [(1, None)], "the base names it no more"
        here.ground.put_on_main({".forgehand.yml": SETTINGS + "    claims: right\n"})
        here.floor.maria.close(here.repository, pull["number"])
        here.floor.maria.reopen(here.repository, pull["number"])
        here.go()
        (row,) = here.rows()
        assert (row.round, row.entry["claims"]) == (2, "right")
        assert [run["conclusion"] for run in here.runs(sha)] == ["failure", "failure"]


# Two at once


def test_a_worker_does_not_come_between_a_look_and_its_check_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        other, ran = here.again(), []
        during_the_first(monkeypatch, lambda: ran.append(other.verifier.run(here.rows()[0].id)))
        here.lookout.turn()
        assert ran == [False]
        assert ring_again(here.floor.workshop) == [], "it was rung for just now"
        here.go()
        (run,) = here.runs(sha)
        assert run["conclusion"] == "failure"


def test_two_looks_at_once_open_one_check_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN})
        here.floor.maria.comment(here.repository, pull["number"], "/forgehand verify-kernel")
        here.take_in()
        other, taken = here.again(), []
        during_the_first(monkeypatch, lambda: taken.extend(other.lookout.turn()))
        here.lookout.turn()
        assert len(taken) == 1
        assert here.comments(pull["number"]) == [], "it waits for the other's check run"
        here.floor.pass_time(6)
        here.go()
        (run,) = here.runs(pull["head"]["sha"])
        (answer,) = here.comments(pull["number"])
        assert run["html_url"] in answer


def during_the_first(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Lets something happen while the first check run is being created: found nowhere, and not there yet."""
    real, first = CheckRuns.create, [True]

    def create(*given: Any, **more: Any) -> Any:
        if first.pop() if first else False:
            happens()
        return real(*given, **more)

    monkeypatch.setattr(CheckRuns, "create", create)


# Nobody comes, or nothing comes of it


def test_a_check_that_nobody_takes_ends(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        here.lookout.turn()
        here.floor.pass_time(PATIENCE_S - 60)
        here.lookout.turn()
        assert here.runs(sha)[0]["status"] == "queued"
        here.floor.pass_time(61)
        here.lookout.turn()
        gave_up(here, sha)


def test_a_check_whose_only_worker_went_away_ends(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        here.lookout.turn()
        here.floor.workshop.draining.set()
        assert here.verifier.run(here.rows()[0].id)
        here.floor.workshop.draining.clear()
        here.floor.pass_time(PATIENCE_S + 1)
        here.lookout.turn()
        gave_up(here, sha)


def gave_up(here: Lane, sha: str) -> None:
    (run,), (row,) = here.runs(sha), here.rows()
    assert (run["status"], run["output"]["title"]) == ("completed", "infra_error")
    assert "no worker of the queue `kernels` took it within 60 minutes" in run["output"]["summary"]
    assert row.document is not None
    assert run["conclusion"] == row.conclusion == row.document["conclusion"]


def test_who_asked_is_told_that_a_look_was_refused(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        number = here.ground.open_pull({"README.md": "Other words.\n"})["number"]
        here.go()
        here.floor.maria.comment(here.repository, number, "/forgehand verify-kernel")
        here.take_in()
        here.floor.twin.controls().fault("unprocessable", "GET", r"/contents/")
        here.lookout.turn()
        (answer,) = here.comments(number)
        assert "`maria`, nothing was verified: `refused: " in answer
        assert (here.looks()[-1].outcome or "").startswith("refused: ")


def test_who_asked_is_told_of_a_defect_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lane(tmp_path) as here:
        number = here.ground.open_pull({"README.md": "Other words.\n"})["number"]
        here.go()
        here.floor.maria.comment(here.repository, number, "/forgehand verify-kernel")
        here.take_in()

        def breaks(*_: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(Lookout, "_planned", breaks)
        here.floor.twin.controls().fault("unprocessable", "POST", r"/comments$")
        here.lookout.turn()
        assert here.comments(number) == []
        assert here.looks()[-1].finished_at is not None, "whether that can be told or not"
        here.floor.maria.comment(here.repository, number, "/forgehand verify-kernel")
        here.take_in()
        here.lookout.turn()
        assert "nothing was verified: `ZeroDivisionError in Forgehand itself`." in here.comments(number)[0]


def test_re_run_counts_again_where_it_came_to_nothing(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN})
        number, sha = pull["number"], pull["head"]["sha"]
        here.go()
        (run,) = here.runs(sha)
        here.floor.maria.close(here.repository, number)
        here.floor.maria.rerequest(here.repository, run["id"])
        here.go()
        assert len(here.runs(sha)) == 1
        here.floor.maria.reopen(here.repository, number)
        here.floor.maria.rerequest(here.repository, run["id"])
        here.go()
        assert len(here.runs(sha)) == 2
        here.floor.maria.rerequest(here.repository, run["id"])
        here.go()
        assert len(here.runs(sha)) == 2, "another check run has answered it"


def test_re_run_of_what_kept_kernels_from_being_verified(tmp_path: Path) -> None:
    wrong = SETTINGS.replace("candidate:", "candidat:")
    with lane(tmp_path, BASE | {".forgehand.yml": wrong}) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.go()
        (fault,) = here.runs(sha)
        assert fault["name"] == "Kernels"
        here.floor.maria.rerequest(here.repository, fault["id"])
        here.go()
        assert names(here, sha) == ["Kernels"], "nothing was mended yet"
        here.ground.put_on_main({".forgehand.yml": SETTINGS})
        here.floor.maria.rerequest(here.repository, fault["id"])
        here.go()
        assert [(run["name"], run["conclusion"]) for run in here.runs(sha)] == [
            ("Kernels", "neutral"),
            ("Kernel running-sum", "failure"),
        ]


def test_a_look_ends_though_nobody_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in what tells it would otherwise be met at every lease, and end each turn in which it is."""
    with lane(tmp_path) as here:
        number = here.ground.open_pull({"README.md": "Other words.\n"})["number"]
        here.floor.maria.comment(here.repository, number, "/forgehand verify-kernel")
        here.take_in()

        def breaks(*_: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(Teller, "answer", breaks)
        here.lookout.turn()
        assert all(look.finished_at is not None for look in here.looks())


# GitHub lags behind itself


def test_an_answer_from_before_the_push_does_not_cost_the_head_its_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lane(tmp_path) as here:
        old = here.ground.open_pull({"README.md": "Other words.\n"})["head"]["sha"]
        here.go()
        sha = here.ground.push({CANDIDATE: BROKEN})
        here.take_in()
        with monkeypatch.context() as lagging:
            answers(lagging, old)
            here.lookout.turn()
        assert here.looks()[-1].finished_at is None
        here.floor.pass_time(6)
        here.go()
        assert [run["conclusion"] for run in here.runs(sha)] == ["failure"]


def test_a_head_that_is_no_longer_one_is_left_to_the_next(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        first = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        second = here.ground.push({CANDIDATE: BROKEN + "# more\n"})
        for _ in range(6):
            here.go()
            here.floor.pass_time(60)
        assert here.runs(first) == []
        assert [run["conclusion"] for run in here.runs(second)] == ["failure"]
        assert all(look.finished_at is not None for look in here.looks())


def test_a_branch_of_a_pull_request_that_lags_is_fetched_by_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lane(tmp_path) as here:
        here.ground.open_pull({"README.md": "Other words.\n"})
        here.go()
        real = Mirror.fetch

        def fetch(mirror: Mirror, *refspecs: str) -> None:
            if not refspecs or not refspecs[0].startswith("refs/pull/"):
                real(mirror, *refspecs)

        monkeypatch.setattr(Mirror, "fetch", fetch)
        sha = here.ground.push({CANDIDATE: BROKEN})
        here.go()
        assert [run["conclusion"] for run in here.runs(sha)] == ["failure"]


def test_a_commit_that_is_not_there_yet_is_waited_for_and_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lane(tmp_path) as here:
        number = here.ground.open_pull({"README.md": "Other words.\n"})["number"]
        here.go()
        here.floor.maria.comment(here.repository, number, "/forgehand verify-kernel")
        here.take_in()
        monkeypatch.setattr(Lookout, "_names_kernels", lambda *_: True)
        answers(monkeypatch, "c" * 40)
        here.lookout.turn()
        assert here.looks()[-1].finished_at is None
        for _ in range(4):
            here.floor.pass_time(100)
            here.lookout.turn()
        assert (here.looks()[-1].outcome or "").startswith("refused: ")
        assert "nothing was verified" in here.comments(number)[0]


def answers(monkeypatch: pytest.MonkeyPatch, head_sha: str) -> None:
    """GitHub says that a pull request is at this head; the twin never lags."""
    real = Pulls.get

    def get(pulls: Pulls, number: int) -> PullRequest:
        return replace(real(pulls, number), head_sha=head_sha)

    monkeypatch.setattr(Pulls, "get", get)


# What is for a GPU


def test_a_kernel_for_a_gpu_waits_for_one_and_no_longer_than_it_should(tmp_path: Path) -> None:
    triton = f"import triton\n{HONEST}"
    files = BASE | {".forgehand.yml": SETTINGS + "    device: cuda\n"}
    with lane(tmp_path, files, kernel_gpu_wait_s=600.0) as here:
        sha = here.ground.open_pull({CANDIDATE: triton})["head"]["sha"]
        here.go()
        (run,) = here.runs(sha)
        assert (run["status"], run["conclusion"]) == ("queued", None)
        assert "For a worker with a GPU, for 10 minutes;" in run["output"]["summary"]
        here.floor.pass_time(601)
        assert ring_again(here.floor.workshop) == [here.rows()[0].id]


def test_what_is_for_a_gpu_says_what_becomes_of_it_with_one_and_without() -> None:
    assert "10 minutes" in waits("cuda", 600.0)
    assert "minutes" not in waits("cuda", 0.0)
    for wait in (0.0, 600.0):
        assert "A worker that has a GPU runs it there; any other checks it as far as" in waits("cuda", wait)
    assert "GPU" not in waits("cpu", 600.0)
