"""Whose turn it is: one timing at a time on a machine, and a check that is kept while work on it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from kernels.verdicts import Stage
from sandboxes.machine import this_machine
from settings import Settings
from store import Database, LeaseLost, kernel_checks
from store.schema import KernelCheck, Lease
from tests.forges.stage import until
from tests.workers.floor import furnished_floor
from tests.workers.kernel_ground import BROKEN, CANDIDATE
from tests.workers.kernel_lane import lane
from workers.decisions import HandBack
from workers.kernel_checks.exclusive import TimingLock, lock_folder
from workers.kernel_checks.lease import Kept
from workers.kernel_checks.turns import MachineTurn
from workers.workshop import Workshop

HERE = this_machine()


def test_one_timing_at_a_time_on_a_machine(tmp_path: Path) -> None:
    waited = threading.Event()

    def pause(seconds: float) -> None:
        waited.set()
        time.sleep(seconds / 10)

    order: list[str] = []
    with TimingLock(tmp_path, pause) as first:
        first.take(HERE)
        first.take(HERE)

        def second() -> None:
            with TimingLock(tmp_path, pause) as timing:
                timing.take(HERE)
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

    with TimingLock(tmp_path, time.sleep) as first:
        first.take(HERE)
        with pytest.raises(HandBack), TimingLock(tmp_path, give_up) as second:
            second.take(HERE)
    with TimingLock(tmp_path, give_up) as third:
        third.take(HERE)


def test_who_disturbs_nobody_who_counts_times_beside_others_and_never_beside_who_does(tmp_path: Path) -> None:
    with (
        TimingLock(tmp_path, _hand_back, "beside others") as first,
        TimingLock(tmp_path, _hand_back, "beside others") as second,
    ):
        first.take(HERE)
        second.take(HERE)
        with pytest.raises(HandBack), TimingLock(tmp_path, _hand_back) as alone:
            alone.take(HERE)
    with TimingLock(tmp_path, _hand_back) as alone:
        alone.take(HERE)
        with pytest.raises(HandBack), TimingLock(tmp_path, _hand_back, "beside others") as third:
            third.take(HERE)


def test_the_lock_is_taken_when_the_clock_begins_and_every_stage_may_end_it(tmp_path: Path) -> None:
    paused: list[float] = []
    with TimingLock(tmp_path, paused.append) as timing:
        timing.at(Stage.audit, HERE)
        with TimingLock(tmp_path, _hand_back) as other:
            other.take(HERE)
        timing.at(Stage.time, HERE)
        timing.at(Stage.confirm, HERE)
        assert paused == [0.0, 0.0, 0.0]
        with pytest.raises(HandBack), TimingLock(tmp_path, _hand_back) as third:
            third.take(HERE)


def _hand_back(_: float) -> None:
    raise HandBack


def test_machines_have_a_lock_each(tmp_path: Path) -> None:
    with TimingLock(tmp_path, _hand_back) as first, TimingLock(tmp_path, _hand_back) as second:
        first.take("node-1")
        second.take("node-2")
        for machine in ("node-1", "node-2"):
            with pytest.raises(HandBack), TimingLock(tmp_path, _hand_back) as third:
                third.take(machine)
        with TimingLock(tmp_path, _hand_back) as here:
            here.take(HERE)


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    with furnished_floor(tmp_path / "floor", model_prices={}, model="") as floor:
        yield floor.workshop


def elsewhere(workshop: Workshop, folder: Path, lease_s: float = 30.0) -> TimingLock:
    """A verification of a worker on another host: nothing but the database is shared."""
    folder.mkdir()
    there = replace(workshop, owner=folder.name)
    return TimingLock(folder, _hand_back, turn=MachineTurn(there, lease_s))


def test_workers_of_several_hosts_time_on_a_node_one_after_the_other(workshop: Workshop, tmp_path: Path) -> None:
    with elsewhere(workshop, tmp_path / "a") as first, elsewhere(workshop, tmp_path / "b") as second:
        first.take("node-1")
        second.take("node-2")
        with pytest.raises(HandBack), elsewhere(workshop, tmp_path / "c") as third:
            third.take("node-1")
    with elsewhere(workshop, tmp_path / "d") as fourth:
        fourth.take("node-1")


def test_two_verifications_of_one_worker_wait_for_each_other_too(workshop: Workshop, tmp_path: Path) -> None:
    mine, other = MachineTurn(workshop), MachineTurn(workshop)
    assert mine.take("node-1")
    assert not other.take("node-1")
    mine.end()
    assert other.take("node-1")
    other.end()
    mine.end()


def test_a_database_that_does_not_answer_keeps_nobody_from_a_verdict(workshop: Workshop) -> None:
    """It is waited for where the turn begins, and where it ends its lease runs out by itself."""
    impatient = Database(workshop.database.url.render_as_string(hide_password=False), busy_timeout_s=0.0)
    turn = MachineTurn(replace(workshop, database=impatient), lease_s=2.0)
    with workshop.database.write() as session:
        session.execute(select(Lease))
        assert not turn.take("node-1")
    assert turn.take("node-1")
    with workshop.database.write() as session:
        session.execute(select(Lease))
        turn.end()
    other = MachineTurn(workshop)
    assert not other.take("node-1")
    until(lambda: other.take("node-1"))
    other.end()
    impatient.close()


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
