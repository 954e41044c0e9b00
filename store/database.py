"""Opening the database: SQLite for one machine, PostgreSQL for several."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session


class Database:
    """One engine. `read` and `write` are transactions; only `write` may change rows.

    On SQLite a writing transaction takes the write lock when it begins (BEGIN IMMEDIATE): one that read first and
    upgraded later would fail with "database is locked" whatever the timeout. Commits are fsynced (synchronous=FULL).
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 30.0) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if not self.url.database or self.url.database == ":memory:":
                raise ValueError("the SQLite database needs a file: web and worker are two processes")
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(self.url, pool_pre_ping=not self.is_sqlite)
        if self.is_sqlite:
            self._speak_sqlite(busy_timeout_s)
        self._writing = self.engine.execution_options(forgehand_writes=True)

    def _speak_sqlite(self, busy_timeout_s: float) -> None:
        @event.listens_for(self.engine, "connect")
        def connected(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # the driver's own BEGIN comes too late, and is never IMMEDIATE
            connection.execute(f"PRAGMA busy_timeout={int(busy_timeout_s * 1000)}")
            _enter_wal(connection, busy_timeout_s)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")

        @event.listens_for(self.engine, "begin")
        def began(connection: Connection) -> None:
            writes = connection.get_execution_options().get("forgehand_writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed when the block ends well, rolled back when it raises."""
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing_connection(self) -> Iterator[Connection]:
        """The same kind of transaction for plain SQL: migrations and bulk inserts."""
        with self._writing.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def _enter_wal(connection: sqlite3.Connection, patience_s: float) -> None:
    """Switches the file to write-ahead logging.

    When two processes open a new file at once, SQLite refuses one of them without heeding its busy timeout.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)  # in place of the busy timeout that SQLite does not heed here
            continue
        if mode != "wal":
            raise RuntimeError(
                f"SQLite keeps its journal in mode {mode}: web and worker cannot share the file. "
                "Put the state folder on a local disk, or use PostgreSQL"
            )
        return
