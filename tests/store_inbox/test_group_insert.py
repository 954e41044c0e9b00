"""A group of arrivals against the real engines: exact receipts, and one bad row or one lost server harms no other."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from store import group_insert
from store.database import Database
from store.group_insert import CHECKPOINT_BYTES, DUPLICATE, NEW, Arrival, GroupInsert, Outcome, Receipt
from store.schema import Delivery


def arrival(delivery: str, *, app_id: str = "7", event: str = "issues", body: bytes = b"{}") -> Arrival:
    return Arrival("github", app_id, delivery, event, "application/json", body, 1.5)


def held(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Delivery.delivery_id).order_by(Delivery.id)))


@pytest.fixture
def group(database: Database) -> Iterator[GroupInsert]:
    inserted = GroupInsert(database)
    yield inserted
    inserted.close()


def test_rows_are_stored_in_the_order_they_came(group: GroupInsert, database: Database) -> None:
    assert group.store([arrival(name) for name in "cab"]) == [NEW] * 3
    assert held(database) == ["c", "a", "b"]
    with database.read() as session:
        row = session.scalars(select(Delivery)).first()
        assert row is not None
        assert (row.source, row.app_id, row.event, row.content_type) == ("github", "7", "issues", "application/json")
        assert (row.body, row.received_at, row.state, row.attempts, row.next_at) == (b"{}", 1.5, "pending", 0, 0.0)
        assert (row.subject, row.outcome, row.processed_at) == (None, None, None)


def test_which_were_new_is_known_exactly(group: GroupInsert, database: Database) -> None:
    group.store([arrival("a")])
    receipts = group.store([arrival("b"), arrival("a"), arrival("c"), arrival("b"), arrival("a", app_id="8")])
    assert receipts == [NEW, DUPLICATE, NEW, DUPLICATE, NEW]
    assert held(database) == ["a", "b", "c", "a"]


def test_a_duplicate_leaves_the_first_as_it_was(group: GroupInsert, database: Database) -> None:
    group.store([arrival("a", body=b"first")])
    group.store([arrival("a", body=b"second")])
    with database.read() as session:
        assert list(session.scalars(select(Delivery.body))) == [b"first"]


@given(
    groups=st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=6), min_size=1, max_size=5),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_identity_is_new_once_however_it_is_grouped(sqlite_database: Database, groups: list[list[int]]) -> None:
    inserted = GroupInsert(sqlite_database)
    with sqlite_database.write() as session:
        session.execute(text("DELETE FROM deliveries"))
    seen: list[int] = []
    for numbers in groups:
        receipts = inserted.store([arrival(f"d-{number}") for number in numbers])
        expected = [NEW if number not in (*seen, *numbers[:at]) else DUPLICATE for at, number in enumerate(numbers)]
        assert receipts == expected
        seen += numbers
    assert held(sqlite_database) == [f"d-{number}" for number in dict.fromkeys(seen)]
    inserted.close()


def test_a_row_that_cannot_be_stored_harms_no_other(group: GroupInsert, database: Database) -> None:
    group.store([arrival("old")])
    receipts = group.store([arrival("a"), arrival("bad\udc80"), arrival("old"), arrival("b")])
    assert [receipt.outcome for receipt in receipts] == [Outcome.NEW, Outcome.REFUSED, Outcome.DUPLICATE, Outcome.NEW]
    assert receipts[1].reason.startswith("UnicodeEncodeError")
    assert held(database) == ["old", "a", "b"]


def test_a_row_only_one_engine_refuses_is_refused_alone(group: GroupInsert, database: Database) -> None:
    """PostgreSQL's text holds no zero byte, SQLite's does: either way the other rows are stored."""
    receipts = group.store([arrival("a"), arrival("z", event="with\0zero"), arrival("b")])
    stored = [receipt.outcome is Outcome.NEW for receipt in receipts]
    assert stored == [True, database.is_sqlite, True]
    assert len(held(database)) == sum(stored)


def test_the_commit_waits_for_the_disk_on_sqlite(sqlite_database: Database) -> None:
    inserted = GroupInsert(sqlite_database)
    inserted.store([arrival("a")])
    assert _ask(inserted, "PRAGMA synchronous") == 2, "FULL"
    inserted.close()


@pytest.mark.parametrize(
    ("configured", "used"),
    [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply"), ("remote_write", "remote_write")],
)
def test_the_commit_waits_for_the_disk_on_postgresql(postgres_database: Database, configured: str, used: str) -> None:
    """A server set to acknowledge early is overruled; a stricter one is left alone."""
    with postgres_database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = postgres_database.url.database
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = {configured}"))
    postgres_database.engine.dispose()  # the setting counts for new connections
    inserted = GroupInsert(postgres_database)
    inserted.store([arrival("a")])
    assert _ask(inserted, "SHOW synchronous_commit") == used
    inserted.close()


def _ask(inserted: GroupInsert, question: str) -> object:
    cursor = inserted._connection.cursor()
    cursor.execute(question)
    (answer,) = cursor.fetchone()
    cursor.close()
    return answer


def test_a_restarted_server_is_found_again(postgres_database: Database) -> None:
    inserted = GroupInsert(postgres_database)
    inserted.store([arrival("a")])
    with postgres_database.engine.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    assert ended == 1
    assert inserted.store([arrival("b"), arrival("a")]) == [NEW, DUPLICATE]
    inserted.close()


def test_two_web_processes_that_deadlock_both_store(postgres_database: Database) -> None:
    """Each holds one identity and wants the other's: PostgreSQL ends one of the two, which tries again."""
    inserted = GroupInsert(postgres_database)
    done: list[list[Receipt]] = []
    with postgres_database.engine.connect() as other:
        other.execute(text("SET deadlock_timeout = '10s'"))  # so that ours is the one that is ended
        other.execute(text(RIVAL.format(name="b")))
        thread = threading.Thread(target=lambda: done.append(inserted.store([arrival("a"), arrival("b")])))
        thread.start()
        _await_a_waiter(postgres_database)
        other.execute(text(RIVAL.format(name="a")))
        other.commit()
        thread.join(20)
    assert done == [[DUPLICATE, DUPLICATE]]
    assert sorted(held(postgres_database)) == ["a", "b"]
    inserted.close()


