"""The worker killed at every kind of place on the way; another goes on, and at the end there is one of everything."""

import contextlib
import threading
from pathlib import Path

import psutil
import pytest

from store import Stage
from tests.end_to_end.chaos_house import ChaosHouse, chaos_house
from tests.end_to_end.gates import Hold
from tests.end_to_end.once import check_once


def finish(chaos: ChaosHouse, *, replies: int = 0) -> None:
    """From wherever it is to a merged pull request, then one of everything."""
    chaos.wait_stage(Stage.IN_REVIEW)
    chaos.merge_and_finish()
    check_once(chaos, replies=replies)
    print(f"kills {chaos.kills}, taken over after {[round(one, 2) for one in chaos.recovered_s]} s")


@pytest.mark.parametrize(
    "stages",
    [
        (Stage.RECEIVED, Stage.TRIAGED, Stage.RESEARCHING),
        (Stage.PLANNING, Stage.IMPLEMENTING, Stage.PROVING),
        (Stage.PUBLISHING, Stage.WATCHING_CI, Stage.IN_REVIEW),
    ],
    ids="-".join,
)
def test_at_the_stage_boundaries(stages: tuple[Stage, ...], tmp_path: Path) -> None:
    with chaos_house(tmp_path) as chaos:
        chaos.assign()
        for stage in stages:
            chaos.wait_stage(stage)
            chaos.kill_and_recover()
        finish(chaos)


def test_at_the_boundaries_of_repairing_and_revising(tmp_path: Path) -> None:
    """CI is an outside one that reports a failure on the first head and success on those that follow."""
    with chaos_house(tmp_path, FORGEHAND_CI_SETTLE_S="2") as chaos:
        chaos.assign()
        chaos.wait_stage(Stage.WATCHING_CI)
        chaos.report_status("failure")
        chaos.wait_stage(Stage.REPAIRING)
        chaos.kill_and_recover()
        chaos.wait_stage(Stage.WATCHING_CI)
        chaos.report_status("success")
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.review()
        chaos.wait_stage(Stage.REVISING)
        chaos.kill_and_recover()
        chaos.wait_stage(Stage.PUBLISHING)
        chaos.kill_and_recover()
        chaos.wait_stage(Stage.WATCHING_CI)
        chaos.report_status("success")
        finish(chaos, replies=2)


def test_in_the_middle_of_model_calls_and_a_command(tmp_path: Path) -> None:
    with chaos_house(tmp_path) as chaos:
        places = (("research", 1), ("prove", 0))
        research, prove = (chaos.model.hold(*place) for place in places)
        chaos.assign()
        interrupted_call(chaos, research)
        chaos.wait("a command runs in the sandbox", lambda: running(chaos, "sleep 1.517"))
        chaos.kill_and_recover()
        interrupted_call(chaos, prove)
        finish(chaos)
        assert chaos.allowed == dict.fromkeys(places, 1), "the command's reply was on record, these were in flight"
        assert all(chaos.model.asked[place] == 2 for place in places), "and were asked for once more"


def interrupted_call(chaos: ChaosHouse, held: tuple[threading.Event, threading.Event]) -> None:
    reached, released = held
    chaos.wait("the model is asked", reached.is_set)
    chaos.kill_and_recover()
    released.set()


def running(chaos: ChaosHouse, words: str) -> bool:
    """Whether a sandbox of the house's workers runs a command line with these words."""
    for name, worker in chaos.house.processes.items():
        if name == "web":
            continue
        try:
            for process in psutil.Process(worker.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if words in " ".join(process.cmdline()):
                        return True
        except psutil.NoSuchProcess:
            continue
    return False


STATUS_COMMENT = r"/issues/1/comments$"
PUSH = r"/git-receive-pack$"
PULL_REQUEST = r"/pulls$"
CHECK_RUN = r"/check-runs$"
REPLY = r"/pulls/\d+/comments/\d+/replies$"


def interrupted_write(chaos: ChaosHouse, held: Hold) -> None:
    """The request is at GitHub when its sender dies."""
    chaos.wait(f"{held.path} is reached", held.reached.is_set)
    chaos.kill()
    held.released.set()


def test_after_a_write_and_before_its_answer(tmp_path: Path) -> None:
    with chaos_house(tmp_path) as chaos:
        held = [chaos.gate.hold("POST", path, "after") for path in (STATUS_COMMENT, PUSH, PULL_REQUEST)]
        chaos.assign()
        for one in held:
            interrupted_write(chaos, one)
        finish(chaos)


def test_in_a_proof_and_before_writes_arrive(tmp_path: Path) -> None:
    """The push is carried out although its sender is dead; the pull request's creation is lost on the way."""
    with chaos_house(tmp_path) as chaos:
        push = chaos.gate.hold("POST", PUSH, "before")
        pull = chaos.gate.hold("POST", PULL_REQUEST, "before", drop=True)
        chaos.assign()
        chaos.wait_stage(Stage.PROVING)
        chaos.wait("the proof's tests run", lambda: running(chaos, "unittest"))
        chaos.kill_and_recover()
        interrupted_write(chaos, push)
        interrupted_write(chaos, pull)
        finish(chaos)
        assert not chaos.allowed, "no model call was in flight"


def test_in_the_middle_of_a_check_run_and_a_reply(tmp_path: Path) -> None:
    with chaos_house(tmp_path) as chaos:
        check_run = chaos.gate.hold("POST", CHECK_RUN, "after")
        reply = chaos.gate.hold("POST", REPLY, "after")
        chaos.assign()
        interrupted_write(chaos, check_run)
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.review()
        interrupted_write(chaos, reply)
        chaos.wait_stage(Stage.WATCHING_CI)
        finish(chaos, replies=2)


def test_every_answer_to_a_creation_is_lost_once(tmp_path: Path) -> None:
    """Nobody is killed: GitHub does what it is asked for and the answer never comes."""
    with chaos_house(tmp_path) as chaos:
        controls = chaos.house.twin.controls()
        for path in (STATUS_COMMENT, PUSH, PULL_REQUEST, CHECK_RUN, REPLY):
            controls.fault("lost_response", "POST", path)
        chaos.assign()
        chaos.wait_stage(Stage.IN_REVIEW)
        chaos.review()
        chaos.wait_stage(Stage.REVISING)
        finish(chaos, replies=2)
        assert [fault["struck"] for fault in controls.faults()] == [1] * 5
