"""A check that has its verdict is told to GitHub and ended; what cannot be told now is told later."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy.exc import OperationalError

from forges.github import ForgeError, ForgeUnavailable, RateLimited, Unprocessable
from kernels.task import MOST_SOURCE
from repositories import Mirror, Remote
from repositories.errors import MirrorBusy, RemoteUnavailable, RepositoryError
from store import LeaseLost, kernel_checks, leasing
from store.schema import KernelCheck
from workers.decisions import HandBack
from workers.github.desk import Desk, mirror_path
from workers.kernel_checks.lease import Kept
from workers.kernel_checks.telling import Teller, concluded
from workers.kernel_checks.trouble import again_after
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

MOST_CLAIMS = 5


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
    source = _source(workshop, teller, row)
    kept.renew()
    teller.end(row, run, source)
    finish(workshop, kept)
    log.info("verified", kernel=row.kernel, verdict=row.verdict, head=row.head_sha)


def tell_plainly(workshop: Workshop, desk: Desk, kept: Kept, why: str) -> None:
    """Completes the check run with the verdict alone and ends the check. One without a verdict has `infra_error` then:
    nothing was found out."""
    row = read(workshop, kept)
    if row.verdict is None:
        conclusion = concluded(row, "infra_error")
        document = {"verdict": "infra_error", "reasons": [why], "conclusion": conclusion}
        with workshop.database.write() as session:
            kernel_checks.record(session, kept.held, verdict="infra_error", conclusion=conclusion, document=document)
        row = read(workshop, kept)
    teller = Teller(workshop, desk, row)
    kept.renew()
    run = teller.open(row, "It has its verdict.")
    kept.renew()
    teller.end_plainly(row, run, why)
    finish(workshop, kept)


def finish(workshop: Workshop, kept: Kept) -> None:
    with workshop.database.write() as session:
        leasing.finish(session, kept.held, now=workshop.clock())


def _source(workshop: Workshop, teller: Teller, row: KernelCheck) -> bytes:
    """The candidate, for the lines of annotations; empty when its commit is gone meanwhile."""
    try:
        found = mirror_of(workshop, teller, row).read_file(row.head_sha, str(row.entry["candidate"]), limit=MOST_SOURCE)
    except (RemoteUnavailable, MirrorBusy):
        raise
    except RepositoryError:
        return b""
    return found or b""


def patiently(workshop: Workshop, desk: Desk, kept: Kept, work: Callable[[], None]) -> None:
    """Works on a check. What may pass is met again later; what does not is told in a plain word, or ends the check
    untold where GitHub takes not even that. OperationalError of the database, after which the lease runs out."""
    try:
        _or_plainly(workshop, desk, kept, work)
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
    except OperationalError:
        raise
    except Exception as defect:
        log.exception("a check cannot be told")
        _end(workshop, kept, defect)


def _or_plainly(workshop: Workshop, desk: Desk, kept: Kept, work: Callable[[], None]) -> None:
    """A defect of ours left to itself would be met at every lease, for ever, and end the turn in which it is met."""
    if read(workshop, kept).claims > MOST_CLAIMS:
        tell_plainly(workshop, desk, kept, f"the worker was lost {MOST_CLAIMS} times at this")
        return
    try:
        work()
    except Unprocessable as refusal:
        log.warning("what is told of a check is refused", error=str(refusal))
        tell_plainly(workshop, desk, kept, f"GitHub refuses it: {refusal}")
    except (HandBack, LeaseLost, ForgeError, RepositoryError, OperationalError):
        raise
    except Exception as defect:
        log.exception("a check failed")
        tell_plainly(workshop, desk, kept, f"{type(defect).__name__} in Forgehand itself")


def _later(workshop: Workshop, kept: Kept, seconds: float, troubles: int) -> None:
    with workshop.database.write() as session:
        leasing.give_back(session, kept.held, wake_at=workshop.clock() + seconds, troubles=troubles)


def _end(workshop: Workshop, kept: Kept, why: Exception) -> None:
    log.warning("a check ends untold", error=str(why))
    finish(workshop, kept)
