"""What a transaction promises: durable, all or nothing, and never "database is locked" for want of order."""

from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from store.database import Database
from store.schema import Mark
from tests.store.racing import THREADS, race


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/deep/er/forgehand.db", busy_timeout_s=20.0)
    Mark.metadata.create_all(database.engine)
    return database


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 20_000)]
)
@pytest.mark.parametrize("way", ["read", "write", "writing_connection"])
def test_every_sqlite_connection_is_durable_and_patient(sqlite: Database, pragma: str, value: object, way: str) -> None:
    with getattr(sqlite, way)() as connection:
        assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == value
    sqlite.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="needs a file"):
        Database(url)


def test_a_block_that_raises_writes_nothing(database: Database) -> None:
    def half_a_job() -> None:
        with database.write() as session:
            session.add(Mark(name="a", value="1"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_job()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Mark)) == 0


def test_a_block_that_ends_well_is_seen_by_others(database: Database) -> None:
    with database.write() as session:
        session.add(Mark(name="a", value="1"))
    with database.writing_connection() as connection:
        connection.execute(text("INSERT INTO marks (name, value) VALUES ('b', '2')"))
    other = Database(database.url.render_as_string(hide_password=False))
    with other.read() as session:
        assert session.scalars(select(Mark.value).order_by(Mark.name)).all() == ["1", "2"]
    other.close()


def test_reading_sees_no_unfinished_write_and_does_not_wait_for_it(database: Database) -> None:
    with database.write() as session:
        session.add(Mark(name="a", value="1"))
        session.flush()
        with database.read() as reader:
            assert reader.scalar(select(func.count()).select_from(Mark)) == 0


def test_a_sqlite_writer_has_the_lock_from_its_first_moment(sqlite: Database) -> None:
    impatient = Database(sqlite.url.render_as_string(), busy_timeout_s=0.0)
    with sqlite.write() as session:
        session.execute(select(Mark))
        with pytest.raises(OperationalError, match="locked"), impatient.write() as other:
            other.execute(select(Mark))
    with impatient.write() as other:
        other.add(Mark(name="a", value="1"))
    impatient.close()
    sqlite.close()


def test_sqlite_writers_that_read_first_wait_for_each_other(sqlite: Database) -> None:
    """With a deferred BEGIN this fails with "database is locked", whatever the timeout, or loses counts."""
    with sqlite.write() as session:
        session.add(Mark(name="count", value="0"))
    turns = 5

    def count_up(session: Session, number: int) -> None:
        mark = session.get_one(Mark, "count")
        mark.value = str(int(mark.value) + 1)

    for _ in range(turns):
        race(sqlite, count_up)
    with sqlite.read() as session:
        assert session.scalar(select(Mark.value)) == str(turns * THREADS)
    sqlite.close()


def test_a_file_that_is_no_database_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "forgehand.db").write_bytes(b"this is no database, and longer than a header" * 10)
    database = Database(f"sqlite:///{tmp_path}/forgehand.db")
    with pytest.raises(DatabaseError, match="not a database"), database.read() as session:
        session.execute(text("SELECT 1"))
    database.close()
