"""Kernels of pull requests against the twin: what is looked at, verified and told, once, whoever is lost on the way.

Candidates that cannot be read get their verdict without a box: most of these tests are about everything around it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kernels.broker import Broker
from kernels.hosting import Place
from sandboxes.contract import SandboxUnavailable
from tests.workers.kernel_ground import (
    BASE,
    BROKEN,
    CANDIDATE,
    REFERENCE,
    REFERENCE_PATH,
    SETTINGS,
)
from tests.workers.kernel_lane import lane
from workers.kernel_checks.looking import ring_again
from workers.kernel_checks.telling import Teller
from workers.kernel_checks.verifying import Verifier


def test_a_kernel_that_cannot_be_read_fails_at_its_line_and_once(tmp_path: Path) -> None:
    with lane(tmp_path, public_url="https://forgehand.example") as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN})
        sha = pull["head"]["sha"]
        here.take_in()
        here.lookout.turn()
        (waiting,) = here.runs(sha)
        assert (waiting["name"], waiting["status"], waiting["conclusion"]) == ("Kernel running-sum", "queued", None)
        assert "worker of the queue `kernels`" in waiting["output"]["summary"]
        here.go()
        (run,) = here.runs(sha)
        (row,) = here.rows()
        assert run["id"] == waiting["id"]
        assert (run["status"], run["conclusion"]) == ("completed", "failure")
        assert run["external_id"] == f"kernel:{row.id}:1"
        assert run["details_url"] == f"https://forgehand.example/kernels/{row.id}"
        assert run["output"]["title"] == "parse_error at parse"
        assert "forgehand kernel check running-sum" in run["output"]["summary"]
        (note,) = run["annotations"]
        assert (note["path"], note["start_line"], note["annotation_level"]) == (CANDIDATE, 4, "failure")
        assert (row.verdict, row.conclusion, row.finished_at is not None) == ("parse_error", "failure", True)
        assert row.document is not None
        assert row.document["conclusion"] == "failure"
        assert row.chart is not None
        assert row.chart.startswith("<svg")

        # The same deliveries once more, and the same head opened again: no second check run.
        here.floor.receiver.bodies.extend(
            (dict(headers) | {"x-github-delivery": f"again-{at}"}, body)
            for at, (headers, body) in enumerate(list(here.floor.receiver.bodies))
        )
        here.floor.maria.close(here.repository, pull["number"])
        here.floor.maria.reopen(here.repository, pull["number"])
        here.go()
        assert [one["id"] for one in here.runs(sha)] == [run["id"]]
        assert len(here.runs(sha)[0]["annotations"]) == 1

        # A new head has a check run of its own.
        second = here.ground.push({CANDIDATE: BROKEN + "# more\n"})
        here.go()
        assert [one["conclusion"] for one in here.runs(second)] == ["failure"]
        assert len(here.rows()) == 2


def test_what_touches_no_kernel_is_left_alone(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({"README.md": "Other words.\n"})
        here.go()
        assert here.runs(pull["head"]["sha"]) == []
        assert [look.outcome for look in here.looks()] == ["0 kernels, 0 faults"]


def test_a_repository_without_kernels_is_not_even_cloned(tmp_path: Path) -> None:
    with lane(tmp_path, {"notes.txt": "none\n"}) as here:
        here.ground.open_pull({"README.md": "Other words.\n"})
        here.go()
        assert [look.outcome for look in here.looks()] == ["no kernels are named"]
        assert not (here.floor.workshop.mirrors / "github").exists()


def test_settings_that_cannot_be_read_are_told_where_and_mend(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        wrong = SETTINGS.replace("candidate:", "candidat:")
        pull = here.ground.open_pull({".forgehand.yml": wrong})
        here.go()
        (run,) = here.runs(pull["head"]["sha"])
        assert (run["name"], run["status"], run["conclusion"]) == ("Kernels", "completed", "neutral")
        assert "`.forgehand.yml`, line 5: `'candidat' is no key of a kernel" in run["output"]["summary"]
        (note,) = run["annotations"]
        assert (note["path"], note["start_line"], note["annotation_level"]) == (".forgehand.yml", 5, "warning")
        mended = here.ground.push({".forgehand.yml": SETTINGS})
        here.go()
        assert here.runs(mended) == []


def test_a_candidate_that_is_gone_is_told(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: None})
        here.go()
        (run,) = here.runs(pull["head"]["sha"])
        assert (run["name"], run["conclusion"]) == ("Kernels", "neutral")
        assert f"is not there at {pull['head']['sha'][:12]}" in run["output"]["summary"]


def test_a_candidate_that_is_too_large_is_told(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: "#" * (1 << 20) + "\n"})
        here.go()
        (run,) = here.runs(pull["head"]["sha"])
        assert run["conclusion"] == "neutral"
        assert "has more than 1048576 bytes" in run["output"]["summary"]


def test_a_tolerance_that_cannot_be_held_to_is_told(tmp_path: Path) -> None:
    odd = SETTINGS + "    tolerance: {ratio: 5000}\n"
    with lane(tmp_path, BASE | {".forgehand.yml": odd}) as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN})
        here.go()
        (run,) = here.runs(pull["head"]["sha"])
        assert run["conclusion"] == "neutral"
        assert "a tolerance's ratios are at least 1" in run["output"]["summary"]


@pytest.mark.parametrize(
    "at", ["before the run is made", "after the run is made", "before it is told", "after it is told"]
)
def test_a_lost_worker_makes_no_second_check_run(tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        method = "open" if "made" in at else "end"
        real = getattr(Teller, method)

        def dies(*arguments: Any) -> Any:
            if at.startswith("after"):
                real(*arguments)
            raise SystemExit("the worker is gone")

        monkeypatch.setattr(Teller, method, dies)
        with pytest.raises(SystemExit):
            here.go()
        monkeypatch.setattr(Teller, method, real)
        other = here.again()
        other.rung.clear()
        assert other.lookout.turn() == [], "the lease still stands"
        if method == "end":
            assert ring_again(here.floor.workshop) == []
        here.floor.pass_time(here.floor.settings.lease_s + 6)
        other.lookout.turn()
        ring_again(here.floor.workshop)
        other.go()
        (run,) = here.runs(sha)
        assert (run["conclusion"], len(run["annotations"])) == ("failure", 1)
        (row,) = here.rows()
        assert row.finished_at is not None
        assert all(look.finished_at is not None for look in here.looks())


def test_what_kills_every_worker_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        here.lookout.turn()

        def dies(*_: Any) -> Any:
            raise SystemExit("the worker is gone")

        monkeypatch.setattr(Verifier, "_verified", dies)
        for _ in range(5):
            with pytest.raises(SystemExit):
                here.verifier.run(here.rows()[0].id)
            here.floor.pass_time(here.floor.settings.lease_s + 1)
        assert here.verifier.run(here.rows()[0].id)
        (run,) = here.runs(sha)
        assert (run["conclusion"], run["output"]["title"]) == ("action_required", "infra_error")
        assert "was lost 5 times" in run["output"]["summary"]


def test_a_fault_of_the_machine_is_tried_again_twice_and_then_a_person_must_look(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        tries = []

        def nowhere(*_: Any) -> Place:
            tries.append(1)
            raise SandboxUnavailable("there is no place", "the disk is gone", "Get one")

        here.verifier = Verifier(here.floor.workshop, here.floor.app, nowhere)
        here.go()
        (run,) = here.runs(sha)
        assert (run["status"], run["conclusion"]) == ("queued", None)
        assert "tried again" in run["output"]["summary"]
        assert not here.verifier.run(here.rows()[0].id), "not before its time"
        for _ in range(2):
            here.floor.pass_time(60)
            assert here.verifier.run(here.rows()[0].id)
        (run,) = here.runs(sha)
        assert (run["conclusion"], len(tries)) == ("action_required", 3)
        assert "the disk is gone" in run["output"]["summary"]
        assert not here.verifier.run(here.rows()[0].id)


def test_a_defect_of_ours_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no candidate known that breaks the broker, so it is made to break."""

    def breaks(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Broker, "verify", breaks)
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.go()
        for _ in range(2):
            here.floor.pass_time(60)
            assert here.verifier.run(here.rows()[0].id)
        (run,) = here.runs(sha)
        assert run["conclusion"] == "action_required"
        assert "ZeroDivisionError in Forgehand itself" in run["output"]["summary"]


