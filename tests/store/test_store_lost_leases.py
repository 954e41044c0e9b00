"""A worker that lost its lease can write nothing, however it lost it and whatever it tries."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from store import Claim, Database, LeaseLost, Stage, budgets, effects, journal, proofs, tasks
from store.schema import Base
from tests.store.making import claim, claimed, end

WRITES: dict[str, Callable[[Session, Claim], object]] = {
    "guard": tasks.guard,
    "renew": lambda session, held: tasks.renew(session, held, now=61.0, lease_s=60, worked_s=5),
    "pulse": tasks.pulse,
    "advance": lambda session, held: tasks.advance(session, held, Stage.TRIAGED, now=61.0),
    "record": lambda session, held: tasks.record(session, held, now=61.0, branch="stale"),
    "park": lambda session, held: tasks.park(session, held, wake_at=0.0, now=61.0),
    "finish": lambda session, held: tasks.finish(session, held, now=61.0),
    "journal": lambda session, held: journal.append(session, held, "1/plan#1", {"stale": True}, b"", now=61.0),
    "proof": lambda session, held: proofs.save(session, held, "a" * 40, "proven", {"stale": True}, now=61.0),
    "reserve": lambda session, held: budgets.reserve(session, held, "k", usd_nanos=1, tokens=1, worked_s=0, now=61.0),
    "effect": lambda session, held: effects.begin(session, "push:stale", held=held, now=61.0),
}


def taken_over(database: Database, held: Claim) -> None:
    claim(database, held.task_id, "worker-2", now=60.0)


def taken_over_by_its_own_name(database: Database, held: Claim) -> None:
    claim(database, held.task_id, held.owner, now=60.0)


def parked(database: Database, held: Claim) -> None:
    with database.write() as session:
        tasks.park(session, held, wake_at=1000.0, now=60.0)


def finished(database: Database, held: Claim) -> None:
    end(database, held, now=60.0)


LOSSES = [taken_over, taken_over_by_its_own_name, parked, finished]


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as session:
        return {
            name: [tuple(row) for row in session.execute(text(f"SELECT * FROM {name}"))]
            for name in Base.metadata.tables
        }


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("write", WRITES)
def test_no_write_through_a_lost_lease(database: Database, write: str, loss: Callable[[Database, Claim], None]) -> None:
    held = claimed(database)
    loss(database, held)
    before = contents(database)
    with database.write() as session, pytest.raises(LeaseLost):
        WRITES[write](session, held)
    assert contents(database) == before


@pytest.mark.parametrize("write", sorted(WRITES.keys() - {"finish"}))
def test_the_same_writes_succeed_while_the_lease_is_held(database: Database, write: str) -> None:
    held = claimed(database)
    with database.write() as session:
        WRITES[write](session, held)
