"""The inbox's reading side: order within a subject, retries that end, and what is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from store import Database, deliveries
from store.deliveries import MAX_ATTEMPTS, Pending, retry_delay
from store.schema import Delivery


def arrive(database: Database, *delivery_ids: str, source: str = "github", app_id: str = "1", at: float = 0.0) -> None:
    with database.write() as session:
        for delivery_id in delivery_ids:
            session.add(
                Delivery(
                    source=source,
                    app_id=app_id,
                    delivery_id=delivery_id,
                    event="issues",
                    content_type="application/json",
                    body=b'{"a": "\xff"}',
                    received_at=at,
                )
            )
            session.flush()


LATER = 1e9


def pending(database: Database, *, limit: int = 100) -> list[Pending]:
    """Everything not settled, ready or not."""
    with database.read() as session:
        return deliveries.ready(session, now=LATER, limit=limit)


def kept(database: Database, delivery_id: str) -> Delivery:
    with database.read() as session:
        return session.scalars(select(Delivery).where(Delivery.delivery_id == delivery_id)).one()


def test_the_oldest_come_first_as_they_came(database: Database) -> None:
    arrive(database, "d1", at=5.0)
    arrive(database, "d2", at=3.0)
    arrive(database, "d3", at=4.0)
    rows = pending(database)
    assert [row.delivery_id for row in rows] == ["d1", "d2", "d3"]
    assert [row.delivery_id for row in pending(database, limit=2)] == ["d1", "d2"]
    assert rows[0] == Pending(
        rows[0].id, "github", "1", "d1", "issues", "application/json", b'{"a": "\xff"}', 5.0, None, 0, 0.0
    )


@pytest.mark.parametrize("state", ["done", "ignored", "failed"])
def test_a_settled_delivery_is_not_taken_again(database: Database, state: str) -> None:
    arrive(database, "d1", "d2")
    first, second = pending(database)
    with database.write() as session:
        deliveries.settle(session, first.id, state=state, outcome="because", subject="s", now=7.0)
    assert pending(database) == [second]
    row = kept(database, "d1")
    assert (row.state, row.outcome, row.subject, row.processed_at) == (state, "because", "s", 7.0)
    with database.read() as session:
        assert deliveries.counts(session) == {state: 1, "pending": 1}


def test_retries_back_off_and_end_after_three_hours(database: Database) -> None:
    arrive(database, "d1")
    now, waits = 0.0, []
    for _ in range(MAX_ATTEMPTS - 1):
        (row,) = pending(database)
        assert row.next_at == now
        with database.write() as session:
            assert deliveries.postpone(session, row, outcome="GitHub answered 502", subject="s", now=now)
        (later,) = pending(database)
        assert (later.attempts, later.subject) == (row.attempts + 1, "s")
        waits.append(later.next_at - now)
        now = later.next_at
    assert waits[:10] == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 600.0]
    assert 2.5 * 3600 < sum(waits) < 3.5 * 3600
    (last,) = pending(database)
    with database.write() as session:
        assert not deliveries.postpone(session, last, outcome="GitHub answered 502", subject="s", now=now)
    assert pending(database) == []
    row_kept = kept(database, "d1")
    assert (row_kept.state, row_kept.outcome, row_kept.attempts) == ("failed", "GitHub answered 502", MAX_ATTEMPTS)
    assert row_kept.processed_at == now


@given(st.integers(0, 50))
def test_the_wait_grows_and_is_bounded(attempts: int) -> None:
    assert 2.0 <= retry_delay(attempts) <= retry_delay(attempts + 1) <= 600.0


def test_known_ids_are_those_of_one_app(database: Database) -> None:
    arrive(database, "d1", "d2")
    arrive(database, "d3", app_id="2")
    arrive(database, "d4", source="linear")
    with database.read() as session:
        assert deliveries.known(session, "github", "1", ["d1", "d2", "d3", "d4", "d5"]) == {"d1", "d2"}
        assert deliveries.known(session, "github", "2", ["d1", "d3"]) == {"d3"}
        assert deliveries.known(session, "github", "1", []) == set()


def test_what_waits_longest(database: Database) -> None:
    with database.read() as session:
        assert deliveries.oldest_pending_at(session) is None
        assert deliveries.counts(session) == {}
    arrive(database, "d1", at=9.0)
    arrive(database, "d2", at=4.0)
    with database.read() as session:
        assert deliveries.oldest_pending_at(session) == 4.0
        assert deliveries.counts(session) == {"pending": 2}
    with database.write() as session:
        deliveries.settle(session, pending(database)[1].id, state="done", outcome="", subject=None, now=10.0)
    with database.read() as session:
        assert deliveries.oldest_pending_at(session) == 9.0


def ready_at(database: Database, now: float) -> list[str]:
    with database.read() as session:
        return [row.delivery_id for row in deliveries.ready(session, now=now, limit=100)]


def test_what_waits_for_a_retry_is_not_ready_and_is_the_head_of_its_subject(database: Database) -> None:
    arrive(database, "d1", "d2", "d3")
    first, second, _ = pending(database)
    with database.write() as session:
        deliveries.postpone(session, first, outcome="502", subject="a", now=100.0)
        deliveries.postpone(session, second, outcome="502", subject="a", now=101.0)
    with database.read() as session:
        assert deliveries.heads(session, now=100.0) == {"a": (first.id, 102.0)}
        assert deliveries.heads(session, now=102.5) == {"a": (second.id, 103.0)}
        assert deliveries.heads(session, now=103.0) == {}
    assert ready_at(database, 100.0) == ["d3"]
    assert ready_at(database, 103.0) == ["d1", "d2", "d3"]


def test_holding_a_delivery_back_costs_it_no_try(database: Database) -> None:
    arrive(database, "d1")
    (row,) = pending(database)
    with database.write() as session:
        deliveries.hold(session, row, subject="a", until=50.0)
    assert ready_at(database, 49.9) == []
    assert ready_at(database, 50.0) == ["d1"]
    assert (kept(database, "d1").attempts, kept(database, "d1").subject) == (0, "a")


def test_many_that_wait_do_not_keep_a_new_one_out(database: Database) -> None:
    arrive(database, *(f"old-{number}" for number in range(30)))
    for number, row in enumerate(pending(database)):
        with database.write() as session:
            deliveries.postpone(session, row, outcome="502", subject=f"s{number}", now=0.0)
    arrive(database, "new")
    with database.read() as session:
        assert [row.delivery_id for row in deliveries.ready(session, now=1.0, limit=5)] == ["new"]


def test_a_settled_delivery_is_settled_once(database: Database) -> None:
    """The second of two relays learns that the delivery was acted on, and can take back what it did for it."""
    arrive(database, "d1")
    (row,) = pending(database)
    with database.write() as session:
        assert deliveries.settle(session, row.id, state="done", outcome="task 1", subject="s", now=7.0)
    with database.write() as session:
        assert not deliveries.settle(session, row.id, state="ignored", outcome="late", subject="s", now=8.0)
        deliveries.postpone(session, row, outcome="later still", subject="s", now=9.0)
    settled = kept(database, "d1")
    assert (settled.state, settled.outcome, settled.attempts, settled.processed_at) == ("done", "task 1", 0, 7.0)
