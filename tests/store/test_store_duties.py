"""A duty has one holder at a time, and passes on when the holder lapses or lets go."""

import pytest
from sqlalchemy import select

from store import Database, duties
from store.schema import Lease
from tests.store.racing import race


def take(database: Database, owner: str, *, now: float, name: str = "relay") -> bool:
    with database.write() as session:
        return duties.take_duty(session, name, owner, now=now, lease_s=10.0)


def test_one_holder_who_may_keep_it(database: Database) -> None:
    assert take(database, "a", now=0.0)
    assert not take(database, "b", now=9.9)
    assert take(database, "a", now=9.9)
    assert not take(database, "b", now=19.8)
    assert take(database, "b", now=20.0), "it lapsed"
    assert not take(database, "a", now=20.0)


def test_the_fence_grows_with_every_take(database: Database) -> None:
    fences = []
    for owner, now in (("a", 0.0), ("a", 5.0), ("b", 15.0)):
        assert take(database, owner, now=now)
        with database.read() as session:
            fences.append(session.scalar(select(Lease.fence)))
    assert fences == [1, 2, 3]


def test_duties_are_apart(database: Database) -> None:
    assert take(database, "a", now=0.0, name="relay")
    assert take(database, "b", now=0.0, name="sweeper")


@pytest.mark.parametrize("already_lapsed", [False, True])
def test_of_many_threads_one_gets_it(database: Database, already_lapsed: bool) -> None:
    if already_lapsed:
        take(database, "nobody", now=-100.0)
    taken = race(
        database, lambda session, number: duties.take_duty(session, "relay", str(number), now=0.0, lease_s=10.0)
    )
    assert taken.count(True) == 1
    assert take(database, str(taken.index(True)), now=9.0), "and keeps it"


def test_letting_go_lets_another_in_at_once(database: Database) -> None:
    take(database, "a", now=0.0)
    with database.write() as session:
        duties.drop_duty(session, "relay", "b", now=1.0)
    assert not take(database, "b", now=1.0), "b let go of what it did not hold"
    with database.write() as session:
        duties.drop_duty(session, "relay", "a", now=1.0)
    assert take(database, "b", now=1.0)


def test_marks_are_kept_and_moved(database: Database) -> None:
    def mark(name: str) -> str | None:
        with database.read() as session:
            return duties.mark(session, name)

    assert mark("deliveries") is None
    for value in ("12", "13"):
        with database.write() as session:
            duties.set_mark(session, "deliveries", value)
            duties.set_mark(session, "other", "x")
        assert mark("deliveries") == value
    assert mark("other") == "x"


def test_marks_of_one_kind_are_found_together(database: Database) -> None:
    with database.write() as session:
        for name, value in (("push:2", "b"), ("push:1", "a"), ("pushed", "x"), ("deliveries", "y")):
            duties.set_mark(session, name, value)
    with database.read() as session:
        assert list(duties.marks(session, "push:").items()) == [("push:1", "a"), ("push:2", "b")]
        assert duties.marks(session, "none:") == {}
