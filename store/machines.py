"""Who has a machine and who waits for one: the limits of a fleet, and a line in which nobody is starved.

A machine belongs to a claim: it is free again with the claim's lease, so a killed worker keeps none. A task that loses
its machine that way keeps its place in line.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from store.schema import Machine, Task
from store.tasks import Claim, guard

# Any number of our own: it keeps two workers on PostgreSQL from giving the last machine away twice.
_LOCK = 7018018


@dataclass(frozen=True, slots=True)
class FleetLimits:
    """How many machines at a time: in all, for one installation, one repository, one node. 0: as many as are asked."""

    fleet: int = 0
    installation: int = 0
    repository: int = 0
    node: int = 0

    @property
    def any(self) -> bool:
        return bool(self.fleet or self.installation or self.repository or self.node)


@dataclass(frozen=True, slots=True)
class Seat:
    """A task with a machine on `node`, or (`node` None) one that waits for a machine since `asked_at`."""

    task_id: str
    installation: int
    repository: str
    asked_at: float
    node: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task stands in line, from 1, and how many stand there."""

    number: int
    of: int


def line(waiting: Sequence[Seat], having: Sequence[Seat]) -> list[Seat]:
    """The order in which those who wait get machines: whose installation has fewest comes first, then who asked first.

    So an installation that asks for a hundred at once delays another's first by one machine, not by a hundred. Pure.
    """
    held = Counter(seat.installation for seat in having)
    left = sorted(waiting, key=lambda seat: (seat.asked_at, seat.task_id))
    order: list[Seat] = []
    while left:
        chosen = min(left, key=lambda seat: (held[seat.installation], seat.asked_at, seat.task_id))
        left.remove(chosen)
        held[chosen.installation] += 1
        order.append(chosen)
    return order


def may_have(task_id: str, node: str, waiting: Sequence[Seat], having: Sequence[Seat], limits: FleetLimits) -> bool:
    """Whether the task gets a machine on `node` now. Pure.

    Those before it in line come first where they could have the machine; one that its own installation's or
    repository's limit holds back holds back nobody else.
    """
    given = list(having)
    for seat in line(waiting, having):
        if _full(limits.fleet, len(given)):
            return False
        mine = seat.task_id == task_id
        held_back = _full(limits.installation, sum(one.installation == seat.installation for one in given)) or _full(
            limits.repository, sum(one.repository == seat.repository for one in given)
        )
        on_node = sum(one.node in (node, None) for one in given)
        if mine:
            return not held_back and not _full(limits.node, on_node)
        if not held_back:
            given.append(seat)
    return False


def _full(limit: int, used: int) -> bool:
    return limit > 0 and used >= limit


def ask(session: Session, held: Claim, node: str, limits: FleetLimits, *, now: float) -> Place | None:
    """None when the task has a machine on `node` for as long as the claim lasts; otherwise its place in line.

    LeaseLost when the claim does not stand.
    """
    guard(session, held)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    mine = session.get(Machine, held.task_id)
    if mine is None:
        task = session.get_one(Task, held.task_id)
        mine = Machine(task_id=task.id, asked_at=now, fence=0, node=node)
        session.add(mine)
        session.flush()
    elif mine.fence == held.fence:
        return None
    mine.fence = 0
    session.flush()
    waiting, having = _seats(session, now)
    if may_have(held.task_id, node, waiting, having, limits):
        mine.fence, mine.node = held.fence, node
        return None
    ids = [seat.task_id for seat in line(waiting, having)]
    return Place(ids.index(held.task_id) + 1, len(ids))


def give_back(session: Session, task_id: str) -> None:
    """The task needs no machine, and no place in line, until it asks again."""
    session.execute(delete(Machine).where(Machine.task_id == task_id))


def counts(session: Session, *, now: float) -> tuple[int, int]:
    """How many machines are in use, and how many tasks wait for one."""
    waiting, having = _seats(session, now)
    return len(having), len(waiting)


def _seats(session: Session, now: float) -> tuple[list[Seat], list[Seat]]:
    """Those who wait and those who have."""
    waiting: list[Seat] = []
    having: list[Seat] = []
    rows = session.execute(
        select(Machine, Task).join(Task, Task.id == Machine.task_id).where(Task.finished_at.is_(None))
    )
    for machine, task in rows:
        has = machine.fence == task.fence and task.lease_until is not None and task.lease_until > now
        seat = Seat(
            task.id, task.installation_id or 0, task.repository, machine.asked_at, machine.node if has else None
        )
        (having if has else waiting).append(seat)
    return waiting, having
