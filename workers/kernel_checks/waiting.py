"""Checks that nobody comes for, and verdicts that nobody told: each ends, and people hear of it."""

from __future__ import annotations

from functools import partial

from store import kernel_checks, leasing
from store.schema import KernelCheck
from workers.github.desk import Desk
from workers.kernel_checks import ending
from workers.kernel_checks.lease import Kept
from workers.kernel_checks.telling import concluded
from workers.workshop import Workshop

# From the moment any worker may take a check, for as long as no worker has one: longer than a rollout of workers takes.
PATIENCE_S = 3600.0


def give_up(workshop: Workshop) -> list[str]:
    """Gives the checks for which no worker came, or none any more, a verdict to be told; returns their ids."""
    now, lease_s = workshop.clock(), workshop.settings.lease_s
    with workshop.database.read() as session:
        forgotten = kernel_checks.forgotten(session, since=now - PATIENCE_S, now=now)
    given_up = []
    for check_id in forgotten:
        with workshop.database.write() as session:
            held = kernel_checks.claim(session, check_id, workshop.owner, now=now, lease_s=lease_s, gpu=False)
            if held is None:
                continue
            row = session.get_one(KernelCheck, check_id, populate_existing=True)
            if row.verdict is None:
                conclusion = concluded(row, "infra_error")
                why = f"no worker of the queue `kernels` took it within {PATIENCE_S / 60:.0f} minutes"
                document = {"verdict": "infra_error", "reasons": [why], "conclusion": conclusion}
                kernel_checks.record(session, held, verdict="infra_error", conclusion=conclusion, document=document)
                given_up.append(check_id)
            leasing.give_back(session, held, wake_at=now)
    return given_up


def tell_the_untold(workshop: Workshop, desk: Desk) -> None:
    """Tells the verdicts of checks that nobody works on: given up here, or their worker was lost."""
    now, lease_s = workshop.clock(), workshop.settings.lease_s
    with workshop.database.read() as session:
        untold = kernel_checks.untold(session, now=now)
    for check_id in untold:
        with workshop.database.write() as session:
            held = kernel_checks.claim(session, check_id, workshop.owner, now=now, lease_s=lease_s, gpu=False)
        if held is not None:
            with Kept(workshop, held) as kept:
                ending.patiently(workshop, desk, kept, partial(ending.tell, workshop, desk, kept))
