"""What the agent is given and what it gives back: the words shared with whoever runs it.

Nothing here does any work. The protocols are implemented outside (workers, tests); the agent never learns how.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from agent.journal import Journal
    from agent.model import ModelClient
    from codebase.index import Finder
    from codebase.navigation import Navigator
    from codebase.testing import Chooser
    from sandboxes.contract import Box


class Phase(StrEnum):
    """One clean window each."""

    research = "research"
    plan = "plan"
    implement = "implement"
    prove = "prove"
    repair = "repair"
    review = "review"


class ExitStatus(StrEnum):
    """Why a window ended; the reason text of the result says it for a person."""

    submitted = "submitted"
    limits_exceeded = "limits_exceeded"
    time_exceeded = "time_exceeded"
    repeated_format_error = "repeated_format_error"
    stuck = "stuck"
    context_window = "context_window"
    infra_error = "infra_error"
    cancelled = "cancelled"
    needs_human = "needs_human"
    model_unavailable = "model_unavailable"
    model_rejected = "model_rejected"


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person said to the running task. `id` is unique within the attempt; `permission` is the author's
    on the repository (`admin`, `maintain`, `write`, `triage`, `read`, `none`)."""

    id: str
    author: str
    permission: str
    body: str

    @property
    def instructs(self) -> bool:
        """Whether the author may give instructions (people with write permission), or only information."""
        return self.permission in ("admin", "maintain", "write")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one window may use. `tokens` counts prompt and completion of every call; None leaves it to the ledger."""

    steps: int = 60
    seconds: float = 1800.0
    tokens: int | None = None
    command_seconds: float = 300.0


class BudgetExhausted(Exception):
    """Raised by a ledger; `limit` names what is used up, for a person: "the task's money (2.00 USD)"."""

    def __init__(self, limit: str) -> None:
        super().__init__(f"budget used up: {limit}")
        self.limit = limit


class Ledger(Protocol):
    """Money and tokens, held back before each model call and settled after it.

    Keys are `"{window}/{step}"` with `"~{n}"` for the n-th repeated request of that step. After a crash the request in
    flight is made again under its old key: reserving a key anew must replace what it held back before.
    """

    def reserve(self, key: str, usd: Decimal, tokens: int) -> None:
        """Holds back the most the call can cost; raises `BudgetExhausted` when that is no longer there."""

    def settle(self, key: str, usd: Decimal, tokens: int) -> None:
        """Replaces the reservation by what was used (zero for a call that was refused unbilled)."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a window works with.

    `steering` returns every note meant for this attempt so far; a window takes those its journal does not hold yet.
    `cancelled` is asked up to four times a second during waits; when it turns true during a command the box is closed.
    `report` is told one line for people at each step. `finder` searches the tree the window started from, `navigator`
    moves about it; None where there is no index of it. `chooser` knows which tests exercise a change of that tree.
    """

    box: Box
    model: ModelClient
    journal: Journal
    ledger: Ledger
    steering: Callable[[], Sequence[Note]]
    cancelled: Callable[[], bool]
    report: Callable[[str], None]
    finder: Finder | None = None
    navigator: Navigator | None = None
    chooser: Chooser | None = None


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """How a window ended. `document` is Markdown for the next window and for people; `data` is the submission, with the
    keys of the phase's schema in `agent.phases` (empty unless submitted).

    `cost_usd` leaves out `unpriced_calls`: calls to models of unknown price (possible only without a money limit).
    `models` names every model that answered, `fallbacks` says in words when one stood in for another.
    """

    status: ExitStatus
    reason: str
    document: str
    data: dict[str, Any]
    steps: int
    tokens: int
    cost_usd: Decimal
    unpriced_calls: int = 0
    models: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = field(default=())
