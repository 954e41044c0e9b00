"""Whose turn it is: one timing at a time on a machine, and a check that is kept while work on it goes on."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kernels.verdicts import Stage
from settings import Settings
from store import LeaseLost, kernel_checks
from store.schema import KernelCheck
from tests.forges.stage import until
from tests.workers.kernel_ground import BROKEN, CANDIDATE
from tests.workers.kernel_lane import lane
from workers.decisions import HandBack
from workers.kernel_checks.exclusive import Timing, lock_folder
from workers.kernel_checks.lease import Kept


def test_one_timing_at_a_time_on_a_machine(tmp_path: Path) -> None:
    waited = threading.Event()

    def pause(seconds: float) -> None:
        waited.set()
        time.sleep(seconds / 10)

    order: list[str] = []
    with Timing(tmp_path, pause) as first:
        first.take()
        first.take()

        def second() -> None:
            with Timing(tmp_path, pause) as timing:
                timing.take()
                order.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_who_must_not_wait_any_longer_for_a_timing_does_not_have_it(tmp_path: Path) -> None:
    def give_up(_: float) -> None:
        raise HandBack

    with Timing(tmp_path, time.sleep) as first:
        first.take()
        with pytest.raises(HandBack), Timing(tmp_path, give_up) as second:
            second.take()
    with Timing(tmp_path, give_up) as third:
        third.take()


def test_who_disturbs_nobody_who_counts_times_beside_others_and_never_beside_who_does(tmp_path: Path) -> None:
    with (
        Timing(tmp_path, _hand_back, "beside others") as first,
        Timing(tmp_path, _hand_back, "beside others") as second,
    ):
        first.take()
        second.take()
        with pytest.raises(HandBack), Timing(tmp_path, _hand_back) as alone:
            alone.take()
    with Timing(tmp_path, _hand_back) as alone:
        alone.take()
        with pytest.raises(HandBack), Timing(tmp_path, _hand_back, "beside others") as third:
            third.take()


def test_the_lock_is_taken_when_the_clock_begins_and_every_stage_may_end_it(tmp_path: Path) -> None:
    paused: list[float] = []
    with Timing(tmp_path, paused.append) as timing:
        timing.at(Stage.audit)
        with Timing(tmp_path, _hand_back) as other:
            other.take()
        timing.at(Stage.time)
        timing.at(Stage.confirm)
        assert paused == [0.0, 0.0, 0.0]
        with pytest.raises(HandBack), Timing(tmp_path, _hand_back) as third:
            third.take()


def _hand_back(_: float) -> None:
    raise HandBack


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, "home"),
        ({"kernel_sandbox": "docker"}, "home"),
        ({"sandbox": "docker"}, "home"),
        ({"kernel_sandbox": "kubernetes"}, "state"),
    ],
)
def test_all_state_folders_of_a_machine_have_one_lock(given: dict[str, Any], where: str, tmp_path: Path) -> None:
    """But for a cluster: which boxes share a node there is not known."""
    settings = Settings(state_dir=tmp_path / "state", kernel_home=tmp_path / "home", **given)
    assert lock_folder(settings) == tmp_path / where


def test_a_lock_that_others_could_have_put_there_is_not_taken(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "state", kernel_home=tmp_path / "home")
    (tmp_path / "home").write_text("no folder")
    assert lock_folder(settings) == tmp_path / "state"
    (tmp_path / "home").unlink()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "kernel-timing.lock").symlink_to(tmp_path / "elsewhere")
    assert lock_folder(settings) == tmp_path / "state"
    assert not (tmp_path / "elsewhere").exists()


def test_a_lease_is_kept_while_work_goes_on_and_lost_when_it_was_taken(tmp_path: Path) -> None:
    with lane(tmp_path, lease_s=6.0) as here:
        here.ground.open_pull({CANDIDATE: BROKEN})
        here.take_in()
        here.lookout.turn()
        workshop, check_id = here.floor.workshop, here.rows()[0].id
        with workshop.database.write() as session:
            held = kernel_checks.claim(session, check_id, "w", now=workshop.clock(), lease_s=6.0, gpu=False)
        assert held is not None
        with Kept(workshop, held) as kept:
            before = here.rows()[0].lease_until or 0.0
            here.floor.pass_time(3.0)
            until(lambda: (here.rows()[0].lease_until or 0.0) > before + 2.0)
            with workshop.database.write() as session:
                row = session.get_one(KernelCheck, check_id)
                row.fence, row.lease_owner = row.fence + 1, "another"
            here.floor.pass_time(3.0)
            assert kept.lost.wait(10)
            with pytest.raises(LeaseLost):
                kept.check()
