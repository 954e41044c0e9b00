"""Keeps the lease on a look or a check while it is worked on."""

import threading
from types import TracebackType
from typing import Self

from sqlalchemy.exc import OperationalError

from store import LeaseLost, leasing
from store.leasing import Held
from workers.workshop import Workshop

RENEWALS_A_LEASE = 3


class Kept:
    """A thread that renews three times a lease. Once `lost` is set nothing may be written for the row any more."""

    def __init__(self, workshop: Workshop, held: Held) -> None:
        self.held = held
        self._workshop, self._lease_s = workshop, workshop.settings.lease_s
        self._renewed_at = workshop.clock()
        self._ended, self.lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{held.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def renew(self) -> None:
        """Extends the lease now, before a request that must not outlive it. LeaseLost when it is gone."""
        now = self._workshop.clock()
        try:
            with self._workshop.database.write() as session:
                leasing.renew(session, self.held, now=now, lease_s=self._lease_s)
        except LeaseLost:
            self.lost.set()
            raise
        self._renewed_at = now

    def check(self) -> None:
        """Raises LeaseLost when the lease is gone."""
        if self.lost.is_set():
            raise LeaseLost(self.held.id)

    def _keep(self) -> None:
        while not self._ended.wait(self._lease_s / (2 * RENEWALS_A_LEASE)):
            try:
                if self._workshop.clock() - self._renewed_at >= self._lease_s / RENEWALS_A_LEASE:
                    self.renew()
            except LeaseLost:
                return
            except OperationalError:
                # A database that cannot be reached is no lost lease until the lease has run out by our own clock.
                if self._workshop.clock() - self._renewed_at >= self._lease_s:
                    self.lost.set()
                    return
