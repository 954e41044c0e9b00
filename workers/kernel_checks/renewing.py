"""A duty that one verification at a time has among all workers and shells of an installation, by the database alone."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import OperationalError

from store import Database, duties

log = structlog.get_logger(__name__)

# For this long a killed process's duty keeps the others waiting.
LEASE_S = 30.0


class RenewedDuty:
    """A duty of one verification's own, which no other of the same process has either. A thread renews it three times a
    lease; one that cannot be renewed in time is another's to take.

    `kind`: at most seven letters, the first part of its name in the table of leases.
    """

    def __init__(
        self, database: Database, clock: Callable[[], float], owner: str, kind: str, lease_s: float = LEASE_S
    ) -> None:
        self._database, self._clock, self._kind, self._lease_s = database, clock, kind, lease_s
        self._owner = f"{owner}/{secrets.token_hex(4)}"
        self._name = ""
        self._ended, self._overtaken = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def overtaken(self) -> bool:
        """Whether somebody else took it before it was given back, the last time that it was ours."""
        return self._overtaken.is_set()

    def take(self, of: str) -> bool:
        """False while somebody else has it, or the database does not answer. Ours until `end`."""
        self._name = f"{self._kind}:{hashlib.sha256(of.encode()).hexdigest()[:24]}"
        try:
            if not self._taken():
                return False
        except OperationalError as error:
            self._warn("a duty cannot be asked for", error)
            return False
        self._ended.clear()
        self._overtaken.clear()
        self._thread = threading.Thread(target=self._keep, name=self._name, daemon=True)
        self._thread.start()
        return True

    def end(self) -> None:
        """Lets the next one have it at once. May be called where it was never taken."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join()
        self._thread = None
        try:
            with self._database.write() as session:
                duties.drop_duty(session, self._name, self._owner, now=self._clock())
        except OperationalError as error:  # the lease runs out by itself; a verdict is not lost for it
            self._warn("a duty cannot be given back", error)

    def _taken(self) -> bool:
        with self._database.write() as session:
            return duties.take_duty(session, self._name, self._owner, now=self._clock(), lease_s=self._lease_s)

    def _keep(self) -> None:
        while not self._ended.wait(self._lease_s / 3):
            try:
                if not self._taken():
                    self._overtaken.set()
                    log.warning("another verification has it too: a duty was not renewed in time", duty=self._name)
                    return
            except OperationalError as error:
                self._warn("a duty cannot be renewed", error)

    def _warn(self, what: str, error: OperationalError) -> None:
        log.warning(what, duty=self._name, error=str(error)[:300])
