"""What reaches a live task from outside: comments that steer it, reviews to answer. Each is taken in once."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store.schema import TaskInput


@dataclass(frozen=True, slots=True)
class Input:
    id: int
    key: str
    kind: str
    author: str
    permission: str
    body: str
    data: dict[str, Any]
    at: float
    not_before: float


def add(
    session: Session,
    task_id: str,
    *,
    key: str,
    kind: str,
    author: str,
    permission: str,
    body: str,
    data: dict[str, Any],
    now: float,
    not_before: float = 0.0,
) -> bool:
    """Adds an input unless one with this key is there already (then False). `not_before`: when it may be taken.

    IntegrityError when it cannot be stored for another reason, such as a task that does not exist.
    """
    row = TaskInput(
        task_id=task_id,
        key=key,
        kind=kind,
        author=author,
        permission=permission,
        body=body,
        data=data,
        at=now,
        not_before=not_before,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        same = select(TaskInput.id).where(TaskInput.task_id == task_id, TaskInput.key == key)
        if session.scalar(same) is None:
            raise
        return False
    return True


def waiting(session: Session, task_id: str, kind: str) -> list[Input]:
    """Inputs of a kind nobody has taken yet, oldest first, ripe or not."""
    rows = session.scalars(
        select(TaskInput)
        .where(TaskInput.task_id == task_id, TaskInput.kind == kind, TaskInput.taken_at.is_(None))
        .order_by(TaskInput.id)
    )
    return [_input(row) for row in rows]


def take(session: Session, task_id: str, kind: str, *, taker: str, now: float) -> list[Input]:
    """Takes every ripe input of a kind for `taker`, which gets the same ones again when it asks again.

    A window killed after taking a note and before writing it down asks again under its own name and finds it.
    """
    of_kind = (TaskInput.task_id == task_id, TaskInput.kind == kind)
    # Marked first and read back by the mark: of two that take at once, the second finds them marked.
    session.execute(
        update(TaskInput)
        .where(*of_kind, TaskInput.not_before <= now, TaskInput.taken_at.is_(None))
        .values(taken_at=now, taken_by=taker)
    )
    taken = session.scalars(select(TaskInput).where(*of_kind, TaskInput.taken_by == taker).order_by(TaskInput.id))
    return [_input(row) for row in taken]


def _input(row: TaskInput) -> Input:
    return Input(row.id, row.key, row.kind, row.author, row.permission, row.body, row.data, row.at, row.not_before)


def any_for(session: Session, task_id: str, kind: str, *, taker: str) -> bool:
    """Whether `take` may give `taker` anything, without a writing transaction: this is asked before every step."""
    found = session.scalar(
        select(TaskInput.id)
        .where(
            TaskInput.task_id == task_id,
            TaskInput.kind == kind,
            or_(TaskInput.taken_at.is_(None), TaskInput.taken_by == taker),
        )
        .limit(1)
    )
    return found is not None


def amend(session: Session, task_id: str, key: str, *, body: str, data: dict[str, Any]) -> bool:
    """Completes an input with what came after its first part. False when it was taken without these words before."""
    same = (TaskInput.task_id == task_id, TaskInput.key == key)
    if session.scalar(select(TaskInput.id).where(*same, TaskInput.body == body)) is not None:
        return True
    amended = session.execute(
        update(TaskInput)
        .where(*same, TaskInput.taken_at.is_(None))
        .values(body=body, data=data)
        .returning(TaskInput.id)
    )
    return amended.one_or_none() is not None
