"""A duty that is renewed while its verification goes on, on both databases."""

from __future__ import annotations

import time

from sqlalchemy import select, update

from store import Database
from store.schema import Lease
from tests.forges.stage import until
from workers.kernel_checks.renewing import RenewedDuty


def duty(database: Database, *, lease_s: float = 30.0, ahead_s: float = 0.0) -> RenewedDuty:
    return RenewedDuty(database, lambda: time.time() + ahead_s, "worker", "timing", lease_s)


def test_what_is_named_apart_is_had_apart(database: Database) -> None:
    one, other = duty(database), duty(database)
    assert one.take("node-1")
    assert not other.take("node-1"), "of one worker too"
    assert other.take("node-2")
    one.end()
    other.end()
    one.end()
    assert other.take("node-1")
    other.end()


def test_it_is_kept_beyond_its_lease_and_a_lost_workers_passes_on(database: Database) -> None:
    kept = duty(database, lease_s=0.3)
    assert kept.take("node-1")

    def fence() -> int:
        with database.read() as session:
            return session.scalars(select(Lease.fence).where(Lease.owner == kept._owner)).one()

    taken_at = fence()
    until(lambda: fence() > taken_at + 2)
    assert not duty(database).take("node-1")
    assert not kept.overtaken
    kept._ended.set()  # as if its process were killed
    assert kept._thread is not None
    kept._thread.join()
    other = duty(database, ahead_s=1.0)
    assert other.take("node-1")
    other.end()


def test_who_was_overtaken_knows_and_leaves_it_to_the_other(database: Database) -> None:
    slow = duty(database, lease_s=0.3)
    assert slow.take("node-1")
    with database.write() as session:
        session.execute(update(Lease).where(Lease.owner == slow._owner).values(owner="another", until=1e12))

    def overtaken() -> bool:
        return slow.overtaken

    until(overtaken)
    slow.end()
    assert not slow.take("node-1")
    assert overtaken(), "the last time that it was its own"
    assert slow.take("node-2")
    assert not overtaken()
    slow.end()
