"""Tasks and claims as the store's tests need them. Times are small numbers: the store is told the time."""

from typing import Any

from sqlalchemy.orm import Session

from store import Claim, Database, Limits, NewTask, Stage, tasks
from store.schema import Task

AMPLE = Limits(usd_nanos=10**12, tokens=10**9, steps=10**6, seconds=1e6)


def new_task(subject: str = "github:9:issue:1", *, limits: Limits = AMPLE, **others: Any) -> NewTask:
    return NewTask(
        source="github",
        subject=subject,
        repository="octo/spoon",
        request={"trigger": "assigned", "actor": "mona"},
        ticket={"title": "Spoons bend", "body": "They should not."},
        limits=limits,
        **others,
    )


def create(database: Database, subject: str = "github:9:issue:1", *, now: float = 0.0, **others: Any) -> str:
    """Makes a task that must be makeable; its id."""
    with database.write() as session:
        task = tasks.create(session, new_task(subject, **others), now=now)
        assert task is not None
        return task.id


def claim(database: Database, task_id: str, owner: str = "worker-1", *, now: float = 0.0, lease_s: float = 60) -> Claim:
    """Claims a task that must be claimable."""
    with database.write() as session:
        held = tasks.claim(session, task_id, owner, now=now, lease_s=lease_s)
        assert held is not None
        return held


def claimed(database: Database, subject: str = "github:9:issue:1", **others: Any) -> Claim:
    """A fresh task in the hands of worker-1 until 60."""
    return claim(database, create(database, subject, **others))


def end(database: Database, held: Claim, *, now: float = 0.0, there: Stage = Stage.DONE) -> None:
    with database.write() as session:
        tasks.advance(session, held, there, now=now)
        tasks.finish(session, held, now=now)


def row(database: Database, task_id: str) -> Task:
    """The task as the database has it now, detached."""
    with database.read() as session:
        return fresh(session, task_id)


def fresh(session: Session, task_id: str) -> Task:
    task = session.get_one(Task, task_id, populate_existing=True)
    session.expunge(task)
    return task
