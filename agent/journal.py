"""A window's record: what happened, in order, so that a killed worker goes on where it was.

The window's state is a fold over these entries (`agent.window`): the running loop and a resumed one apply the same
entries, so they cannot disagree. A model's reply is appended before its tools run, each tool's result after it ran;
a reply on record is never asked for again, a call without a recorded result is run again.

To resume, whoever runs the window gives it a box in the state of the journal's last snapshot: a fresh box with the base
tree, then `box.apply_changes` with the newest `changes` given to `append` (whole, not a difference; none: the base
tree itself). `Observed.snapshot` says which entries came with one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sandboxes.contract import ChangeSet


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolCall(_Entry):
    """A call as the model wrote it; `arguments` is its text, which may not be JSON."""

    id: str
    name: str
    arguments: str


class Attempt(_Entry):
    """A request to a model that failed before the reply came."""

    model: str
    fault: str
    detail: str


class Reply(_Entry):
    """A model's answer. `model` is the one that gave it; `attempts` are the requests that failed before.

    `cost_usd` is None where the model's price is unknown. Costs and tokens include what failed attempts were billed.
    """

    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: str
    model: str
    attempts: tuple[Attempt, ...] = ()
    fallback_for: str | None = None
    """The model this one stood in for."""
    prompt_tokens: int
    completion_tokens: int
    failed_tokens: int = 0
    cost_usd: Decimal | None
    seconds: float

    @property
    def tokens(self) -> int:
        """All tokens the step used."""
        return self.prompt_tokens + self.completion_tokens + self.failed_tokens


class Opened(_Entry):
    """The window's first entry: its prompts as rendered then, so that a newer release resumes with the same words."""

    kind: Literal["opened"] = "opened"
    phase: str
    system: str
    brief: str


class Replied(_Entry):
    """A model's reply; its tools have not run yet."""

    kind: Literal["replied"] = "replied"
    reply: Reply


class Observed(_Entry):
    """What one tool call answered. `index` is the call's place in its reply."""

    kind: Literal["observed"] = "observed"
    index: int
    tool: str
    text: str
    ok: bool
    malformed: bool = False
    """The call itself was wrong (unknown tool, arguments that do not fit), so nothing ran."""
    digest: str
    """Of the text with durations taken out: equal for observations that say the same."""
    edited: bool = False
    green: str | None = None
    """The command, where it was a run that ended with exit status 0 and changed nothing."""
    read_only: bool = False
    made: tuple[str, ...] = ()
    """Paths a command brought into the tree: what later runs do to them is not an edit."""
    plan: tuple[str, ...] | None = None
    submission: dict[str, Any] | None = None
    flag: str | None = None
    snapshot: bool = False
    seconds: float = 0.0


class Noted(_Entry):
    """A person's note, as the model was shown it."""

    kind: Literal["noted"] = "noted"
    note_id: str
    text: str


class Nudged(_Entry):
    """Something the loop itself told the model; `pattern` is why."""

    kind: Literal["nudged"] = "nudged"
    pattern: str
    text: str


class Compacted(_Entry):
    """The conversation was made shorter. `mask`: older tool results are left out up to the `observations`-th of those
    in view. `summary`: all steps but the last `kept` are replaced by `text`. `shorten`: the brief is cut to `chars`."""

    kind: Literal["compacted"] = "compacted"
    how: Literal["mask", "summary", "shorten"]
    forced: bool = False
    """A provider had refused the conversation as too long."""
    observations: int = 0
    kept: int = 0
    text: str = ""
    chars: int = 0
    tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    seconds: float = 0.0


class Closed(_Entry):
    """The loop gave the window up (an accepted submission closes it without this). Ends that come from outside
    (cancelled, a used-up budget, no model) are not recorded: run again, the window goes on from here."""

    kind: Literal["closed"] = "closed"
    status: str
    reason: str


Entry = Opened | Replied | Observed | Noted | Nudged | Compacted | Closed
_ADAPTER: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


def to_json(entry: Entry) -> str:
    """One entry as a JSON document."""
    return entry.model_dump_json()


def from_json(text: str | bytes) -> Entry:
    """The entry `to_json` wrote; raises `ValueError` on anything else."""
    return _ADAPTER.validate_json(text)


class Journal(Protocol):
    """Where entries are kept. One window at a time appends to its own record."""

    def load(self, window: str) -> list[Entry]:
        """Every entry of the window in the order appended; empty for a new one."""

    def append(self, window: str, entry: Entry, changes: ChangeSet | None) -> None:
        """Adds an entry; durable when it returns. `changes` is the box's whole change set where it may have changed."""
