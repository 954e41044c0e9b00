"""Proofs as they were made, one for each commit that was proven."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.schema import ProofRow
from store.tasks import Claim, guard


def save(session: Session, held: Claim, head_sha: str, verdict: str, document: dict[str, Any], *, now: float) -> None:
    """Keeps the proof of a commit; proving the same commit again replaces it."""
    guard(session, held)
    row = session.scalar(select(ProofRow).where(ProofRow.task_id == held.task_id, ProofRow.head_sha == head_sha))
    if row is None:
        session.add(ProofRow(task_id=held.task_id, head_sha=head_sha, verdict=verdict, at=now, document=document))
    else:
        row.verdict, row.document, row.at = verdict, document, now


def of_head(session: Session, task_id: str, head_sha: str) -> dict[str, Any] | None:
    return session.scalar(select(ProofRow.document).where(ProofRow.task_id == task_id, ProofRow.head_sha == head_sha))


def latest(session: Session, task_id: str) -> dict[str, Any] | None:
    """The proof made last, which may be one of an older commit made again."""
    return session.scalar(
        select(ProofRow.document)
        .where(ProofRow.task_id == task_id)
        .order_by(ProofRow.at.desc(), ProofRow.id.desc())
        .limit(1)
    )
