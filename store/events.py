"""The event log of a task: everything people are shown is drawn from it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.schema import TaskEvent


@dataclass(frozen=True, slots=True)
class Event:
    seq: int
    at: float
    kind: str
    stage: str
    data: dict[str, Any]


def append(session: Session, task_id: str, stage: str, kind: str, data: dict[str, Any], *, now: float) -> int:
    """Adds an event and returns its number, from 1. The caller holds the task's row, so numbers do not collide."""
    last = session.scalar(select(func.max(TaskEvent.seq)).where(TaskEvent.task_id == task_id)) or 0
    session.add(TaskEvent(task_id=task_id, seq=last + 1, at=now, kind=kind, stage=stage, data=data))
    session.flush()
    return last + 1


def of_task(session: Session, task_id: str, *, after: int = 0) -> list[Event]:
    """The task's events in order, those numbered over `after`."""
    rows = session.scalars(
        select(TaskEvent).where(TaskEvent.task_id == task_id, TaskEvent.seq > after).order_by(TaskEvent.seq)
    )
    return [Event(row.seq, row.at, row.kind, row.stage, row.data) for row in rows]
