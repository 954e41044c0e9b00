"""What is known of blobs, in one SQLite file per repository, shared by all its commits. Losing it costs only time."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from codebase.index.blob import VERSION, Blob, unpack

_AT_ONCE = 500
_PATIENCE_S = 30.0


class BlobCache:
    """Packed blobs by key. A file that is damaged or of another version is thrown away and begun anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = self._opened()
        except sqlite3.DatabaseError:
            self._database = self._begun_anew()

    def close(self) -> None:
        self._database.close()

    def load(self, keys: Sequence[str]) -> dict[str, Blob]:
        """The blobs that are kept under these keys; one that is damaged counts as missing."""
        found: dict[str, Blob] = {}
        try:
            for key, data in self._rows(keys):
                with contextlib.suppress(ValueError):
                    found[key] = unpack(data)
        except sqlite3.DatabaseError:
            self._database.close()
            self._database = self._begun_anew()
        return found

    def keep(self, packed: Mapping[str, bytes]) -> None:
        """Keeps blobs. A disk that is full or a file that is locked for long costs the next search time, no more."""
        with contextlib.suppress(sqlite3.Error), self._database:
            self._database.executemany("INSERT OR REPLACE INTO blobs VALUES (?, ?)", packed.items())

    def forget_others(self, keys: Iterable[str]) -> int:
        """Removes what is kept under no key of these; returns how many."""
        wanted = set(keys)
        with self._database:
            doomed = [(key,) for (key,) in self._database.execute("SELECT key FROM blobs") if key not in wanted]
            self._database.executemany("DELETE FROM blobs WHERE key = ?", doomed)
        return len(doomed)

    def _rows(self, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            yield from self._database.execute(f"SELECT key, data FROM blobs WHERE key IN ({marks})", part)  # noqa: S608

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=_PATIENCE_S, check_same_thread=False)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise sqlite3.DatabaseError("another version")
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS blobs (key TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID"
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
