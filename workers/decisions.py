"""What a stage decides: to move on, or to wait. Carried out by the conductor, never by the stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from store import Stage


@dataclass(frozen=True, slots=True)
class Move:
    """Go to `there`, with the columns that change with it. `remember` is merged into the task's data."""

    there: Stage
    reason: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    remember: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Give the task back for `seconds`, or until an input or a delivery wakes it."""

    seconds: float
    remember: Mapping[str, Any] = field(default_factory=dict)


Decision = Move | Wait


class HandBack(Exception):
    """Raised in a stage when this process has to end: the task is given back and goes on elsewhere."""


class EndTask(Exception):
    """Raised deep in a stage when the task has to end: the conductor makes the move."""

    def __init__(self, there: Stage, reason: str) -> None:
        self.move = Move(there, reason)
        super().__init__(reason)