def test_a_forge_that_does_not_answer_is_waited_for(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        here.floor.twin.controls().fault("bad_gateway", "GET", r"/pulls/\d+$", count=3)
        here.lookout.turn()
        assert [look.finished_at for look in here.looks()] == [None]
        here.floor.twin.controls().clear_faults()
        here.floor.pass_time(20)
        here.lookout.turn()
        here.floor.twin.controls().fault("bad_gateway", "PATCH", r"/check-runs/\d+$", count=4)
        here.go()
        here.floor.twin.controls().clear_faults()
        for _ in range(3):
            here.floor.pass_time(60)
            here.lookout.turn()
            ring_again(here.floor.workshop)
            here.go()
        (run,) = here.runs(sha)
        assert run["conclusion"] == "failure"


def test_people_ask_for_a_verification_and_outsiders_do_not(tmp_path: Path) -> None:
    with lane(tmp_path, BASE | {CANDIDATE: BROKEN}) as here:
        pull = here.ground.open_pull({"README.md": "Other words.\n"})
        number, sha = pull["number"], pull["head"]["sha"]
        here.go()
        assert here.runs(sha) == []
        here.floor.maria.comment(here.repository, number, "/forgehand verify-kernel running-sum")
        here.go()
        (first,) = here.runs(sha)
        assert first["conclusion"] == "failure"
        (answer,) = here.comments(number)
        assert f"`maria`, verifying at `{sha[:12]}`: [running-sum]({first['html_url']})." in answer

        here.floor.maria.comment(here.repository, number, "/forgehand verify-kernel")
        here.go()
        assert len(here.runs(sha)) == 2, "asked for again, it is verified again"
        assert here.rows()[0].round == 2
        assert len(here.comments(number)) == 2

        here.floor.maria.comment(here.repository, number, "/forgehand verify-kernel gelu")
        here.go()
        assert "no kernel is called `gelu`" in here.comments(number)[2]
        here.floor.person("otis").comment(here.repository, number, "/forgehand verify-kernel")
        here.go()
        assert "only people with write permission" in here.comments(number)[3]
        assert len(here.runs(sha)) == 2

        here.floor.maria.rerequest(here.repository, here.runs(sha)[1]["id"])
        here.go()
        here.floor.receiver.bodies.append(
            (
                dict(here.floor.receiver.bodies[-1][0]) | {"x-github-delivery": "once-more"},
                here.floor.receiver.bodies[-1][1],
            )
        )
        here.go()
        assert len(here.runs(sha)) == 3
        assert here.rows()[0].round == 3


def test_a_pull_request_that_asks_for_work_is_looked_at_too(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        here.ground.push_branch("asks", {CANDIDATE: BROKEN})
        pull = here.floor.maria.ask(
            "POST",
            f"/repos/{here.repository}/pulls",
            {"title": "Sums", "head": "asks", "base": "main", "body": "@forgehand please have a look"},
        )
        here.go()
        assert [run["conclusion"] for run in here.runs(pull["head"]["sha"])] == ["failure"]
        assert [task.number for task in here.floor.tasks()] == [pull["number"]]


def test_an_issue_has_no_kernels(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        here.floor.maria.comment(here.repository, here.floor.stage.issue, "/forgehand verify-kernel")
        here.go()
        (said,) = here.comments(here.floor.stage.issue)
        assert "kernels are verified where they are changed" in said
        assert here.looks() == []


def test_a_changed_reference_is_verified_as_it_is_and_has_to_be_read(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN, REFERENCE_PATH: REFERENCE.replace("512", "256")})
        sha = pull["head"]["sha"]
        here.go()
        (run,) = here.runs(sha)
        assert run["conclusion"] == "failure", "what is wrong is wrong whoever reads the reference"
        assert run["output"]["title"].endswith("; a person must read the reference first")
        assert "`The reference kernels/running_sum_ref.py is changed by this pull request.`" in run["output"]["summary"]
        (row,) = here.rows()
        assert row.reference_sha == sha
        assert row.unread is not None


def test_a_closed_pull_request_is_left_alone(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN})
        here.floor.maria.close(here.repository, pull["number"])
        here.go()
        assert here.runs(pull["head"]["sha"]) == []
        assert [look.outcome for look in here.looks()] == ["the pull request is closed"]


def test_a_worker_that_has_to_end_gives_its_check_back(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        here.lookout.turn()
        here.floor.workshop.draining.set()
        assert here.verifier.run(here.rows()[0].id)
        (row,) = here.rows()
        assert (row.verdict, row.lease_until, row.claims) == (None, None, 1)
        here.floor.workshop.draining.clear()
        assert here.verifier.run(row.id)
        assert [run["conclusion"] for run in here.runs(sha)] == ["failure"]


def test_two_workers_at_once_make_one_of_everything(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        other = here.again()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda one: one.lookout.turn(), (here, other)))
            check_id = here.rows()[0].id
            ran = list(pool.map(lambda one: one.verifier.run(check_id), (here, other)))
        assert sum(ran) == 1
        assert len(here.runs(sha)) == 1
