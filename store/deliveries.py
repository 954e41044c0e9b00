"""The inbox's reading side: what the relay takes, in the order it came, subject by subject."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from store.schema import Delivery

# With the delays below about three hours: an outage of the forge has to be longer to lose a request.
MAX_ATTEMPTS = 26
FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 600.0


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery not yet acted on. `body` is the raw bytes the signature was checked over."""

    id: int
    source: str
    app_id: str
    delivery_id: str
    event: str
    content_type: str
    body: bytes
    received_at: float
    subject: str | None
    attempts: int
    next_at: float


def retry_delay(attempts: int) -> float:
    """Seconds until the next try after `attempts` failed ones: doubling, bounded."""
    return min(FIRST_RETRY_S * 2.0 ** max(0, attempts - 1), LONGEST_RETRY_S)


def ready(session: Session, *, now: float, limit: int) -> list[Pending]:
    """The oldest deliveries nobody has acted on that may be acted on now, in order of arrival."""
    rows = session.scalars(
        select(Delivery).where(Delivery.state == "pending", Delivery.next_at <= now).order_by(Delivery.id).limit(limit)
    )
    return [
        Pending(
            row.id,
            row.source,
            row.app_id,
            row.delivery_id,
            row.event,
            row.content_type,
            row.body,
            row.received_at,
            row.subject,
            row.attempts,
            row.next_at,
        )
        for row in rows
    ]


def heads(session: Session, *, now: float) -> dict[str, tuple[int, float]]:
    """For each subject with deliveries that wait for a retry: the first one's number, and when it is tried again.

    What came later for such a subject has to wait as well. A subject is known only once a delivery was read, so this
    is asked for after reading the new ones.
    """
    rows = session.execute(
        select(Delivery.subject, Delivery.id, Delivery.next_at)
        .where(Delivery.state == "pending", Delivery.next_at > now)
        .order_by(Delivery.id.desc())
    )
    return {subject: (number, next_at) for subject, number, next_at in rows if subject is not None}


def hold(session: Session, row: Pending, *, subject: str, until: float) -> None:
    """Lets a delivery wait, behind an earlier one of its subject or because the forge said so. Costs it no try."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == row.id, Delivery.state == "pending")
        .values(next_at=until, subject=subject)
    )


def settle(session: Session, delivery: int, *, state: str, outcome: str, subject: str | None, now: float) -> bool:
    """Ends a delivery: `done`, `ignored` or `failed`, with the reason a person can read.

    False when it was settled before, by another relay: whoever meant to act on it must not.
    """
    ended = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery, Delivery.state == "pending")
        .values(state=state, outcome=outcome, subject=subject, processed_at=now)
        .returning(Delivery.id)
    )
    return ended.one_or_none() is not None


def postpone(session: Session, row: Pending, *, outcome: str, subject: str | None, now: float) -> bool:
    """Schedules another try, or ends the delivery as failed when it had them all. True when it will be tried again."""
    attempts = row.attempts + 1
    session.execute(
        update(Delivery)
        .where(Delivery.id == row.id, Delivery.state == "pending")
        .values(attempts=attempts, next_at=now + retry_delay(attempts), outcome=outcome, subject=subject)
    )
    if attempts >= MAX_ATTEMPTS:
        settle(session, row.id, state="failed", outcome=outcome, subject=subject, now=now)
        return False
    return True


def known(session: Session, source: str, app_id: str, delivery_ids: Sequence[str]) -> set[str]:
    """Which of these delivery ids the inbox already holds."""
    found = session.scalars(
        select(Delivery.delivery_id).where(
            Delivery.source == source, Delivery.app_id == app_id, Delivery.delivery_id.in_(delivery_ids)
        )
    )
    return set(found)


def counts(session: Session) -> dict[str, int]:
    """Deliveries by state."""
    return dict(session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all())


def oldest_pending_at(session: Session) -> float | None:
    return session.scalar(select(func.min(Delivery.received_at)).where(Delivery.state == "pending"))
