"""Kernels of pull requests: what is to be looked at, what is to be verified, and what came out.

A look finds out which kernels of a pull request are to be verified and opens a check for each. There is one check for a
commit, a kernel and a task, whatever asked for it; asked for again by people, it goes another round.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import leasing
from store.leasing import Held
from store.schema import KernelCheck, KernelLook

# A row for a GPU that nobody may take yet is rung for now and then only: a worker with a GPU may have come.
RING_FOR_GPU_S = 30.0


@dataclass(frozen=True, slots=True)
class NewLook:
    """`asked`: who asked for which kernels; None for a head that came by itself."""

    key: str
    installation_id: int
    repository_id: int
    repository: str
    number: int
    asked: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewCheck:
    """`digest` names the task. `wake_at`: when a worker without a GPU may take it; one with a GPU takes what is for
    `cuda` before."""

    kernel: str
    head_sha: str
    reference_sha: str
    digest: str
    entry: dict[str, Any]
    device: str
    unread: str | None
    wake_at: float


def want_look(session: Session, new: NewLook, *, now: float) -> bool:
    """True when there will be a look: a new one, or one at a head that was looked at before (its base may have moved).
    What somebody asked for is looked at once."""
    row = KernelLook(
        id=secrets.token_hex(16),
        key=new.key,
        installation_id=new.installation_id,
        repository_id=new.repository_id,
        repository=new.repository,
        number=new.number,
        asked=new.asked,
        wake_at=now,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
        return True
    except IntegrityError:
        known = session.scalar(select(KernelLook).where(KernelLook.key == new.key))
        if known is None:
            raise
    if new.asked is not None:
        return False
    woken = session.execute(
        update(KernelLook)
        .where(KernelLook.key == new.key, KernelLook.finished_at.is_not(None))
        .values(wake_at=now, finished_at=None, claims=0, troubles=0, outcome=None)
        .returning(KernelLook.id)
    )
    return woken.one_or_none() is not None


def due_looks(session: Session, *, now: float, limit: int = 20) -> list[str]:
    free = or_(KernelLook.lease_until.is_(None), KernelLook.lease_until <= now)
    rows = select(KernelLook.id).where(KernelLook.wake_at <= now, free).order_by(KernelLook.wake_at).limit(limit)
    return list(session.scalars(rows))


def end_look(session: Session, held: Held, outcome: str, *, now: float) -> None:
    leasing.finish(session, held, now=now)
    session.get_one(KernelLook, held.id, populate_existing=True).outcome = outcome


def want_check(session: Session, held: Held, new: NewCheck, *, again: bool, now: float) -> KernelCheck:
    """The check of this commit, kernel and task, made if need be. `again`: one that has ended goes another round, once
    for each look. `held` is the look's; LeaseLost."""
    leasing.guard(session, held)
    look = session.get_one(KernelLook, held.id)
    key = f"github:{look.repository_id}:{new.head_sha}:{new.kernel}:{new.digest}"
    known = select(KernelCheck).where(KernelCheck.key == key).with_for_update()
    row = session.scalar(known) or _made(session, look, new, key, now=now) or session.scalars(known).one()
    if again and row.finished_at is not None and row.look_id != look.id:
        row.look_id, row.round, row.asked_at, row.wake_at = look.id, row.round + 1, now, new.wake_at
        row.finished_at = row.rung_at = row.verdict = row.conclusion = row.document = row.chart = None
        row.claims = row.tries = row.troubles = 0
        row.entry, row.unread, row.reference_sha = new.entry, new.unread, new.reference_sha
        row.installation_id, row.repository = look.installation_id, look.repository
    session.flush()
    return row


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
    early = and_(
        KernelCheck.wake_at > now, KernelCheck.device == "cuda", or_(rung.is_(None), rung <= now - RING_FOR_GPU_S)
    )
    free = or_(KernelCheck.lease_until.is_(None), KernelCheck.lease_until <= now)
    rows = select(KernelCheck.id).where(or_(ready, early), free).order_by(KernelCheck.wake_at).limit(limit)
    return list(session.scalars(rows))


def rung(session: Session, check_ids: list[str], *, now: float) -> None:
    session.execute(update(KernelCheck).where(KernelCheck.id.in_(check_ids)).values(rung_at=now))


def untaken(session: Session, *, asked_before: float, now: float, limit: int = 20) -> list[str]:
    """Checks that no worker ever took in this round, though they were asked for so long ago; none while a worker has
    another, since it will come to these."""
    if session.scalar(select(KernelCheck.id).where(KernelCheck.lease_until > now).limit(1)) is not None:
        return []
    rows = select(KernelCheck.id).where(
        KernelCheck.wake_at.is_not(None), KernelCheck.claims == 0, KernelCheck.asked_at < asked_before
    )
    return list(session.scalars(rows.limit(limit)))


def untold(session: Session, *, now: float, limit: int = 20) -> list[str]:
    """Checks that have their verdict and wait to be told, while nobody has them."""
    free = or_(KernelCheck.lease_until.is_(None), KernelCheck.lease_until <= now)
    rows = select(KernelCheck.id).where(KernelCheck.wake_at <= now, KernelCheck.verdict.is_not(None), free)
    return list(session.scalars(rows.limit(limit)))


def claim(session: Session, check_id: str, owner: str, *, now: float, lease_s: float, gpu: bool) -> Held | None:
    """`gpu`: whether what is for `cuda` may be taken at once."""
    early = KernelCheck.device == "cuda" if gpu else None
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
