"""Budgets: set aside before each model call, settled after it. A reservation that does not fit is refused.

A reservation whose worker died stays: nobody knows whether the provider billed it, so it counts as spent until the
same call is made again under the same key, which replaces it. A call that was settled was billed: when it is made
again under its key, both count.
"""

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from store.schema import BudgetEntry, Task
from store.tasks import Claim, guard


class BudgetExhausted(Exception):
    """A reservation would pass a limit of the task. `limit` names it: money, token, step or time."""

    def __init__(self, limit: str, used: str, allowed: str) -> None:
        self.limit = limit
        super().__init__(f"the task's {limit} budget is used up: {used} of {allowed}")


@dataclass(frozen=True, slots=True)
class Spending:
    """Nanodollars and tokens, reserved ones included, and the number of model calls."""

    usd_nanos: int
    tokens: int
    steps: int


def spending(session: Session, task_id: str, *, but: str | None = None) -> Spending:
    """What a task used so far, leaving out the open reservation with key `but`."""
    row = session.execute(
        select(
            func.coalesce(func.sum(BudgetEntry.usd_nanos), 0),
            func.coalesce(func.sum(BudgetEntry.tokens), 0),
            func.count(BudgetEntry.id),
        ).where(BudgetEntry.task_id == task_id, or_(BudgetEntry.settled, BudgetEntry.key != (but or "")))
    ).one()
    return Spending(int(row[0]), int(row[1]), int(row[2]))


def reserve(
    session: Session, held: Claim, key: str, *, usd_nanos: int, tokens: int, worked_s: float, now: float
) -> None:
    """Sets money and tokens aside for the call `key`, or raises BudgetExhausted. LeaseLost when not ours any more.

    `worked_s`: seconds worked since the last heartbeat, which the row does not know yet. A limit of 0 on money or
    tokens is no limit.
    """
    guard(session, held)
    task = session.get_one(Task, held.task_id, populate_existing=True)
    used = spending(session, task.id, but=key)
    if task.active_seconds + worked_s > task.limit_seconds:
        raise BudgetExhausted("time", f"{task.active_seconds + worked_s:.0f} s", f"{task.limit_seconds:.0f} s")
    if used.steps + 1 > task.limit_steps:
        raise BudgetExhausted("step", f"{used.steps} model calls", str(task.limit_steps))
    if task.limit_tokens and used.tokens + tokens > task.limit_tokens:
        raise BudgetExhausted("token", f"{used.tokens} and the next call may take {tokens}", str(task.limit_tokens))
    if task.limit_usd_nanos and used.usd_nanos + usd_nanos > task.limit_usd_nanos:
        raise BudgetExhausted(
            "money",
            f"{dollars(used.usd_nanos)} and the next call may cost {dollars(usd_nanos)}",
            dollars(task.limit_usd_nanos),
        )
    entry = _entry(session, task.id, key)
    if entry is not None and not entry.settled:
        entry.usd_nanos, entry.tokens, entry.at = usd_nanos, tokens, now
        return
    if entry is not None:
        _set_apart(session, entry)
    session.add(BudgetEntry(task_id=task.id, key=key, at=now, settled=False, usd_nanos=usd_nanos, tokens=tokens))


def settle(session: Session, task_id: str, key: str, *, usd_nanos: int, tokens: int) -> None:
    """Replaces the reservation `key` by what the call came to. LookupError when there never was one.

    Needs no lease: the money is spent whoever holds the task now. Two workers may have made the call, one after its
    lease was lost: both settle, and both amounts count.
    """
    session.execute(select(Task.id).where(Task.id == task_id).with_for_update())  # one at a time, as guard() does
    entry = _entry(session, task_id, key)
    if entry is None:
        raise LookupError(f"task {task_id} has no reservation {key}")
    if entry.settled:
        _set_apart(session, entry)
        entry = BudgetEntry(task_id=task_id, key=key, at=entry.at)
        session.add(entry)
    entry.usd_nanos, entry.tokens, entry.settled = usd_nanos, tokens, True


def _entry(session: Session, task_id: str, key: str) -> BudgetEntry | None:
    return session.scalar(select(BudgetEntry).where(BudgetEntry.task_id == task_id, BudgetEntry.key == key))


def _set_apart(session: Session, paid: BudgetEntry) -> None:
    """Keeps what was paid under a key, and frees the key for the same call made again."""
    paid.key = f"{paid.key} (paid, entry {paid.id})"
    session.flush()


def dollars(nanos: int) -> str:
    return f"${nanos / 1e9:.2f}" if nanos % 10_000_000 == 0 else f"${nanos / 1e9:.4f}"
