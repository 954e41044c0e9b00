"""A check that has its verdict is told to GitHub and ended; what cannot be told now is told later."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from forges.github import ForgeError, ForgeUnavailable, RateLimited
from kernels.task import MOST_SOURCE
from repositories import Mirror, Remote
from repositories.errors import MirrorBusy, RemoteUnavailable, RepositoryError
from store import LeaseLost, leasing
from store.schema import KernelCheck
from workers.decisions import HandBack
from workers.github.desk import Desk, mirror_path
from workers.kernel_checks.lease import Kept
from workers.kernel_checks.telling import Teller
from workers.kernel_checks.trouble import again_after
from workers.workshop import Workshop

log = structlog.get_logger(__name__)


def read(workshop: Workshop, kept: Kept) -> KernelCheck:
    """The check as it stands now, detached."""
    with workshop.database.read() as session:
        row = session.get_one(KernelCheck, kept.held.id)
        session.expunge(row)
        return row


def mirror_of(workshop: Workshop, teller: Teller, row: KernelCheck) -> Mirror:
    """The repository with both commits of the check. RepositoryError when one is gone."""
    path = mirror_path(workshop.mirrors, row.repository_id)
    mirror = Mirror.open(path, Remote(teller.repository.info().clone_url, teller.repository.git_token))
    if not mirror.has_commit(row.reference_sha):
        mirror.fetch()
    if not mirror.has_commit(row.head_sha):
        mirror.fetch(f"refs/pull/{row.number}/head")
    if not mirror.has_commit(row.head_sha):
        mirror.fetch(row.head_sha)
    return mirror


def tell(workshop: Workshop, desk: Desk, kept: Kept) -> None:
    """Completes the check run and ends the check."""
    row = read(workshop, kept)
    teller = Teller(workshop, desk, row)
    kept.renew()
    run = teller.open(row, "It has its verdict.")
    kept.renew()
    teller.end(row, run, _source(workshop, teller, row))
    with workshop.database.write() as session:
        leasing.finish(session, kept.held, now=workshop.clock())
    log.info("verified", kernel=row.kernel, verdict=row.verdict, head=row.head_sha)


def _source(workshop: Workshop, teller: Teller, row: KernelCheck) -> bytes:
    """The candidate, for the lines of annotations; empty when its commit is gone meanwhile."""
    try:
        found = mirror_of(workshop, teller, row).read_file(row.head_sha, str(row.entry["candidate"]), limit=MOST_SOURCE)
    except (RemoteUnavailable, MirrorBusy):
        raise
    except RepositoryError:
        return b""
    return found or b""


def patiently(workshop: Workshop, kept: Kept, work: Callable[[], None]) -> None:
    """Works on a check. What may pass is met again later, what does not ends it untold: there is nobody to tell."""
    try:
        work()
    except HandBack:
        _later(workshop, kept, 0.0, 0)
    except (RateLimited, ForgeUnavailable, RemoteUnavailable, MirrorBusy) as trouble:
        troubles = read(workshop, kept).troubles
        later = again_after(troubles, trouble, now=workshop.clock())
        if later is None:
            _end(workshop, kept, trouble)
            return
        log.warning("a check waits", seconds=later, error=str(trouble))
        _later(workshop, kept, later, troubles + 1)
    except (ForgeError, RepositoryError) as refusal:
        _end(workshop, kept, refusal)
    except LeaseLost:
        log.warning("lease lost: another worker goes on with the check")


def _later(workshop: Workshop, kept: Kept, seconds: float, troubles: int) -> None:
    with workshop.database.write() as session:
        leasing.give_back(session, kept.held, wake_at=workshop.clock() + seconds, troubles=troubles)


def _end(workshop: Workshop, kept: Kept, why: Exception) -> None:
    log.warning("a check ends untold", error=str(why))
    with workshop.database.write() as session:
        leasing.finish(session, kept.held, now=workshop.clock())
