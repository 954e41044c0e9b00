"""Many deliveries in one transaction: which of them were new is known exactly, and one bad row harms no other.

SQL and parameters go straight to the driver, past SQLAlchemy: this is the path whose speed decides the intake's.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from store.database import Database

log = logging.getLogger(__name__)

COLUMNS = ("source", "app_id", "delivery_id", "event", "content_type", "body", "received_at")
# A sender gives up after ten seconds; a lock held for longer than this is answered with a refusal, in time.
LOCK_WAIT_MS = 5000
# What may gather in SQLite's log before it is moved into the database file.
CHECKPOINT_BYTES = 4 << 20
SQLITE_SESSION = (
    f"PRAGMA busy_timeout={LOCK_WAIT_MS}",
    "PRAGMA wal_autocheckpoint=0",  # it would run inside a COMMIT somebody waits for; see GroupInsert.tidy
)
POSTGRES_SESSION = (
    f"SET lock_timeout = {LOCK_WAIT_MS}",
    # A commit that is acknowledged before it is on disk would make the 202 a lie.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)
DEADLOCK = "40P01"


class Outcome(StrEnum):
    NEW = "new"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an arrival: `new` and `duplicate` are durable; `refused` is not stored, for `reason`."""

    outcome: Outcome
    reason: str = ""


NEW = Receipt(Outcome.NEW)
DUPLICATE = Receipt(Outcome.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified webhook POST. `source`, `app_id` and `delivery_id` are its identity; `received_at` is Unix seconds."""

    source: str
    app_id: str
    delivery_id: str
    event: str
    content_type: str
    body: bytes
    received_at: float

    def row(self) -> tuple[str, str, str, str, str, bytes, float]:
        return (
            self.source,
            self.app_id,
            self.delivery_id,
            self.event,
            self.content_type,
            self.body,
            self.received_at,
        )


class GroupInsert:
    """Inserts groups over one driver connection. Used by the writer's thread alone."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._is_sqlite = database.is_sqlite
        self._driver: Any = database.engine.dialect.loaded_dbapi
        mark = "?" if self._is_sqlite else "%s"
        self._insert = (
            f"INSERT INTO deliveries ({', '.join(COLUMNS)}, state, attempts, next_at) "
            f"VALUES ({', '.join([mark] * len(COLUMNS))}, 'pending', 0, 0.0) "
            "ON CONFLICT (source, app_id, delivery_id) DO NOTHING"
        )
        self._connection: Any = None
        self._since_checkpoint = 0

    def store(self, group: Sequence[Arrival]) -> list[Receipt]:
        """One receipt for each arrival, in order. The rows of `new` and `duplicate` are committed."""
        for tries_left in (1, 0):
            try:
                return self._store(group)
            except Exception as error:
                again = tries_left and self._may_pass(error)
                self.close()
                if not again:
                    log.error("inbox: a group of %d was refused: %s", len(group), _name(error))
                    return [Receipt(Outcome.REFUSED, _name(error))] * len(group)
        raise AssertionError("the last try returns")

    def tidy(self) -> None:
        """Moves SQLite's log into the database once enough has gathered. Called when nobody waits for a commit."""
        if not self._is_sqlite or self._since_checkpoint < CHECKPOINT_BYTES or self._connection is None:
            return
        self._since_checkpoint = 0
        try:
            self._connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        except self._driver.Error as error:
            log.warning("inbox: the database's log could not be moved into it, and grows: %s", _name(error))

    def close(self) -> None:
        """Closes the connection for good: its pragmas are not for others in the pool. The next group opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._driver.Error):
                connection.rollback()
            connection.invalidate()

    def _store(self, group: Sequence[Arrival]) -> list[Receipt]:
        cursor = self._begin()
        try:
            cursor.executemany(self._insert, [arrival.row() for arrival in group])
            receipts = [NEW] * len(group)
            all_new = cursor.rowcount == len(group)
        except Exception as error:
            if isinstance(error, self._driver.OperationalError):
                raise
            all_new = False  # one row cannot be stored: find out which, and keep the others
        if not all_new:
            self._connection.rollback()
            cursor = self._begin()
            receipts = [self._store_one(cursor, arrival) for arrival in group]
        self._connection.commit()
        cursor.close()
        self._since_checkpoint += sum(len(arrival.body) for arrival in group)
        return receipts

    def _begin(self) -> Any:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            cursor = self._connection.cursor()
            for statement in SQLITE_SESSION if self._is_sqlite else POSTGRES_SESSION:
                cursor.execute(statement)
            self._connection.commit()
            cursor.close()
        cursor = self._connection.cursor()
        if self._is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        return cursor

    def _store_one(self, cursor: Any, arrival: Arrival) -> Receipt:
        cursor.execute("SAVEPOINT one")
        try:
            cursor.execute(self._insert, arrival.row())
        except Exception as error:
            if isinstance(error, self._driver.OperationalError):
                raise
            cursor.execute("ROLLBACK TO SAVEPOINT one")
            log.error("inbox: delivery %r was refused: %s", arrival.delivery_id, _name(error))
            return Receipt(Outcome.REFUSED, _name(error))
        receipt = NEW if cursor.rowcount == 1 else DUPLICATE
        cursor.execute("RELEASE SAVEPOINT one")
        return receipt

    def _may_pass(self, error: Exception) -> bool:
        """Whether a second try on a new connection is worth it: the server restarted, or two web processes deadlocked.

        Repeating is safe even if the first commit went through: its rows are then duplicates.
        """
        if not isinstance(error, self._driver.Error):
            return False
        raw = self._connection and self._connection.dbapi_connection
        return getattr(error, "sqlstate", None) == DEADLOCK or self._engine.dialect.is_disconnect(error, raw, None)


def _name(error: Exception) -> str:
    """The error in one line. Neither driver puts a row's values into it."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
