"""Who has which device, which is in quarantine, and which is qualified, with both databases."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from kernels.broker import Broker, Report
from kernels.devices import Device
from kernels.hosting import Place
from kernels.verdicts import Stage, Verdict
from sandboxes import PlainBackend
from sandboxes.machine import this_machine
from settings import Settings
from store import Database, kernel_devices
from store.schema import Lease
from tests.forges.stage import until
from tests.workers.kernel_ground import BASE, BROKEN, CANDIDATE, SETTINGS
from tests.workers.kernel_lane import lane
from workers.decisions import HandBack
from workers.kernel_checks.devices import InstallationKeeper, still_qualified
from workers.kernel_checks.verifying import Verifier

ROOT = Path(__file__).parents[2]
H100 = Device("GPU-6ef8ad2b", "NVIDIA H100 80GB HBM3", 80 << 30, "torch 2.13.0+cu130, driver 580.12")
OTHER = replace(H100, uuid="GPU-91c2")
KILLED = """
import os, signal, sys, time
from kernels.devices import Device
from store import Database
from workers.kernel_checks.devices import InstallationKeeper

keeper = InstallationKeeper(Database(sys.argv[1]), time.time, "killed", time.sleep, lease_s=float(sys.argv[2]))
assert keeper.take(Device("GPU-6ef8ad2b", "H100", 1, "software")) is None
print("taken", flush=True)
time.sleep(1.5 * float(sys.argv[2]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def hand_back(_: float) -> None:
    raise HandBack


def quickly(seconds: float) -> None:
    time.sleep(seconds / 20)


def keeper(
    database: Database, pause: Callable[[float], object] = hand_back, owner: str = "w", **given: Any
) -> InstallationKeeper:
    return InstallationKeeper(database, time.time, owner, pause, **given)


def row(database: Database, uuid: str = H100.uuid) -> Any:
    with database.read() as session:
        found = kernel_devices.get(session, uuid)
        session.expunge_all()
        return found


def release(database: Database, uuid: str = H100.uuid) -> bool:
    with database.write() as session:
        return kernel_devices.release(session, uuid)


# One at a time


def test_of_those_who_want_a_device_one_has_it_and_the_next_follows_at_once(database: Database) -> None:
    having, most, times, lock = [0], [0], [0], threading.Lock()
    start = threading.Barrier(4)

    def verify(number: int) -> None:
        start.wait(30)
        for _ in range(3):
            with keeper(database, quickly, f"worker-{number}") as mine:
                assert mine.take(H100) is None
                with lock:
                    having[0] += 1
                    most[0] = max(most[0], having[0])
                time.sleep(0.02)
                with lock:
                    having[0] -= 1
                    times[0] += 1

    threads = [threading.Thread(target=verify, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (most[0], times[0]) == (1, 12)


def test_two_verifications_of_one_worker_wait_for_each_other_too(database: Database) -> None:
    with keeper(database) as first, keeper(database) as second:
        assert first.take(H100) is None
        assert second.take(OTHER) is None, "another device is another matter"
        second.give_back()
        with pytest.raises(HandBack):
            second.take(H100)
        first.give_back()
        first.give_back()
        assert second.take(H100) is None


def test_who_must_not_wait_any_longer_leaves_nothing_behind(database: Database) -> None:
    with keeper(database) as first:
        assert first.take(H100) is None
        with keeper(database) as second, pytest.raises(HandBack):
            second.take(H100)
    with keeper(database) as third:
        assert third.take(H100) is None


def test_a_verification_has_one_device(database: Database) -> None:
    with keeper(database) as mine:
        assert mine.take(H100) is None
        assert mine.take(H100) is None
        refused = mine.take(OTHER)
        assert refused == "boxes of one verification have two devices, GPU-6ef8ad2b and GPU-91c2"
        with keeper(database) as another:
            assert another.take(OTHER) is None


def test_a_killed_owners_device_is_the_next_ones_when_its_lease_is_over(database: Database) -> None:
    lease_s, url = 3.0, database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", KILLED, url, str(lease_s)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        with keeper(database, quickly) as next_one:
            assert next_one.take(H100) is None
        assert process.wait(0) == -9, "while it lived it kept it beyond its lease"


def test_who_was_overtaken_knows(database: Database) -> None:
    with keeper(database, lease_s=0.3) as slow:
        assert slow.take(H100) is None
        with database.write() as session:
            session.execute(update(Lease).where(Lease.name.like("device:%")).values(owner="another", until=1e12))
        until(lambda: slow.overtaken)
    assert slow.overtaken
    with keeper(database) as third, pytest.raises(HandBack):
        third.take(H100)


# What is known of it


def test_a_device_is_seen_where_its_boxes_are(database: Database) -> None:
    machine = ""
    with keeper(database, here="gpu-host") as mine:
        mine.where = lambda: machine
        assert mine.take(replace(H100, name="NVIDIA\x00 H100\n")) is None
        found = row(database)
        assert (found.name, found.machine, found.software) == ("NVIDIA H100", "", H100.software)
        machine = "node-1"  # the broker has made its first box
    assert row(database).machine == "node-1"
    with keeper(database, here="gpu-host") as mine:
        mine.where = this_machine
        assert mine.take(H100) is None
    assert row(database).machine == "gpu-host", "people know a machine by its name"


def test_a_device_in_quarantine_is_nobodys_until_a_person_says_so(database: Database) -> None:
    with keeper(database) as mine:
        assert mine.take(H100) is None
        mine.quarantine(H100, "it no longer keeps what is\x00 written")
    why = keeper(database).take(H100)
    assert why is not None
    assert why.startswith("NVIDIA H100 80GB HBM3 has been in quarantine since 2")
    assert "`forgehand kernel devices --release GPU-6ef8ad2b` ends that" in why
    assert why.endswith("The reason: it no longer keeps what is written")
    with keeper(database) as other:
        assert other.take(OTHER) is None
    assert release(database)
    with keeper(database) as next_one:
        assert next_one.take(H100) is None


def test_who_waits_for_a_device_hears_that_it_broke_meanwhile(database: Database) -> None:
    first, waits, told = keeper(database), threading.Event(), []

    def pause(seconds: float) -> None:
        waits.set()
        quickly(seconds)

    with keeper(database, pause) as second:
        assert first.take(H100) is None
        thread = threading.Thread(target=lambda: told.append(second.take(H100)))
        thread.start()
        assert waits.wait(10)
        first.quarantine(H100, "it fell off its bus")
        first.give_back()
        thread.join(20)
    assert "it fell off its bus" in str(told[0])
    with database.read() as session:
        assert all(end <= time.time() for end in session.scalars(select(Lease.until)))


def test_a_device_is_qualified_for_one_code_and_one_software(database: Database) -> None:
    figures = {"hacks": {"total": 136, "caught": 136}}
    mine = keeper(database)
    assert not mine.qualified(H100)
    mine.qualify(H100, figures)
    assert mine.qualified(H100)
    assert row(database).figures == figures
    assert still_qualified(row(database))
    assert not mine.qualified(OTHER)
    assert not mine.qualified(replace(H100, software="torch 2.14.0"))
    assert not keeper(database, code="of tomorrow").qualified(H100)
    with keeper(database) as another:
        assert another.take(replace(H100, software="torch 2.14.0")) is None
    assert not still_qualified(row(database))


def test_a_database_that_does_not_answer_costs_no_verdict(sqlite_database: Database) -> None:
    """It is waited for where a verification begins, and where it ends the lease runs out by itself."""
    impatient = Database(sqlite_database.url.render_as_string(hide_password=False), busy_timeout_s=0.0)
    mine = keeper(impatient, lease_s=2.0)
    with sqlite_database.write() as session:
        session.execute(select(Lease))
        with pytest.raises(HandBack):
            mine.take(H100)
    assert mine.take(H100) is None
    with sqlite_database.write() as session:
        session.execute(select(Lease))
        mine.where = this_machine
        mine.quarantine(H100, "it fell off its bus")
        mine.give_back()
    with keeper(sqlite_database, quickly) as other:
        assert other.take(H100) is None
    impatient.close()


# In a pull request's check


def test_a_check_whose_device_is_in_quarantine_is_tried_again_and_then_a_person_must_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no GPU here, so the broker is made to say what its keeper says of one."""

    def verify(broker: Broker, task: Any, candidate: Any, **_: Any) -> Report:
        assert broker._keeper is not None
        why = broker._keeper.take(H100)
        assert why is not None
        return Report(task, candidate, Verdict.infra_error, Stage.launch, [why])

    monkeypatch.setattr(Broker, "verify", verify)
    devices = []

    def place(settings: Settings, device: str) -> Place:
        devices.append(device)
        return Place(PlainBackend(settings.state_dir, allow_unisolated=True), Path(sys.executable), device=device)

    files = BASE | {".forgehand.yml": SETTINGS + "    device: cuda\n"}
    with lane(tmp_path, files, kernel_sandbox="docker", docker_gpus=("GPU-1",)) as here:
        keeper(here.floor.workshop.database).quarantine(H100, "it fell off its bus")
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        here.verifier = Verifier(here.floor.workshop, here.floor.app, place)
        here.go()
        (run,) = here.runs(sha)
        assert run["status"] == "queued"
        assert "The machine failed and it is tried again: `` NVIDIA H100" in run["output"]["summary"]
        for _ in range(2):
            here.floor.pass_time(60)
            assert here.verifier.run(here.rows()[0].id)
        (run,) = here.runs(sha)
        assert (run["conclusion"], devices) == ("action_required", ["cuda"] * 3)
        assert "forgehand kernel devices --release GPU-6ef8ad2b" in run["output"]["summary"]


@pytest.mark.parametrize(("device", "gpus"), [("cuda", ()), ("cpu", ("GPU-1",))])
def test_what_is_not_for_a_gpu_or_meets_none_is_verified_without(
    device: str, gpus: tuple[str, ...], tmp_path: Path
) -> None:
    devices = []

    def place(settings: Settings, device: str) -> Place:
        devices.append(device)
        return Place(PlainBackend(settings.state_dir, allow_unisolated=True), Path(sys.executable))

    files = BASE | {".forgehand.yml": SETTINGS + f"    device: {device}\n"}
    with lane(tmp_path, files, kernel_sandbox="docker", docker_gpus=gpus) as here:
        here.ground.open_pull({CANDIDATE: BROKEN})
        here.verifier = Verifier(here.floor.workshop, here.floor.app, place)
        here.go()
        assert (devices, here.rows()[0].verdict) == (["cpu"], "parse_error")


def test_a_verdict_of_a_device_that_another_had_too_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(broker: Broker, task: Any, candidate: Any, **_: Any) -> Report:
        mine: Any = broker._keeper
        assert mine.take(H100) is None
        mine._duty._overtaken.set()  # what a lease does that was not renewed in time
        return Report(task, candidate, Verdict.oom, Stage.launch, ["it needed more memory than its device has"])

    monkeypatch.setattr(Broker, "verify", verify)
    with lane(tmp_path) as here:
        sha = here.ground.open_pull({CANDIDATE: BROKEN})["head"]["sha"]
        place = Place(PlainBackend(tmp_path, allow_unisolated=True), Path(sys.executable))
        here.verifier = Verifier(here.floor.workshop, here.floor.app, lambda *_: place)
        here.go()
        (run,) = here.runs(sha)
        assert (run["status"], here.rows()[0].verdict) == ("queued", None)
        assert "another verification had its device before this one had ended" in run["output"]["summary"]
