"""Devices that kernels are verified on: seen, quarantined until a person says so, qualified with something."""

from dataclasses import replace
from typing import Any

import pytest

from store import Database, kernel_devices
from store.kernel_devices import Seen
from store.schema import KernelDevice
from tests.store.racing import THREADS, race

H100 = Seen("GPU-6ef8", "NVIDIA H100", "torch 2.13.0, driver 580", "node-1")


def see(database: Database, seen: Seen = H100, *, now: float = 0.0) -> None:
    with database.write() as session:
        kernel_devices.see(session, seen, now=now)


def quarantine(database: Database, why: str, seen: Seen = H100, *, now: float = 0.0) -> None:
    with database.write() as session:
        kernel_devices.quarantine(session, seen, why, now=now)


def release(database: Database, uuid: str = H100.uuid) -> bool:
    with database.write() as session:
        return kernel_devices.release(session, uuid)


def row(database: Database, uuid: str = H100.uuid) -> Any:
    with database.read() as session:
        found = kernel_devices.get(session, uuid)
        if found is not None:
            session.expunge(found)
        return found


def uuids(rows: list[KernelDevice]) -> list[str]:
    return [one.uuid for one in rows]


def test_a_device_is_kept_as_it_was_seen_last(database: Database) -> None:
    assert row(database) is None
    see(database, now=1.0)
    see(database, replace(H100, software="torch 2.14.0, driver 590", machine="node-2"), now=2.0)
    found = row(database)
    assert (found.name, found.machine, found.software) == ("NVIDIA H100", "node-2", "torch 2.14.0, driver 590")
    assert (found.seen_at, found.quarantined_at, found.qualified_with) == (2.0, None, None)


def test_where_it_is_not_known_where_a_device_is_the_last_place_stays(database: Database) -> None:
    see(database, replace(H100, uuid="GPU-1", machine=""))
    assert row(database, "GPU-1").machine == ""
    see(database)
    see(database, replace(H100, machine=""), now=1.0)
    assert (row(database).machine, row(database).seen_at) == ("node-1", 1.0)


def test_all_who_see_a_new_device_at_once_see_one(database: Database) -> None:
    seen = race(database, lambda session, _: kernel_devices.see(session, H100, now=1.0).uuid)
    assert seen == [H100.uuid] * THREADS
    with database.read() as session:
        assert len(kernel_devices.known(session)) == 1


def test_a_quarantine_keeps_its_first_reason_until_it_is_ended(database: Database) -> None:
    quarantine(database, "it fell off its bus", now=1.0)
    quarantine(database, "it does not answer", now=2.0)
    see(database, now=3.0)
    assert (row(database).quarantined_at, row(database).reason) == (1.0, "it fell off its bus")
    assert release(database)
    assert (row(database).quarantined_at, row(database).reason) == (None, None)
    assert not release(database), "it is in none"
    assert not release(database, "GPU-unknown")
    quarantine(database, "again", now=4.0)
    assert (row(database).quarantined_at, row(database).reason) == (4.0, "again")


def test_a_reason_has_an_end(database: Database) -> None:
    quarantine(database, "x" * 100_000)
    assert row(database).reason == "x" * 1000


def test_those_in_quarantine_are_found_and_come_first(database: Database) -> None:
    see(database, replace(H100, uuid="GPU-a", machine="node-2"))
    see(database, replace(H100, uuid="GPU-b", machine="node-1"))
    quarantine(database, "late", replace(H100, uuid="GPU-c", machine="node-3"), now=2.0)
    quarantine(database, "early", replace(H100, uuid="GPU-d", machine="node-4"), now=1.0)
    with database.read() as session:
        assert uuids(kernel_devices.known(session)) == ["GPU-c", "GPU-d", "GPU-b", "GPU-a"]
        assert uuids(kernel_devices.in_quarantine(session)) == ["GPU-d", "GPU-c"]


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_device_is_qualified_with_something_and_by_figures(database: Database, seen_before: bool) -> None:
    if seen_before:
        see(database, now=1.0)
    figures = {"hacks": {"total": 136, "caught": 136}}
    with database.write() as session:
        kernel_devices.qualify(session, H100, "d" * 64, figures, now=2.0)
    see(database, replace(H100, software="other"), now=3.0)
    found = row(database)
    assert (found.qualified_with, found.qualified_at, found.figures) == ("d" * 64, 2.0, figures)
