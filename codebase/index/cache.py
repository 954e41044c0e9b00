"""What is known of blobs, in one SQLite file per repository, shared by all its commits. Losing it costs only time."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from codebase.index.blob import VERSION

_AT_ONCE = 500
_TABLES = ("blobs", "links")
_MOST_COMMITS = 50
_PATIENCE_S = 30.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """One kind of what is known of a blob: the `table` it is kept in, what `make`s its bytes of a path and a content
    (parsing.Work), and what reads them, with a ValueError for damaged ones and those of another version."""

    table: str
    make: Callable[[str, bytes], bytes]
    unpack: Callable[[bytes], T]


class BlobCache:
    """Packed values by table and key. A file that is damaged or of another version is thrown away and begun anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = self._opened()
        except sqlite3.DatabaseError:
            self._database = self._begun_anew()

    @property
    def path(self) -> Path:
        return self._path

    def close(self) -> None:
        self._database.close()

    def load(self, kind: Kept[T], keys: Sequence[str]) -> dict[str, T]:
        """What is kept under these keys; what is damaged counts as missing."""
        found: dict[str, T] = {}
        try:
            for key, data in self._rows("key, data", kind.table, keys):
                with contextlib.suppress(ValueError):
                    found[key] = kind.unpack(data)
        except sqlite3.DatabaseError:
            self._database.close()
            self._database = self._begun_anew()
        return found

    def kept(self, kind: Kept[T], keys: Sequence[str]) -> set[str]:
        """Those of `keys` under which something is kept, whether or not it can still be read."""
        found: set[str] = set()
        try:
            for (key,) in self._rows("key", kind.table, keys):
                found.add(key)
        except sqlite3.DatabaseError:
            self._database.close()
            self._database = self._begun_anew()
            found.clear()
        return found

    def keep(self, kind: Kept[T], packed: Mapping[str, bytes]) -> None:
        """Keeps what was packed. A disk that is full or a file that is locked for long costs time, no more."""
        with contextlib.suppress(sqlite3.Error), self._database:
            self._database.executemany(f"INSERT OR REPLACE INTO {kind.table} VALUES (?, ?)", packed.items())  # noqa: S608

    def forget_others(self, keys: Iterable[str]) -> int:
        """Removes what is kept under no key of these; returns how many rows."""
        wanted = set(keys)
        removed = 0
        with self._database:
            for table in _TABLES:
                rows = self._database.execute(f"SELECT key FROM {table}")  # noqa: S608
                doomed = [(key,) for (key,) in rows if key not in wanted]
                self._database.executemany(f"DELETE FROM {table} WHERE key = ?", doomed)  # noqa: S608
                removed += len(doomed)
        return removed

    def rows(self) -> int:
        """How much is kept, over all kinds."""
        counts = (self._database.execute(f"SELECT count(*) FROM {table}") for table in _TABLES)  # noqa: S608
        return sum(rows for cursor in counts for (rows,) in cursor)

    def note(self, commit: str, *, now: float) -> None:
        """Remembers that a commit was asked for at `now`, Unix seconds."""
        with contextlib.suppress(sqlite3.Error), self._database:
            self._database.execute("INSERT OR REPLACE INTO commits VALUES (?, ?)", (commit, now))

    def noted(self) -> list[str]:
        """The commits that were asked for, the newest first; those of long ago are forgotten."""
        found = [commit for (commit,) in self._database.execute("SELECT name FROM commits ORDER BY used DESC, name")]
        with contextlib.suppress(sqlite3.Error), self._database:
            doomed = [(commit,) for commit in found[_MOST_COMMITS:]]
            self._database.executemany("DELETE FROM commits WHERE name = ?", doomed)
        return found[:_MOST_COMMITS]

    def _rows(self, columns: str, table: str, keys: Sequence[str]) -> Iterator[Any]:
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            yield from self._database.execute(f"SELECT {columns} FROM {table} WHERE key IN ({marks})", part)  # noqa: S608

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=_PATIENCE_S, check_same_thread=False)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise sqlite3.DatabaseError("another version")
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            for table in _TABLES:
                database.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID"
                )
            database.execute(
                "CREATE TABLE IF NOT EXISTS commits (name TEXT PRIMARY KEY, used REAL NOT NULL) WITHOUT ROWID"
            )
            database.execute(f"PRAGMA user_version={VERSION}")
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _begun_anew(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        return self._opened()
