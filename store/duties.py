"""Duties one process at a time may have (relay, sweeper, poller), and marks in other people's logs."""

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store.schema import Lease, Mark


def take_duty(session: Session, name: str, owner: str, *, now: float, lease_s: float) -> bool:
    """True when `owner` has the duty for the next `lease_s` seconds: taken, kept, or taken over after it lapsed."""
    kept = session.execute(
        update(Lease)
        .where(Lease.name == name, or_(Lease.owner == owner, Lease.until <= now))
        .values(owner=owner, until=now + lease_s, fence=Lease.fence + 1)
        .returning(Lease.name)
    ).one_or_none()
    if kept is not None:
        return True
    if session.get(Lease, name) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(Lease(name=name, owner=owner, until=now + lease_s, fence=1))
    except IntegrityError:
        return False
    return True


def drop_duty(session: Session, name: str, owner: str, *, now: float) -> None:
    """Lets another process have the duty at once."""
    session.execute(update(Lease).where(Lease.name == name, Lease.owner == owner).values(until=now))


def mark(session: Session, name: str) -> str | None:
    row = session.get(Mark, name)
    return row.value if row is not None else None


def marks(session: Session, prefix: str) -> dict[str, str]:
    """Every mark whose name begins with `prefix`, which holds no wildcard of SQL's LIKE."""
    found = select(Mark.name, Mark.value).where(Mark.name.like(f"{prefix}%")).order_by(Mark.name)
    return dict(session.execute(found).all())


def set_mark(session: Session, name: str, value: str) -> None:
    session.merge(Mark(name=name, value=value))
