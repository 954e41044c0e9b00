"""Whose turn it is to time on a machine, among all workers of an installation: those whose boxes share a node of a
cluster, or a Docker engine, know of each other by the database alone."""

from __future__ import annotations

from workers.kernel_checks.renewing import LEASE_S, RenewedDuty
from workers.workshop import Workshop


class MachineTurn:
    """A turn of one verification's own.

    Two that time at once, because one could not renew its turn in time, disturb each other and mostly end as ambiguous,
    since the baseline differs from itself by more.
    """

    def __init__(self, workshop: Workshop, lease_s: float = LEASE_S) -> None:
        self._duty = RenewedDuty(workshop.database, workshop.clock, workshop.owner, "timing", lease_s)

    def take(self, machine: str) -> bool:
        """False while somebody else has it, or the database does not answer. Ours until `end`."""
        return self._duty.take(machine)

    def end(self) -> None:
        """Lets the next one have it at once. May be called where it was never taken."""
        self._duty.end()
