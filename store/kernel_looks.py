"""Looks at pull requests: one finds out which kernels are to be verified, and opens a check for each."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import leasing
from store.leasing import Held
from store.schema import KernelCheck, KernelLook


@dataclass(frozen=True, slots=True)
class NewLook:
    """`asked`: who asked for which kernels; None for a head that came by itself."""

    key: str
    installation_id: int
    repository_id: int
    repository: str
    number: int
    asked: dict[str, Any] | None = None


def want_look(session: Session, new: NewLook, *, now: float) -> bool:
    """True when there will be a look: a new one, or one at a head that was looked at before or is being looked at (its
    base may have moved meanwhile). What somebody asked for is looked at once; pressing a button again counts anew where
    the first time made no round."""
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
        known = session.scalar(select(KernelLook).where(KernelLook.key == new.key).with_for_update())
        if known is None:
            raise
    if known.finished_at is None:
        if new.asked is not None or known.lease_until is None:
            return False
        known.rung_at = now
    elif new.asked is None or (new.asked.get("comment_id") is None and not _made_a_round(session, known)):
        known.wake_at, known.finished_at, known.outcome = now, None, None
        known.claims = known.troubles = 0
        known.asked = new.asked
    else:
        return False
    session.flush()
    return True


def _made_a_round(session: Session, look: KernelLook) -> bool:
    return session.scalar(select(KernelCheck.id).where(KernelCheck.look_id == look.id).limit(1)) is not None


def due_looks(session: Session, *, now: float, limit: int = 20) -> list[str]:
    free = or_(KernelLook.lease_until.is_(None), KernelLook.lease_until <= now)
    rows = select(KernelLook.id).where(KernelLook.wake_at <= now, free).order_by(KernelLook.wake_at).limit(limit)
    return list(session.scalars(rows))


def end_look(session: Session, held: Held, outcome: str, *, now: float) -> None:
    """Ends it, or has it looked at again where that was wanted while somebody looked. LeaseLost."""
    leasing.guard(session, held)
    look = session.get_one(KernelLook, held.id, populate_existing=True)
    look.outcome = outcome
    session.flush()
    if look.rung_at is None:
        leasing.finish(session, held, now=now)
    else:
        leasing.give_back(session, held, wake_at=now)


def looked_at(session: Session, repository_id: int, head_sha: str) -> int | None:
    """The number of a pull request that was looked at because it came to this head."""
    theirs = KernelLook.key.startswith(f"github:{repository_id}:", autoescape=True)
    at = KernelLook.key.endswith(f":{head_sha}", autoescape=True)
    return session.scalar(select(KernelLook.number).where(theirs, at, KernelLook.asked.is_(None)).limit(1))
