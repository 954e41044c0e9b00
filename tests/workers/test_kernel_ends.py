"""How checks end: told plainly where they cannot be told whole, dropped when nobody waits, and with a command that does
again what was done."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from settings import Settings
from tests.workers.kernel_ground import BASE, BROKEN, CANDIDATE, REFERENCE, REFERENCE_PATH
from tests.workers.kernel_lane import Lane, lane
from workers.kernel_checks import annotating, ending, telling, verifying
from workers.kernel_checks.looking import ring_again
from workers.kernel_checks.verifying import has_gpu

RUNS = r"/check-runs/\d+$"


def breaks(*_: Any, **__: Any) -> Any:
    raise KeyError("task")


@pytest.mark.parametrize("lost", [False, True])
def test_a_report_that_cannot_be_drawn_still_has_its_verdict_told(
    tmp_path: Path, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No report is known that cannot be drawn, so drawing is made to break: for the worker that verified, and for
    whoever tells what a lost worker left."""
    monkeypatch.setattr(telling, "summary", breaks)
    with lane(tmp_path, public_url="https://forgehand.example") as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        if lost:
            here.take_in()
            here.lookout.turn()
            with monkeypatch.context() as patched:
                patched.setattr(ending, "tell", dies)
                with pytest.raises(SystemExit):
                    here.verifier.run(here.rows()[0].id)
            here.floor.pass_time(here.floor.settings.lease_s + 6)
            here.lookout.turn()
        else:
            here.go()
        (run,) = here.runs(sha)
        assert (run["status"], run["conclusion"], run["output"]["title"]) == ("completed", "failure", "parse_error")
        assert "`KeyError in Forgehand itself`" in run["output"]["summary"]
        (row,) = here.rows()
        assert f"[It is kept](https://forgehand.example/kernels/{row.id})" in run["output"]["summary"]
        assert (row.verdict, row.finished_at is not None) == ("parse_error", True)


def dies(*_: Any) -> Any:
    raise SystemExit("the worker is gone")


