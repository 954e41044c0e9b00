"""Tasks: made once, claimed by one worker at a time, moved along arrows, parked and woken, ended once.

A claim is a lease with a fence number. Every write a worker makes names its claim, and a worker whose lease was
taken over gets LeaseLost instead of a write: after that it must touch nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import events
from store.ids import new_task_id
from store.schema import Task
from store.stages import TERMINAL, Stage, check_move

# What a worker may change. The rest is written by the functions below alone: another hand would go round the arrows,
# the leases or the fences.
WORK_COLUMNS = frozenset({"reason", "base_branch", "base_sha", "branch", "head_sha", "pull_number", "data", "ticket"})


class LeaseLost(Exception):
    """Another worker has the task now, or it has ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task may use: US nanodollars, tokens, model calls, seconds of work."""

    usd_nanos: int
    tokens: int
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class NewTask:
    source: str
    subject: str
    repository: str
    request: dict[str, Any]
    ticket: dict[str, Any]
    limits: Limits
    installation_id: int | None = None
    repository_id: int | None = None
    number: int | None = None
    is_pull_request: bool = False
    request_key: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)  # further columns, such as branch and pull_number


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a task until the lease ends. `signals` is how many inputs it had when claimed."""

    task_id: str
    owner: str
    fence: int
    signals: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a renewal tells the worker: who asked for a stop, and whether inputs came in since the claim."""

    stop_requested_by: str | None
    signals: int


def create(session: Session, new: NewTask, *, now: float) -> Task | None:
    """The new task, or None when its subject has a live task already or its request was taken before.

    IntegrityError when it cannot be stored for another reason: None would drop the request without a word.
    """
    task = Task(
        id=new_task_id(now),
        source=new.source,
        subject=new.subject,
        active_subject=new.subject,
        installation_id=new.installation_id,
        repository_id=new.repository_id,
        repository=new.repository,
        number=new.number,
        is_pull_request=new.is_pull_request,
        request_key=new.request_key,
        request=new.request,
        ticket=new.ticket,
        stage=Stage.RECEIVED,
        stage_since=now,
        data={},
        wake_at=now,
        limit_usd_nanos=new.limits.usd_nanos,
        limit_tokens=new.limits.tokens,
        limit_steps=new.limits.steps,
        limit_seconds=new.limits.seconds,
        created_at=now,
        updated_at=now,
        **new.fields,
    )
    try:
        with session.begin_nested():
            session.add(task)
    except IntegrityError:
        if live_on(session, new.subject) is None and not _was_requested(session, new.request_key):
            raise
        return None
    events.append(session, task.id, Stage.RECEIVED, "received", {"request": new.request}, now=now)
    return task


def _was_requested(session: Session, key: str | None) -> bool:
    return key is not None and session.scalar(select(Task.id).where(Task.request_key == key)) is not None


def get(session: Session, task_id: str) -> Task | None:
    return session.get(Task, task_id)


def live_on(session: Session, subject: str) -> Task | None:
    """The subject's live task, if there is one."""
    return session.scalar(select(Task).where(Task.active_subject == subject))


def latest_on(session: Session, subject: str) -> Task | None:
    """The subject's newest task, live or ended."""
    return session.scalar(select(Task).where(Task.subject == subject).order_by(Task.created_at.desc()).limit(1))


def runnable(session: Session, *, now: float, ring_again_after: float, limit: int = 100) -> list[str]:
    """Tasks that want to run, that nobody holds, and for which the doorbell was not rung just now."""
    return list(
        session.scalars(
            select(Task.id)
            .where(
                Task.wake_at <= now,
                or_(Task.lease_until.is_(None), Task.lease_until <= now),
                or_(Task.rung_at.is_(None), Task.rung_at <= now - ring_again_after),
            )
            .order_by(Task.wake_at)
            .limit(limit)
        )
    )


def rung(session: Session, task_ids: Sequence[str], *, now: float) -> None:
    session.execute(update(Task).where(Task.id.in_(task_ids)).values(rung_at=now))


def claim(session: Session, task_id: str, owner: str, *, now: float, lease_s: float) -> Claim | None:
    """Takes the task for `lease_s` seconds, or None when it does not want to run or somebody else has it."""
    taken = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.wake_at <= now, or_(Task.lease_until.is_(None), Task.lease_until <= now))
        .values(
            lease_owner=owner,
            lease_until=now + lease_s,
            fence=Task.fence + 1,
            claims_without_progress=Task.claims_without_progress + 1,
        )
        .returning(Task.fence, Task.signals)
    ).one_or_none()
    return None if taken is None else Claim(task_id, owner, taken.fence, taken.signals)


def _held(held: Claim) -> Any:
    return (Task.id == held.task_id, Task.fence == held.fence, Task.lease_owner == held.owner)


def guard(session: Session, held: Claim) -> None:
    """Raises LeaseLost unless the claim still stands; the row stays locked until the transaction ends."""
    touched = session.execute(update(Task).where(*_held(held)).values(fence=Task.fence).returning(Task.id))
    if touched.one_or_none() is None:
        raise LeaseLost(held.task_id)


def progressed(session: Session, held: Claim) -> None:
    """Like `guard`, and notes that the claim got somewhere: a worker lost after this is not held against the task."""
    touched = session.execute(update(Task).where(*_held(held)).values(claims_without_progress=0).returning(Task.id))
    if touched.one_or_none() is None:
        raise LeaseLost(held.task_id)


