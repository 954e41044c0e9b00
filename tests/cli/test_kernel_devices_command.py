"""`forgehand kernel devices` on a real database: what was seen, what is in quarantine, and how that ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernels.devices import Device
from sandboxes.machine import this_machine
from store import Database, kernel_devices
from tests.cli.ground import Forgehand
from workers.kernel_checks.devices import InstallationKeeper

H100 = Device("GPU-6ef8ad2b-1f0c-4d3e-9a55-0c7a3be6d1f2", "NVIDIA H100", 80 << 30, "torch 2.13.0, driver 580.12")
H200 = Device("GPU-91c2", "NVIDIA H200", 139 << 30, "torch 2.13.0, driver 580.12")


@pytest.fixture
def keeper(database: Database) -> Iterator[InstallationKeeper]:
    with InstallationKeeper(database, time.time, "worker", time.sleep, here="gpu-host") as made:
        made.where = this_machine
        yield made


def test_without_a_database_nothing_is_made_and_the_way_is_shown(forgehand: Forgehand, state: Path) -> None:
    for arguments in ((), ("--release", "GPU-1")):
        ran = forgehand("kernel", "devices", *arguments)
        assert (ran.status, ran.out) == (2, "")
        assert "There are no devices to show" in ran.err
    assert not state.exists()


def test_no_device_yet(forgehand: Forgehand, database: Database) -> None:
    assert forgehand("kernel", "devices").out == "No kernel was verified on a device yet.\n"
    assert forgehand("kernel", "devices", "--json").document == []


def test_people_read_of_each_device_in_lines_of_their_own(
    forgehand: Forgehand, database: Database, keeper: InstallationKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    keeper.take(H200)
    keeper.quarantine(H100, "it fell off its bus \x1b[2J")
    ran = forgehand("kernel", "devices")
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert lines[0] == H100.uuid, "those in quarantine come first"
    assert "        name  NVIDIA H100" in lines
    assert "     machine  gpu-host" in lines
    assert "    software  torch 2.13.0, driver 580.12" in lines
    assert lines.count("   qualified  no") == 2
    at = lines.index(next(line for line in lines if line.startswith("  quarantine  since 20")))
    assert ": it fell off its bus" in lines[at]
    assert lines[at + 1].strip() == f"when it is well: forgehand kernel devices --release {H100.uuid}"
    assert H200.uuid in lines
    assert "\x1b" not in ran.out


def test_a_program_reads_one_document(forgehand: Forgehand, keeper: InstallationKeeper) -> None:
    keeper.take(H200)
    keeper.qualify(H200, {"seconds": 651.0})
    keeper.quarantine(H100, "it fell off its bus")
    broken, well = forgehand("kernel", "devices", "--json").document
    assert set(broken) == set(well) == {
        "uuid", "name", "machine", "software", "seen_at", "quarantined_at", "reason", "qualified", "qualified_at",
        "figures",
    }  # fmt: skip
    assert (broken["uuid"], broken["reason"], broken["qualified"]) == (H100.uuid, "it fell off its bus", False)
    assert broken["quarantined_at"] == pytest.approx(time.time(), abs=60)
    assert (well["uuid"], well["quarantined_at"], well["machine"]) == (H200.uuid, None, "gpu-host")
    assert (well["qualified"], well["figures"]) == (True, {"seconds": 651.0})


def test_a_qualification_is_told_with_its_time_while_it_holds(
    forgehand: Forgehand, database: Database, keeper: InstallationKeeper
) -> None:
    keeper.qualify(H100, {})
    assert "   qualified  20" in forgehand("kernel", "devices").out
    InstallationKeeper(database, time.time, "other", time.sleep, code="of yesterday").qualify(H100, {})
    assert "no: the code or the software is another than on 20" in forgehand("kernel", "devices").out


@pytest.mark.parametrize("as_json", [False, True])
def test_a_quarantine_is_ended_once(
    as_json: bool, forgehand: Forgehand, database: Database, keeper: InstallationKeeper
) -> None:
    keeper.quarantine(H100, "it fell off its bus")
    arguments = ("kernel", "devices", "--release", H100.uuid, *(["--json"] if as_json else []))
    for status, said in ((0, "may be used again"), (1, "is in no quarantine")):
        ran = forgehand(*arguments)
        assert ran.status == status
        if as_json:
            assert ran.document == {"ok": not status, "uuid": H100.uuid, "message": f"{H100.uuid} {said}"}
        else:
            assert ran.out == f"{H100.uuid} {said}\n"
    with database.read() as session:
        assert kernel_devices.in_quarantine(session) == []


def test_a_device_that_is_not_there(forgehand: Forgehand, database: Database) -> None:
    ran = forgehand("kernel", "devices", "--release", "GPU\x1b[2J")
    assert (ran.status, ran.out) == (2, "")
    assert "There is no device" in ran.err
    assert "`forgehand kernel devices` lists those there are" in ran.err
    assert "\x1b" not in ran.err


def test_doctor_warns_of_a_quarantine_and_says_what_to_do(
    forgehand: Forgehand, keeper: InstallationKeeper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORGEHAND_KERNEL_HOME", str(tmp_path / "no-kernels"))
    keeper.take(H200)
    keeper.quarantine(H100, "it fell off its bus")
    checks = [one for one in forgehand("doctor", "--json").document["checks"] if one["name"] == "kernel device"]
    assert [check["state"] for check in checks] == ["warning"]
    said = checks[0]["message"]
    assert said.startswith("NVIDIA H100 on gpu-host has been in quarantine since 20")
    assert said.endswith("it fell off its bus")
    release = checks[0]["todo"].partition("then forgehand ")[2].split()
    assert forgehand(*release).status == 0, "what it says to do is done"
    assert "kernel device" not in forgehand("doctor", "--json").out
