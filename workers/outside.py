"""Doing something in the outside world exactly once, though we may be killed at any point and answers may be lost."""

from collections.abc import Callable, Mapping
from typing import Any

from forges.github import ForgeUnavailable
from store import Claim, Database, effects
from workers.workshop import TaskContext

Result = Mapping[str, Any]


def perform(context: TaskContext, key: str, *, find: Callable[[], Result | None], make: Callable[[], Result]) -> Result:
    """The result of the effect `key`: remembered, found out there, or made now.

    `find` looks for what an earlier try may have made; `make` makes it. The lease is renewed first: it outlives any
    request, so whoever takes the task over looks only after our request has ended.
    """
    context.heartbeat.renew()
    return once(context.database, key, find=find, make=make, now=context.now, held=context.held)


def once(
    database: Database,
    key: str,
    *,
    find: Callable[[], Result | None],
    make: Callable[[], Result],
    now: Callable[[], float],
    held: Claim | None = None,
) -> Result:
    """The same for effects that belong to no task, such as telling someone that they may not ask."""
    with database.write() as session:
        done = effects.begin(session, key, held=held, now=now())
    if done is not None:
        return done
    result = find()
    if result is None:
        try:
            result = make()
        except ForgeUnavailable as lost:
            # The answer is lost, perhaps not the write. Not found: the error stands, and the next try looks again.
            if not lost.maybe_written or (result := find()) is None:
                raise
    with database.write() as session:
        effects.finish(session, key, dict(result), now=now())
    return result
