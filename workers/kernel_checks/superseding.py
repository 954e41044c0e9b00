"""Whether anybody still waits for a check's verdict: a verification takes minutes, and anybody's pull request asks."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from store.schema import KernelCheck, KernelLook
from workers.kernel_checks.telling import Teller
from workers.workshop import Workshop

# More pull requests of one head are looked up nowhere: each costs a request.
_MOST = 5


def superseded(workshop: Workshop, teller: Teller, row: KernelCheck) -> str | None:
    """Why nobody waits for it; None while somebody does: a pull request that is open with this head, or with whatever
    head where somebody asked for this round. ForgeError.

    A pull request counts as pushed to again only once that push was looked at: GitHub's answers lag behind.
    """
    with workshop.database.read() as session:
        asked = session.get_one(KernelLook, row.look_id).asked is not None
        numbers = _numbers(session, row)
    why = ""
    for number in numbers:
        pull = teller.repository.pulls.get(number)
        if pull.state != "open":
            why = f"the pull request is {pull.state}"
            continue
        if asked or pull.head_sha == row.head_sha:
            return None
        with workshop.database.read() as session:
            if not _looked_at_since(session, row, number, pull.head_sha):
                return None
        why = f"the pull request has another head now, `{pull.head_sha[:12]}`"
    return why


def _numbers(session: Session, row: KernelCheck) -> list[int]:
    """Pull requests that had this head when they were looked at; the row's own first."""
    others = select(KernelLook.number).where(*_head(row, row.head_sha), KernelLook.number != row.number)
    return [row.number, *session.scalars(others.distinct().order_by(KernelLook.number.desc()).limit(_MOST))]


def _looked_at_since(session: Session, row: KernelCheck, number: int, head_sha: str) -> bool:
    first = select(KernelLook.created_at).where(KernelLook.id == row.look_id).scalar_subquery()
    later = select(KernelLook.id).where(
        *_head(row, head_sha), KernelLook.number == number, KernelLook.created_at >= first
    )
    return session.scalar(later.limit(1)) is not None


def _head(row: KernelCheck, head_sha: str) -> tuple[ColumnElement[bool], ...]:
    """The looks at a head; those that people asked for have another key."""
    return KernelLook.repository_id == row.repository_id, KernelLook.key.endswith(f":{head_sha}")
