"""Leases on rows that are no tasks: taken by one worker at a time, with a fence that every write of it names."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from store.schema import KernelCheck, KernelLook
from store.tasks import LeaseLost

Leased = type[KernelLook] | type[KernelCheck]


@dataclass(frozen=True, slots=True)
class Held:
    """The right to work on a row of `table` until the lease ends."""

    table: Leased
    id: str
    owner: str
    fence: int


def take(
    session: Session, table: Leased, id: str, owner: str, *, now: float, lease_s: float, early: Any = None
) -> Held | None:
    """The row for `lease_s` seconds; None when it does not want to run or somebody has it. `early`: a condition under
    which a row that has not ended is taken before its time."""
    wants = table.wake_at <= now if early is None else or_(table.wake_at <= now, table.wake_at.is_not(None) & early)
    taken = session.execute(
        update(table)
        .where(table.id == id, wants, or_(table.lease_until.is_(None), table.lease_until <= now))
        .values(lease_owner=owner, lease_until=now + lease_s, fence=table.fence + 1, claims=table.claims + 1)
        .returning(table.fence)
    ).one_or_none()
    return None if taken is None else Held(table, id, owner, taken.fence)


def guard(session: Session, held: Held) -> None:
    """Raises LeaseLost unless the lease still stands; the row stays locked until the transaction ends."""
    _change(session, held, fence=held.fence)


def renew(session: Session, held: Held, *, now: float, lease_s: float) -> None:
    """LeaseLost when somebody took over."""
    _change(session, held, lease_until=now + lease_s)


def give_back(session: Session, held: Held, *, wake_at: float, troubles: int = 0) -> None:
    """Wants to run again at `wake_at`, elsewhere or here. LeaseLost."""
    _change(
        session, held, lease_owner=None, lease_until=None, rung_at=None, wake_at=wake_at, claims=1, troubles=troubles
    )


def put_down(session: Session, held: Held, *, now: float) -> None:
    """Leaves the row as if nobody had taken it, for whom the doorbell is rung now. LeaseLost."""
    _change(session, held, lease_owner=None, lease_until=None, rung_at=now, claims=0)


def finish(session: Session, held: Held, *, now: float) -> None:
    """Ends the row. LeaseLost."""
    _change(session, held, lease_owner=None, lease_until=None, wake_at=None, finished_at=now)


def _change(session: Session, held: Held, **values: Any) -> None:
    table = held.table
    changed = session.execute(
        update(table)
        .where(table.id == held.id, table.fence == held.fence, table.lease_owner == held.owner)
        .values(**values)
        .returning(table.id)
    )
    if changed.one_or_none() is None:
        raise LeaseLost(held.id)
