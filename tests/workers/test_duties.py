"""Duties: one process has each, keeps it through a long turn, and hands it over when it ends or dies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from store.schema import Lease
from tests.forges.stage import until
from tests.workers.counter import Counter
from workers import duties
from workers.duties import Duties

LEASE_S = 0.6


@pytest.fixture(autouse=True)
def _short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duties, "DUTY_LEASE_S", LEASE_S)
    monkeypatch.setattr(duties, "LOOK_EVERY_S", LEASE_S / 3)


@contextmanager
def running(counter: Counter, owner: str) -> Iterator[Duties]:
    made = Duties(replace(counter.workshop, owner=owner), counter.app)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def holder(counter: Counter, name: str) -> str | None:
    """Who has a duty that has not lapsed."""
    with counter.database.read() as session:
        row = session.get(Lease, name)
        return row.owner if row is not None and row.until > time.time() else None


@pytest.mark.parametrize("name", ["relay", "sweeper", "poller"])
def test_one_has_it_and_the_other_takes_over(name: str, counter: Counter) -> None:
    with running(counter, "first"):
        until(lambda: holder(counter, name) == "first")
        with running(counter, "second"):
            time.sleep(2 * LEASE_S)
            assert holder(counter, name) == "first", "it is renewed"
    with running(counter, "third"):
        until(lambda: holder(counter, name) == "third", seconds=LEASE_S)


def test_a_turn_longer_than_the_lease_is_not_overtaken(counter: Counter) -> None:
    issue = counter.place.issue()
    counter.take_in()
    counter.maria.comment(counter.name, issue, "/forgehand fix")
    number = next(counter.put(event, body) for event, body in counter.take_in())
    counter.place.controls.fault("slow", "GET", "/permission$", delay_s=3 * LEASE_S)
    before = permission_questions(counter)
    with running(counter, "first"):
        until(lambda: counter.place.controls.faults()[0]["struck"] == 1)
        with running(counter, "second"):
            until(lambda: counter.delivery(number).state == "done")
    assert permission_questions(counter) == before + 1, "nobody else looked at the delivery meanwhile"


def test_a_lapsed_duty_is_taken_over(counter: Counter) -> None:
    """The lease of a process that was killed: nobody renews it, nobody gives it back."""
    with counter.database.write() as session:
        session.add(Lease(name="relay", owner="killed", until=time.time() + LEASE_S, fence=1))
    with running(counter, "next"):
        assert holder(counter, "relay") == "killed"
        until(lambda: holder(counter, "relay") == "next", seconds=3 * LEASE_S)


def test_a_bad_turn_is_not_the_last(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[float] = []

    def sweep(_: object) -> None:
        turns.append(time.monotonic())
        raise RuntimeError("this turn only")

    monkeypatch.setattr(duties, "sweep", sweep)
    with running(counter, "first"):
        until(lambda: len(turns) >= 2)


def permission_questions(counter: Counter) -> int:
    return sum(1 for one in counter.place.controls.journal() if one["path"].endswith("/permission"))
