"""What was asked of the twin, request by request, for tests that count: no header, no body, no token is kept."""

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Exchange:
    """One request. `status` is 0 when the connection was cut before an answer; `fault` names the fault that struck.

    `handled` tells whether the twin carried the request out: a lost response was, a 502 was not.
    """

    number: int
    method: str
    path: str
    status: int
    actor: str | None
    kind: str
    handled: bool
    fault: str | None = None


@dataclass
class Journal:
    entries: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(
        self, method: str, path: str, status: int, actor: str | None, kind: str, handled: bool, fault: str | None
    ) -> None:
        with self._lock:
            self.entries.append(Exchange(len(self.entries) + 1, method, path, status, actor, kind, handled, fault))

    def writes(self, path: str | None = None, actor: str | None = None) -> list[Exchange]:
        """The requests that changed something: carried out, with a write method, answered below 400 (or cut off)."""
        with self._lock:
            found: Iterable[Exchange] = list(self.entries)
        return [
            e
            for e in found
            if e.method in WRITES
            and e.handled
            and e.status < 400
            and path in (None, e.path)
            and actor in (None, e.actor)
            and not e.path.endswith(("/access_tokens", "/git-upload-pack", "/attempts"))
        ]

    def as_json(self, *, writes_only: bool) -> list[dict[str, Any]]:
        with self._lock:
            entries = list(self.entries)
        return [asdict(entry) for entry in (self.writes() if writes_only else entries)]
