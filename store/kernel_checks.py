"""Kernels of pull requests: what is to be verified, and what came out.

There is one check for a commit, a kernel, a task and a base, whatever asked for it; asked for again by people, it goes
another round.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import leasing
from store.leasing import Held
from store.schema import KernelCheck, KernelLook

# A row for a GPU that nobody may take yet is rung for now and then only: a worker with a GPU may have come.
RING_FOR_GPU_S = 30.0
# What was taken before waits because a forge or a machine failed, and not for a GPU.
_FOR_A_GPU = and_(KernelCheck.device == "cuda", KernelCheck.claims == 0)


class NotNow(Exception):
    """Somebody is at the check and ends soon: to be met again in a moment."""


@dataclass(frozen=True, slots=True)
class NewCheck:
    """`digest` names the task. `entry`: reference, candidate, options, claims, and base where that is not the default
    branch. `wake_at`: when a worker without a GPU may take it; one with a GPU takes what is for `cuda` before."""

    kernel: str
    head_sha: str
    reference_sha: str
    digest: str
    entry: dict[str, Any]
    device: str
    unread: str | None
    wake_at: float


def want_check(session: Session, held: Held, new: NewCheck, *, again: bool, now: float) -> KernelCheck:
    """The check of this commit, kernel and task, made if need be. `held` is the look's; LeaseLost.

    One that has ended goes another round when it ended without a verdict, when the base branch has come to judge it by
    something else, and with `again` once for each look. One that is under way is held to what the base branch says now;
    NotNow while its check run is being opened or completed.
    """
    leasing.guard(session, held)
    look = session.get_one(KernelLook, held.id)
    key = f"github:{look.repository_id}:{new.head_sha}:{new.kernel}:{new.digest}"
    if new.entry.get("base"):
        key += f":{new.entry['base']}"
    known = select(KernelCheck).where(KernelCheck.key == key).with_for_update()
    row = session.scalar(known) or _made(session, look, new, key, now=now) or session.scalars(known).one()
    otherwise = _judged_by(row.entry, row.unread) != _judged_by(new.entry, new.unread)
    if row.finished_at is not None:
        if otherwise or row.verdict is None or (again and row.look_id != look.id):
            row.look_id, row.round, row.asked_at = look.id, row.round + 1, now
            row.finished_at = row.verdict = row.conclusion = row.document = row.chart = None
            row.installation_id, row.repository, row.number = look.installation_id, look.repository, look.number
            _begin_anew(row, new)
    elif otherwise:
        if row.verdict is not None or (row.lease_until is not None and row.lease_until > now and not is_open(row)):
            raise NotNow(f"the check of {row.kernel} is being opened or told")
        # Whoever verifies it loses the lease: what it was judged by is no longer what counts.
        row.fence, row.lease_owner, row.lease_until = row.fence + 1, None, None
        _begin_anew(row, new)
    session.flush()
    return row


def _judged_by(entry: dict[str, Any], unread: str | None) -> tuple[Any, ...]:
    """What a verdict depends on beside the digest of the task, which stands for the reference and the options."""
    return entry["candidate"], entry.get("claims"), unread


def _begin_anew(row: KernelCheck, new: NewCheck) -> None:
    row.wake_at, row.rung_at = new.wake_at, None
    row.claims = row.tries = row.troubles = 0
    row.entry, row.unread, row.reference_sha = new.entry, new.unread, new.reference_sha


def is_open(row: KernelCheck) -> bool:
    """Whether the present round has its check run."""
    return row.check_run is not None and bool(row.check_run["round"] == row.round)


def take_to_open(session: Session, row: KernelCheck, owner: str, *, now: float, lease_s: float) -> Held | None:
    """The check, for the moment in which its check run is opened; None where there is none to open. NotNow when it is
    somebody else's: two who look for the run at once both find none."""
    if row.finished_at is not None or is_open(row):
        return None
    held = leasing.take(session, KernelCheck, row.id, owner, now=now, lease_s=lease_s, early=true())
    if held is None:
        raise NotNow(f"the check run of {row.kernel} is being opened")
    return held