def test_a_report_github_refuses_is_told_plainly(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        # That it begins is taken, what came out is not.
        here.floor.twin.controls().fault("unprocessable", "PATCH", RUNS, skip=1)
        here.go()
        (run,) = here.runs(sha)
        assert (run["status"], run["conclusion"], run["output"]["title"]) == ("completed", "failure", "parse_error")
        assert "GitHub refuses it" in run["output"]["summary"]
        assert here.rows()[0].finished_at is not None


def test_what_github_refuses_in_every_form_ends(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        here.ground.open_pull({CANDIDATE: BROKEN})
        here.floor.twin.controls().fault("unprocessable", "PATCH", RUNS, skip=1, count=9)
        here.go()
        (row,) = here.rows()
        assert (row.verdict, row.finished_at is not None) == ("parse_error", True)
        here.floor.pass_time(here.floor.settings.lease_s + 6)
        assert ring_again(here.floor.workshop) == []


def test_a_defect_before_there_is_a_verdict_ends_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.kernel_checks.verifying.chart", breaks)
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.go()
        (run,) = here.runs(sha)
        assert (run["conclusion"], run["output"]["title"]) == ("action_required", "infra_error")
        assert "Nothing is said about the candidate: `KeyError in Forgehand itself`" in run["output"]["summary"]
        (row,) = here.rows()
        assert (row.verdict, row.conclusion) == ("infra_error", "action_required")


def test_a_worker_lost_again_and_again_while_it_tells_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.take_in()
        here.lookout.turn()
        check_id = here.rows()[0].id
        with monkeypatch.context() as patched:
            patched.setattr(ending, "tell", dies)
            for _ in range(ending.MOST_CLAIMS):
                with pytest.raises(SystemExit):
                    here.verifier.run(check_id)
                here.floor.pass_time(here.floor.settings.lease_s + 1)
            assert here.verifier.run(check_id)
        (run,) = here.runs(sha)
        assert (run["conclusion"], run["output"]["title"]) == ("failure", "parse_error")
        assert f"`the worker was lost {ending.MOST_CLAIMS} times at this`" in run["output"]["summary"]


def test_a_text_nested_too_deep_has_a_line() -> None:
    """`ast` parses it, and cannot write it down again."""
    chain = "self" + ".a" * 2000
    source = f"class ModelNew:\n    def forward(self, x):\n        {chain} = x\n        return x\n"
    assert annotating.answering_line(source.encode()) == 1


# Nobody waits


def opened(here: Lane) -> str:
    """A pull request whose check waits for a worker; its head."""
    sha: str = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
    here.take_in()
    here.lookout.turn()
    return sha


def test_a_head_that_was_pushed_over_is_not_verified(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        first = opened(here)
        second = here.ground.push({CANDIDATE: BROKEN + "# more\n"})
        here.go()
        (old,), (new,) = here.runs(first), here.runs(second)
        # GitHub takes neutral for passed, and this commit may come back.
        assert (old["conclusion"], old["output"]["title"]) == ("cancelled", "Superseded")
        assert f"another head now, `{second[:12]}`" in old["output"]["summary"]
        assert new["conclusion"] == "failure"
        assert [row.verdict for row in here.rows()] == [None, "parse_error"]
        assert all(row.finished_at is not None for row in here.rows())


def test_a_push_that_was_not_looked_at_yet_ends_nothing(tmp_path: Path) -> None:
    """What GitHub answers may be of another moment than what it has told of."""
    with lane(tmp_path) as here:
        first = opened(here)
        here.ground.push({CANDIDATE: BROKEN + "# more\n"})
        assert here.verifier.run(here.rows()[0].id)
        assert [run["conclusion"] for run in here.runs(first)] == ["failure"]


def test_what_somebody_asked_for_is_verified_though_it_was_pushed_over(tmp_path: Path) -> None:
    with lane(tmp_path, BASE | {CANDIDATE: BROKEN}) as here:
        pull = here.ground.open_pull({"README.md": "Other words.\n"})
        here.floor.maria.comment(here.repository, pull["number"], "/forgehand verify-kernel")
        here.take_in()
        here.lookout.turn()
        here.ground.push({"README.md": "Still other words.\n"})
        here.go()
        assert [run["conclusion"] for run in here.runs(pull["head"]["sha"])] == ["failure"]


def test_a_closed_pull_request_is_not_verified_until_it_is_open_again(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN})
        sha = pull["head"]["sha"]
        here.take_in()
        here.lookout.turn()
        here.floor.maria.close(here.repository, pull["number"])
        here.go()
        (run,) = here.runs(sha)
        assert (run["conclusion"], run["output"]["title"]) == ("cancelled", "Superseded")
        assert "the pull request is closed" in run["output"]["summary"]
        here.floor.maria.reopen(here.repository, pull["number"])
        here.go()
        assert [run["conclusion"] for run in here.runs(sha)] == ["cancelled", "failure"]


def test_another_pull_request_of_the_same_head_still_waits(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        pull = here.ground.open_pull({CANDIDATE: BROKEN})
        sha = pull["head"]["sha"]
        here.take_in()
        here.lookout.turn()
        here.ground.put_on_main({"README.md": "Other words.\n"})
        here.floor.maria.close(here.repository, pull["number"])
        other = here.floor.maria.ask(
            "POST", f"/repos/{here.repository}/pulls", {"title": "Again", "head": "faster", "base": "main"}
        )
        assert other["head"]["sha"] == sha
        here.go()
        assert [run["conclusion"] for run in here.runs(sha)] == ["failure"]


# Doing it again


def test_the_command_holds_the_candidate_against_what_the_check_held_it_against(tmp_path: Path) -> None:
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        stricter = REFERENCE.replace("512", "256")
        base = here.ground.put_on_main({REFERENCE_PATH: stricter})
        here.go()
        (row,) = here.rows()
        assert (row.head_sha, row.reference_sha) == (sha, base)
        assert row.document is not None
        git, _, check = str(row.document["repro"]).rpartition(" && ")
        assert check == "forgehand kernel check running-sum"
        clone = tmp_path / "another"
        origin = subprocess.check_output(["git", "config", "remote.origin.url"], cwd=here.ground.folder, text=True)
        subprocess.run(["git", "clone", "-q", "--depth=1", origin.strip(), clone], check=True, timeout=60)
        subprocess.run(["bash", "-ec", git], cwd=clone, check=True, timeout=60, capture_output=True)
        assert (clone / REFERENCE_PATH).read_text() == stricter
        assert (clone / CANDIDATE).read_text() == BROKEN
        assert sha in git


# Where a GPU is


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"kernel_sandbox": "docker"}, False),
        ({"kernel_sandbox": "docker", "docker_gpus": ("GPU-1",)}, True),
        ({"sandbox": "docker", "docker_gpus": ("GPU-1",)}, True),
        ({"kernel_sandbox": "kubernetes"}, False),
        ({"kernel_sandbox": "kubernetes", "kubernetes": {"gpu_node_selector": {"gpu": "yes"}}}, True),
        ({"sandbox": "docker", "docker_gpus": ("GPU-1",), "kernel_sandbox": "kubernetes"}, False),
        ({"kernel_sandbox": "local"}, False),
        ({"sandbox_allow_unisolated": True}, False),
    ],
)
def test_who_may_take_a_kernel_for_a_gpu_at_once(
    given: dict[str, Any], found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all that a machine with a driver has, boxes with walls see what the settings give them."""
    monkeypatch.setattr(verifying, "DRIVER", tmp_path)
    assert has_gpu(Settings(state_dir=tmp_path, **given)) is found


@pytest.mark.parametrize(
    ("driver", "allowed", "found"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_boxes_without_walls_have_their_machines_gpu(
    driver: bool, allowed: bool, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no bubblewrap
    monkeypatch.setattr(verifying, "DRIVER", tmp_path if driver else tmp_path / "none")
    assert has_gpu(Settings(state_dir=tmp_path, sandbox_allow_unisolated=allowed)) is found
