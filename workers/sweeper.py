"""Rings again for tasks that want to run and that nobody holds; removes boxes whose owner is gone."""

from __future__ import annotations

from collections.abc import Container, Iterable

import structlog
from sqlalchemy import select

from sandboxes.contract import SandboxError
from store import pools, tasks
from store.schema import Task
from workers.kernel_place import kernel_kind
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

# Long enough for a busy pool to get to the message, short enough that a lost one is no delay to speak of.
RING_AGAIN_S = 5.0


def sweep(workshop: Workshop) -> list[str]:
    """Rings for every task that is due and was not rung for in the last seconds; returns their ids."""
    now = workshop.clock()
    with workshop.database.read() as session:
        due = tasks.runnable(session, now=now, ring_again_after=RING_AGAIN_S)
    if due:
        with workshop.database.write() as session:
            tasks.rung(session, due, now=now)
        for task_id in due:
            workshop.ring(task_id)
    return due


def reap(workshop: Workshop) -> list[str]:
    """Removes boxes nobody answers for any more; the names of those removed."""
    removed = [name for backend in workshop.backends for name in backend.reap(lambda: answered_for(workshop))]
    return removed + _reap_kernels(workshop)


def _reap_kernels(workshop: Workshop) -> list[str]:
    """The database does not know who is at work in a kernel's box, and somebody's shell may be. Records of local boxes
    say whether their maker lives; of containers only the end of its time decides."""
    kind = kernel_kind(workshop.settings)
    if kind == "local" == workshop.settings.sandbox:
        return []  # the same records: swept just now
    try:
        return list(workshop.kernel_boxes.reap(tuple if kind == "local" else EveryName))
    except SandboxError as error:
        # A worker that takes no kernels may have no engine for them; who takes them hears of it there.
        log.warning("what is left of kernels' boxes cannot be removed", error=str(error))
        return []


class EveryName(Container[str]):
    """Every box is answered for."""

    def __contains__(self, name: object) -> bool:
        return True


class AnsweredFor(Container[str]):
    """Names of boxes somebody answers for.

    `held`: task and fence of every claim that stands; `last`: the box each unfinished task worked in last, which the
    next worker may take over; `warm`: prefixes of the warm boxes of living workers.
    """

    def __init__(self, held: Iterable[tuple[str, int]], last: Iterable[str], warm: Iterable[str]) -> None:
        self._fences, self._last, self._warm = dict(held), frozenset(last), tuple(warm)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        task, _, rest = name.partition("-")
        fence = self._fences.get(task)
        return name in self._last or name.startswith(self._warm) or (fence is not None and rest.endswith(f"-{fence}"))


def answered_for(workshop: Workshop) -> AnsweredFor:
    now = workshop.clock()
    with workshop.database.read() as session:
        held = session.execute(select(Task.id, Task.fence).where(Task.lease_until > now)).all()
        data = session.scalars(select(Task.data).where(Task.finished_at.is_(None))).all()
        warm = pools.living(session, now=now)
    last = [one["box"]["name"] for one in data if one.get("box")]
    return AnsweredFor([(task, fence) for task, fence in held], last, warm)
