"""The agent's journal: what a window said and did, durable before the next thing happens."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.schema import JournalEntry
from store.tasks import Claim, progressed


@dataclass(frozen=True, slots=True)
class Recorded:
    seq: int
    entry: dict[str, Any]


def append(
    session: Session, held: Claim, window: str, entry: dict[str, Any], changes: bytes | None, *, now: float
) -> int:
    """Adds an entry to a window and returns its number, from 1. LeaseLost when the task is not ours any more."""
    progressed(session, held)
    last = session.scalar(
        select(func.max(JournalEntry.seq)).where(JournalEntry.task_id == held.task_id, JournalEntry.window == window)
    )
    seq = (last or 0) + 1
    session.add(JournalEntry(task_id=held.task_id, window=window, seq=seq, at=now, entry=entry, changes=changes))
    return seq


def load(session: Session, task_id: str, window: str) -> list[Recorded]:
    """A window's entries in order."""
    rows = session.execute(
        select(JournalEntry.seq, JournalEntry.entry)
        .where(JournalEntry.task_id == task_id, JournalEntry.window == window)
        .order_by(JournalEntry.seq)
    )
    return [Recorded(seq, entry) for seq, entry in rows]


def last_changes(session: Session, task_id: str, windows: list[str]) -> bytes | None:
    """The newest snapshot of the tree's changes taken in any of these windows."""
    return session.scalar(
        select(JournalEntry.changes)
        .where(JournalEntry.task_id == task_id, JournalEntry.window.in_(windows), JournalEntry.changes.is_not(None))
        .order_by(JournalEntry.id.desc())
        .limit(1)
    )


def of_task(session: Session, task_id: str) -> list[tuple[str, Recorded]]:
    """The whole trajectory of a task: (window, entry) in the order things happened."""
    rows = session.execute(
        select(JournalEntry.window, JournalEntry.seq, JournalEntry.entry)
        .where(JournalEntry.task_id == task_id)
        .order_by(JournalEntry.id)
    )
    return [(window, Recorded(seq, entry)) for window, seq, entry in rows]
