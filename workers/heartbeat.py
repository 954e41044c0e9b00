"""Keeps a claim alive while a stage works, and brings news: a stop that was asked for, a lease that was lost."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy.exc import OperationalError

from store import Claim, Database, LeaseLost, tasks

LOOK_EVERY_S = 0.5
RENEWALS_A_LEASE = 3


class Heartbeat:
    """A thread that looks every half second and renews three times a lease.

    After `lost` is set nothing may be written for this task any more. A database that cannot be reached is not a lost
    lease until the lease has run out by our own clock; then it is.
    """

    def __init__(self, database: Database, held: Claim, lease_s: float, clock: Callable[[], float]) -> None:
        self._database, self._held, self._lease_s, self._clock = database, held, lease_s, clock
        self._renewed_at = clock()
        self._counted_to = self._renewed_at
        self._ended = threading.Event()
        self.lost = threading.Event()
        self.stop_requested_by: str | None = None
        self._look_every = min(LOOK_EVERY_S, lease_s / (2 * RENEWALS_A_LEASE))
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{held.task_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def uncounted_s(self) -> float:
        """Seconds of work that no renewal has written down yet."""
        return max(0.0, self._clock() - self._counted_to)

    def should_stop(self) -> bool:
        return self.lost.is_set() or self.stop_requested_by is not None

    def check(self) -> None:
        """Raises LeaseLost when the claim is gone."""
        if self.lost.is_set():
            raise LeaseLost(self._held.task_id)

    def renew(self) -> None:
        """Extends the lease now, before something that must not outlive it. LeaseLost when it is gone."""
        now = self._clock()
        worked, counted_to = max(0.0, now - self._counted_to), now
        try:
            with self._database.write() as session:
                pulse = tasks.renew(session, self._held, now=now, lease_s=self._lease_s, worked_s=worked)
        except LeaseLost:
            self.lost.set()
            raise
        self._renewed_at, self._counted_to = now, counted_to
        self.stop_requested_by = pulse.stop_requested_by

    def _beat(self) -> None:
        while not self._ended.wait(self._look_every):
            try:
                if self._clock() - self._renewed_at >= self._lease_s / RENEWALS_A_LEASE:
                    self.renew()
                else:
                    with self._database.read() as session:
                        self.stop_requested_by = tasks.pulse(session, self._held).stop_requested_by
            except LeaseLost:
                self.lost.set()
                return
            except OperationalError:
                if self._clock() - self._renewed_at >= self._lease_s:
                    self.lost.set()
                    return
