"""Whose turn it is to time on a machine, among all workers of an installation: those whose boxes share a node of a
cluster, or a Docker engine, know of each other by the database alone."""

from __future__ import annotations

import hashlib
import secrets
import threading

import structlog
from sqlalchemy.exc import OperationalError

from store import duties
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

# For this long a killed worker's turn keeps the others of its node waiting.
LEASE_S = 30.0


class MachineTurn:
    """A turn of one verification's own. A thread renews it three times a lease.

    One that cannot be renewed in time is another's to take. Two that time at once disturb each other and mostly end as
    ambiguous, since the baseline differs from itself by more.
    """

    def __init__(self, workshop: Workshop, lease_s: float = LEASE_S) -> None:
        self._workshop, self._lease_s = workshop, lease_s
        self._owner = f"{workshop.owner}/{secrets.token_hex(4)}"
        self._name = ""
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, machine: str) -> bool:
        """False while somebody else has it, or the database does not answer. Ours until `end`."""
        self._name = f"timing:{hashlib.sha256(machine.encode()).hexdigest()[:24]}"
        try:
            if not self._taken():
                return False
        except OperationalError as error:
            log.warning("the turn to time cannot be asked for", error=str(error)[:300])
            return False
        self._ended.clear()
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
            with self._workshop.database.write() as session:
                duties.drop_duty(session, self._name, self._owner, now=self._workshop.clock())
        except OperationalError as error:  # the lease runs out by itself; a verdict is not lost for it
            log.warning("the turn to time cannot be given back", error=str(error)[:300])

    def _taken(self) -> bool:
        with self._workshop.database.write() as session:
            now = self._workshop.clock()
            return duties.take_duty(session, self._name, self._owner, now=now, lease_s=self._lease_s)

    def _keep(self) -> None:
        while not self._ended.wait(self._lease_s / 3):
            try:
                if not self._taken():
                    log.warning("another verification times on this machine too: the turn was not renewed in time")
                    return
            except OperationalError as error:
                log.warning("the turn to time cannot be renewed", error=str(error)[:300])