def renew(session: Session, held: Claim, *, now: float, lease_s: float, worked_s: float = 0.0) -> Pulse:
    """Extends the lease and counts `worked_s` seconds of work. LeaseLost when another worker took over."""
    row = session.execute(
        update(Task)
        .where(*_held(held))
        .values(lease_until=now + lease_s, active_seconds=Task.active_seconds + worked_s)
        .returning(Task.stop_requested_by, Task.signals)
    ).one_or_none()
    if row is None:
        raise LeaseLost(held.task_id)
    return Pulse(row.stop_requested_by, row.signals)


def pulse(session: Session, held: Claim) -> Pulse:
    """The same news without extending the lease, for looking often."""
    row = session.execute(select(Task.stop_requested_by, Task.signals).where(*_held(held))).one_or_none()
    if row is None:
        raise LeaseLost(held.task_id)
    return Pulse(row.stop_requested_by, row.signals)


def _change(task: Task, columns: Mapping[str, Any]) -> None:
    for column, value in columns.items():
        if column not in WORK_COLUMNS:
            raise ValueError(
                f"{column} is not among the columns a worker may change: {', '.join(sorted(WORK_COLUMNS))}"
            )
        setattr(task, column, value)


def advance(
    session: Session, held: Claim, there: Stage, *, now: float, reason: str | None = None, **columns: Any
) -> Task:
    """Moves the task along an arrow, with the columns that change with it, and logs the arrow.

    LeaseLost; IllegalMove when there is no such arrow; ValueError for a column that is not the worker's to change.
    """
    guard(session, held)
    task = session.get_one(Task, held.task_id, populate_existing=True)
    here = Stage(task.stage)
    check_move(here, there)
    _change(task, columns)
    task.stage, task.stage_since, task.updated_at = there, now, now
    task.claims_without_progress = 0
    if reason is not None:
        task.reason = reason
    events.append(session, task.id, there, "stage", {"from": here, "reason": reason}, now=now)
    session.flush()
    return task


def record(session: Session, held: Claim, *, now: float, **columns: Any) -> Task:
    """Changes columns within a stage; counts as progress."""
    guard(session, held)
    task = session.get_one(Task, held.task_id, populate_existing=True)
    _change(task, columns)
    task.updated_at = now
    task.claims_without_progress = 0
    session.flush()
    return task


def park(session: Session, held: Claim, *, wake_at: float, now: float) -> None:
    """Gives the task back until `wake_at`, or at once when an input came in since it was claimed."""
    done = session.execute(
        update(Task)
        .where(*_held(held))
        .values(
            lease_owner=None,
            lease_until=None,
            rung_at=None,
            claims_without_progress=0,
            wake_at=case((Task.signals == held.signals, wake_at), else_=now),
        )
        .returning(Task.id)
    )
    if done.one_or_none() is None:
        raise LeaseLost(held.task_id)


def finish(session: Session, held: Claim, *, now: float) -> None:
    """Closes a task that stands in a terminal stage: its subject is free for another, and nothing wakes it again."""
    guard(session, held)
    task = session.get_one(Task, held.task_id, populate_existing=True)
    if Stage(task.stage) not in TERMINAL:
        raise ValueError(f"task {task.id} is {task.stage}: only a task at an end can be finished")
    task.active_subject = task.lease_owner = task.lease_until = task.wake_at = None
    task.finished_at = task.updated_at = now
    session.flush()


def wake(session: Session, task_id: str, *, now: float) -> bool:
    """Tells a live task that something happened. It runs now, or again when its present run parks."""
    woken = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.wake_at.is_not(None))
        .values(
            wake_at=func.min(Task.wake_at, now) if _is_sqlite(session) else func.least(Task.wake_at, now),
            signals=Task.signals + 1,
            rung_at=None,
        )
        .returning(Task.id)
    )
    return woken.one_or_none() is not None


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def request_stop(session: Session, task_id: str, who: str, *, now: float) -> bool:
    """Asks a live task to stop. False when it has ended, or when somebody asked before."""
    asked = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.wake_at.is_not(None), Task.stop_requested_by.is_(None))
        .values(stop_requested_by=who)
        .returning(Task.id)
    ).one_or_none()
    if asked is not None:
        wake(session, task_id, now=now)
    return asked is not None


def parked_on_head(session: Session, repository_id: int, head_sha: str) -> list[str]:
    """Live tasks of a repository whose pull request's head is this commit."""
    return list(
        session.scalars(
            select(Task.id).where(
                Task.repository_id == repository_id, Task.head_sha == head_sha, Task.wake_at.is_not(None)
            )
        )
    )


def on_pull_request(session: Session, repository_id: int, pull_number: int) -> Task | None:
    """The newest live task that owns this pull request."""
    return session.scalar(
        select(Task)
        .where(Task.repository_id == repository_id, Task.pull_number == pull_number, Task.wake_at.is_not(None))
        .order_by(Task.created_at.desc())
        .limit(1)
    )


def last_of_pull_request(session: Session, repository_id: int, pull_number: int) -> Task | None:
    """The newest task, live or ended, that owns this pull request."""
    return session.scalar(
        select(Task)
        .where(Task.repository_id == repository_id, Task.pull_number == pull_number)
        .order_by(Task.created_at.desc())
        .limit(1)
    )


def live_on_branch(session: Session, repository_id: int, branch: str) -> list[str]:
    """Live tasks that work on a branch."""
    return list(
        session.scalars(
            select(Task.id).where(Task.repository_id == repository_id, Task.branch == branch, Task.wake_at.is_not(None))
        )
    )