def _made(session: Session, look: KernelLook, new: NewCheck, key: str, *, now: float) -> KernelCheck | None:
    """None when another look has made it meanwhile."""
    row = KernelCheck(
        id=secrets.token_hex(16),
        key=key,
        look_id=look.id,
        installation_id=look.installation_id,
        repository_id=look.repository_id,
        repository=look.repository,
        number=look.number,
        kernel=new.kernel,
        head_sha=new.head_sha,
        reference_sha=new.reference_sha,
        entry=new.entry,
        unread=new.unread,
        device=new.device,
        round=1,
        asked_at=now,
        wake_at=new.wake_at,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        if session.scalar(select(KernelCheck.id).where(KernelCheck.key == key)) is None:
            raise
        return None
    return row


def get(session: Session, check_id: str) -> KernelCheck | None:
    return session.get(KernelCheck, check_id)


def due(session: Session, *, now: float, ring_again_after: float, limit: int = 100) -> list[str]:
    """Checks that a worker may take now, that nobody has, and for which the doorbell was not rung just now."""
    rung = KernelCheck.rung_at
    ready = and_(KernelCheck.wake_at <= now, or_(rung.is_(None), rung <= now - ring_again_after))
    early = and_(KernelCheck.wake_at > now, _FOR_A_GPU, or_(rung.is_(None), rung <= now - RING_FOR_GPU_S))
    free = or_(KernelCheck.lease_until.is_(None), KernelCheck.lease_until <= now)
    rows = select(KernelCheck.id).where(or_(ready, early), free).order_by(KernelCheck.wake_at).limit(limit)
    return list(session.scalars(rows))


def rung(session: Session, check_ids: list[str], *, now: float) -> None:
    session.execute(update(KernelCheck).where(KernelCheck.id.in_(check_ids)).values(rung_at=now))


def forgotten(session: Session, *, since: float, now: float, limit: int = 20) -> list[str]:
    """Checks that any worker might have taken since then and none did, whether none ever came or the last was lost.
    None while a worker has another or has come to a verdict since: it will come to these."""
    at_it = or_(
        KernelCheck.lease_until > now, and_(KernelCheck.finished_at > since, KernelCheck.verdict != "infra_error")
    )
    if session.scalar(select(KernelCheck.id).where(at_it).limit(1)) is not None:
        return []
    free = or_(KernelCheck.lease_until.is_(None), KernelCheck.lease_until < since)
    rows = select(KernelCheck.id).where(KernelCheck.wake_at < since, KernelCheck.verdict.is_(None), free)
    return list(session.scalars(rows.limit(limit)))


def untold(session: Session, *, now: float, limit: int = 20) -> list[str]:
    """Checks that have their verdict and wait to be told, while nobody has them."""
    free = or_(KernelCheck.lease_until.is_(None), KernelCheck.lease_until <= now)
    rows = select(KernelCheck.id).where(KernelCheck.wake_at <= now, KernelCheck.verdict.is_not(None), free)
    return list(session.scalars(rows.limit(limit)))


def claim(session: Session, check_id: str, owner: str, *, now: float, lease_s: float, gpu: bool) -> Held | None:
    """`gpu`: whether what is for `cuda` may be taken at once. What was given back waits for its time all the same."""
    early = _FOR_A_GPU if gpu else None
    return leasing.take(session, KernelCheck, check_id, owner, now=now, lease_s=lease_s, early=early)


def record(session: Session, held: Held, **columns: Any) -> None:
    """Changes columns of a held check. LeaseLost."""
    leasing.guard(session, held)
    row = session.get_one(KernelCheck, held.id, populate_existing=True)
    for column, value in columns.items():
        if column not in ("tries", "verdict", "conclusion", "document", "chart"):
            raise ValueError(f"{column} is not the worker's to change")
        setattr(row, column, value)
    session.flush()


def note_check_run(session: Session, check_id: str, round: int, run_id: int, url: str) -> None:
    """Notes the check run of a round. The fact is noted whoever holds the check now."""
    row = session.get_one(KernelCheck, check_id)
    if row.round == round:
        row.check_run = {"id": run_id, "url": url, "round": round}


def of_check_run(session: Session, repository_id: int, check_id: str) -> KernelCheck | None:
    return session.scalar(
        select(KernelCheck).where(KernelCheck.id == check_id, KernelCheck.repository_id == repository_id)
    )


def on_head(session: Session, repository_id: int, head_sha: str) -> list[KernelCheck]:
    rows = select(KernelCheck).where(KernelCheck.repository_id == repository_id, KernelCheck.head_sha == head_sha)
    return list(session.scalars(rows.order_by(KernelCheck.kernel)))
