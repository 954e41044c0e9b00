"""Rings again for tasks that want to run and that nobody holds; removes boxes whose owner is gone."""

from sqlalchemy import select

from store import tasks
from store.schema import Task
from workers.workshop import Workshop

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
    """Removes boxes left behind by dead workers; the names of those removed. Boxes of live leases are kept."""

    def keep() -> set[str]:
        with workshop.database.read() as session:
            held = session.execute(select(Task.id, Task.fence).where(Task.lease_until > workshop.clock())).all()
        purposes = ("attempt", "base", "head")
        return {f"{task_id}-{purpose}-{fence}" for task_id, fence in held for purpose in purposes}

    return [name for backend in workshop.backends for name in backend.reap(keep)]
