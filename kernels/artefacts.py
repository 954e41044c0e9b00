"""What the compile service built, kept in a folder: bytes by a key that the broker computes, bounded in size and age.

Only the broker writes here. A file is its content's SHA-256 and the content, so that one cut short or changed by hand
is no artefact.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 512 << 20
MOST_AGE_S = 30 * 86400.0
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class Artefacts:
    """`most_bytes` of all files together and `most_age_s` since one was last used: the oldest go first."""

    folder: Path
    most_bytes: int = MOST_BYTES
    most_age_s: float = MOST_AGE_S

    def read(self, key: str) -> bytes | None:
        """What was kept under the key, None when nothing was or it is damaged. Never raises for what is on the disk."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
                path.unlink()
                return None
            os.utime(path)
        except OSError:
            return None
        return data[_DIGEST:]

    def write(self, key: str, data: bytes) -> None:
        """Keeps data; a disk that takes none only costs the next compilation."""
        path = self._path(key)
        new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_bytes(hashlib.sha256(data).digest() + data)
            new.replace(path)
            self._trim()
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink()

    def _path(self, key: str) -> Path:
        if not key.isalnum() or not key.isascii():
            raise ValueError(f"{key!r} is no key")
        return self.folder / key

    def _trim(self) -> None:
        found = []
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # another broker trims too
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        kept = 0
        for used, size, path in sorted(found, reverse=True):
            kept += size
            if kept > self.most_bytes or used < time.time() - self.most_age_s:
                with contextlib.suppress(OSError):
                    path.unlink()
