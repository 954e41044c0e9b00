"""Migrations against the schema the code was written for, up and down, on both engines."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import inspect, text

from store import migrating, tasks
from store.database import Database
from store.schema import Base
from tests.store.making import new_task

ROOT = Path(__file__).parents[2]
OURS = set(Base.metadata.tables)


@pytest.fixture
def bare_url(database_url: str) -> str:
    """The URL of a database without any table; on SQLite the file does not exist yet."""
    if database_url.startswith("sqlite"):
        return f"{database_url}.bare"
    database = Database(database_url)
    with database.writing_connection() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    database.close()
    return database_url


@pytest.fixture
def bare(bare_url: str) -> Iterator[Database]:
    database = Database(bare_url)
    yield database
    database.close()


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def test_up_from_nothing(bare: Database) -> None:
    assert tables(bare) == set()
    assert migrating.current_revision(bare) is None
    assert not migrating.is_current(bare)
    migrating.migrate(bare)
    assert tables(bare) == {*OURS, "alembic_version"}
    assert migrating.current_revision(bare) == migrating.head_revision() is not None
    assert migrating.is_current(bare)


def test_migrations_and_schema_say_the_same(bare: Database) -> None:
    migrating.migrate(bare)
    assert migrating.differences(bare) == []


@pytest.mark.parametrize(
    "harm",
    [
        "DROP INDEX ix_tasks_runnable",
        "DROP TABLE proofs",
        "ALTER TABLE tasks ADD COLUMN extra INTEGER",
        "ALTER TABLE tasks DROP COLUMN reason",
    ],
)
def test_a_difference_is_seen(bare: Database, harm: str) -> None:
    migrating.migrate(bare)
    with bare.writing_connection() as connection:
        connection.execute(text(harm))
    assert migrating.differences(bare) != []


def test_down_to_nothing_and_up_again(bare: Database) -> None:
    migrating.migrate(bare)
    migrating.downgrade(bare, "base")
    assert tables(bare) == {"alembic_version"}
    assert migrating.current_revision(bare) is None
    migrating.migrate(bare)
    assert migrating.differences(bare) == []


def test_migrating_again_keeps_what_is_there(bare: Database) -> None:
    migrating.migrate(bare)
    with bare.write() as session:
        task = tasks.create(session, new_task(), now=1.0)
        assert task is not None
    migrating.migrate(bare)
    with bare.read() as session:
        assert tasks.get(session, task.id) is not None


def test_a_migration_that_fails_leaves_nothing_half_done(bare: Database) -> None:
    with bare.writing_connection() as connection:  # in the way of the last table the first migration makes
        connection.execute(text("CREATE TABLE task_inputs (x INTEGER)"))
    with pytest.raises(Exception, match="task_inputs"):
        migrating.migrate(bare)
    assert tables(bare) == {"task_inputs"}


def test_two_processes_at_once(bare_url: str) -> None:
    """On SQLite several times over: the two meet already when they open the file, if they are quick."""
    urls = [f"{bare_url}{turn}" for turn in range(8)] if bare_url.startswith("sqlite") else [bare_url]
    with ExitStack() as stack:
        processes = [stack.enter_context(Migrating()) for _ in range(2)]
        for url in urls:
            for process in processes:
                process.tell(url)
            assert [process.answer() for process in processes] == ["done\n", "done\n"]
    for url in urls:
        database = Database(url)
        assert migrating.is_current(database)
        assert migrating.differences(database) == []
        database.close()


class Migrating:
    """The program of `migrate_when_told`, ready to be told."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.migrate_when_told"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == "ready\n"
        return self

    def tell(self, url: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{url}\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        """Its next line, or nothing when it has died; pytest shows what it wrote to standard error."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
