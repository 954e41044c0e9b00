"""What we did in the outside world, by deterministic key, so that doing it again finds the first."""

from typing import Any

from sqlalchemy.orm import Session

from store.schema import Effect
from store.tasks import Claim, guard


def begin(session: Session, key: str, *, held: Claim | None, now: float) -> dict[str, Any] | None:
    """The result of the effect `key` when it was done before; otherwise notes that it is about to be tried."""
    if held is not None:
        guard(session, held)
    effect = session.get(Effect, key)
    if effect is None:
        session.add(Effect(key=key, task_id=held.task_id if held else None, state="intended", at=now))
        return None
    return effect.result if effect.state == "done" else None


def finish(session: Session, key: str, result: dict[str, Any], *, now: float) -> None:
    """Notes that the effect happened. The fact is recorded whoever holds the task now."""
    effect = session.get_one(Effect, key)
    effect.state, effect.result, effect.done_at = "done", result, now


def result_of(session: Session, key: str) -> dict[str, Any] | None:
    effect = session.get(Effect, key)
    return effect.result if effect is not None and effect.state == "done" else None