RIVAL = (
    "INSERT INTO deliveries (source, app_id, delivery_id, event, content_type, body, received_at, state, attempts, "
    "next_at) VALUES ('github', '7', '{name}', 'issues', 'application/json', '', 1, 'pending', 0, 0)"
    " ON CONFLICT (source, app_id, delivery_id) DO NOTHING"
)


def _await_a_waiter(database: Database) -> None:
    deadline = time.monotonic() + 10
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar():
            assert time.monotonic() < deadline, "nobody waits for a lock"
            time.sleep(0.01)


def test_a_server_that_is_away_refuses_and_says_why(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://postgres@/x?host={tmp_path}")
    (receipt,) = GroupInsert(database).store([arrival("a")])
    assert receipt.outcome is Outcome.REFUSED
    assert "OperationalError" in receipt.reason
    database.close()


def test_a_held_lock_refuses_in_time_and_nothing_is_half_stored(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_insert, "SQLITE_SESSION", ("PRAGMA busy_timeout=50",))
    inserted = GroupInsert(sqlite_database)
    with sqlite_database.writing_connection():
        receipts = inserted.store([arrival("a"), arrival("b")])
    assert [receipt.outcome for receipt in receipts] == [Outcome.REFUSED] * 2
    assert "locked" in receipts[0].reason
    assert held(sqlite_database) == []
    assert inserted.store([arrival("a"), arrival("b")]) == [NEW] * 2
    inserted.close()


def test_a_full_disk_refuses_the_group_and_keeps_what_was_there(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page limit makes SQLite fail with the code a full disk has."""
    inserted = GroupInsert(sqlite_database)
    inserted.store([arrival("before")])
    inserted.close()
    with monkeypatch.context() as limited:
        limited.setattr(group_insert, "SQLITE_SESSION", ("PRAGMA max_page_count=1",))
        receipts = inserted.store([arrival("small"), arrival("large", body=b"x" * 1_000_000)])
        assert [receipt.outcome for receipt in receipts] == [Outcome.REFUSED] * 2
        assert "full" in receipts[0].reason
        inserted.close()
    assert held(sqlite_database) == ["before"]
    assert inserted.store([arrival("small"), arrival("large", body=b"x" * 1_000_000)]) == [NEW] * 2
    inserted.close()


def test_a_missing_table_refuses_with_the_reason(group: GroupInsert, database: Database) -> None:
    with database.write() as session:
        session.execute(text("DROP TABLE deliveries"))
    receipts = group.store([arrival("a"), arrival("b")])
    assert {receipt.outcome for receipt in receipts} == {Outcome.REFUSED}
    assert "deliveries" in receipts[0].reason


def test_no_reason_shows_a_body(group: GroupInsert) -> None:
    (receipt,) = group.store([arrival("bad\udc80", body=b"canary-body")])
    assert "canary" not in receipt.reason


def test_the_log_is_moved_into_the_database_between_groups(sqlite_database: Database) -> None:
    inserted = GroupInsert(sqlite_database)
    path = Path(str(sqlite_database.url.database))
    log = path.with_name(path.name + "-wal")
    for number in range(30):
        inserted.store([arrival(f"{number}-{part}", body=b"x" * 100_000) for part in range(10)])
        inserted.tidy()
    assert log.stat().st_size < 3 * CHECKPOINT_BYTES
    assert path.stat().st_size > 20_000_000
    inserted.close()


def test_its_connection_is_not_given_to_others(sqlite_database: Database) -> None:
    inserted = GroupInsert(sqlite_database)
    inserted.store([arrival("a")])
    inserted.close()
    with sqlite_database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar() == 1000
        assert isinstance(connection.connection.dbapi_connection, sqlite3.Connection)
