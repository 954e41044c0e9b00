"""One conversation with the author: what was said, what is shown of it, and its record.

A reply is on record before its candidate is verified and the verdict after, so a conversation that is run again pays
for no reply and verifies no candidate twice.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.contract import Ledger
from agent.journal import Entry, Journal, Observed, Opened, Replied, Reply, ToolCall
from agent.model import ModelClient
from agent.optimising import prompting
from agent.optimising.contract import SOURCE_CHARS, Feedback, Try
from agent.stuck import digest

Json = dict[str, Any]
ROLE = "optimise"
KEPT = 2
"""Turns of a conversation that are shown whole; of the others a line each (Kevin-32B keeps no more either)."""


class Proposal(BaseModel):
    """The arguments of a turn's call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idea: str = Field(min_length=1, max_length=2_000, description="What is done otherwise, in one sentence.")
    source: str = Field(min_length=1, max_length=SOURCE_CHARS, description="The whole file, with ModelNew.")


def schema() -> Json:
    """The one tool, in OpenAI's format."""
    function = {
        "name": prompting.TOOL,
        "description": "Put a candidate to the test.",
        "parameters": Proposal.model_json_schema(),
    }
    return {"type": "function", "function": function}


def read_call(call: ToolCall) -> Proposal | str:
    """What a call proposes, or what is wrong with it."""
    if call.name != prompting.TOOL:
        return prompting.complaint(f"There is no tool named {call.name[:60]!r}.")
    try:
        values = json.loads(call.arguments or "{}")
        json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair can be written nowhere
        if not isinstance(values, dict):
            return prompting.complaint("The arguments must be a JSON object.")
        return Proposal.model_validate(values)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return prompting.complaint(f"The call was not made: {said}.")
    except (ValueError, RecursionError) as error:
        return prompting.complaint(f"The arguments are not JSON ({str(error)[:120]}).")


@dataclass(frozen=True, slots=True)
class Talk:
    """What conversations share: who is asked, and where it is kept."""

    model: ModelClient
    ledger: Ledger
    journal: Journal
    cancelled: Callable[[], bool]


class Branch:
    """Conversation number `number`, kept as `window`."""

    def __init__(self, talk: Talk, window: str, number: int) -> None:
        self._talk, self.window, self.number = talk, window, number
        self._recorded: deque[Entry] = deque(talk.journal.load(window))
        self._system = self._opening = ""
        self._turns: list[tuple[Reply, Try, str]] = []
        self.replies: list[Reply] = []
        self.new = False
        """Whether anything of the newest turn was not on record."""

    @property
    def tries(self) -> list[Try]:
        return [tried for _, tried, _ in self._turns]

    def verified(self, what: str, verify: Callable[[], Feedback]) -> Feedback:
        """The verdict on record, or a new one. `what` is verified, in a word."""
        if self._recorded:
            entry = self._recorded.popleft()
            if not isinstance(entry, Observed):
                raise ValueError(f"the record of {self.window} is out of order: no verdict where one belongs")
            return Feedback.model_validate_json(entry.text)
        found = verify()
        text = found.model_dump_json()
        entry = Observed(index=0, tool=what, text=text, ok=found.right, digest=digest(text))
        self._talk.journal.append(self.window, entry, None)
        self.new = True
        return found

    def open(self, opening: Callable[[], str]) -> None:
        """Begins the conversation with the words on record, or with new ones."""
        if self._recorded:
            entry = self._recorded.popleft()
            if not isinstance(entry, Opened):
                raise ValueError(f"the record of {self.window} is out of order: it does not begin")
        else:
            entry = Opened(phase=ROLE, system=prompting.SYSTEM, brief=opening())
            self._talk.journal.append(self.window, entry, None)
        self._system, self._opening = entry.system, entry.brief

    @property
    def opened(self) -> bool:
        return bool(self._opening)

    def reply(self, best: Try | None, *, kept: int = KEPT) -> Reply:
        """The author's next words. Raises what ModelClient.complete raises, and BudgetExhausted."""
        self.new = not self._recorded
        if self._recorded:
            entry = self._recorded.popleft()
            if not isinstance(entry, Replied):
                raise ValueError(f"the record of {self.window} is out of order: no reply where one belongs")
            found = entry.reply
        else:
            found = self._talk.model.complete(
                self.messages(best, kept=kept),
                [schema()],
                role=ROLE,
                window=ROLE if self.number == 1 else f"{ROLE}#{self.number}",
                key=f"{self.window}/{len(self._turns) + 1}",
                ledger=self._talk.ledger,
                cancelled=self._talk.cancelled,
            )
            self._talk.journal.append(self.window, Replied(reply=found), None)
        self.replies.append(found)
        return found

    def answer(self, reply: Reply, tried: Try, said: str) -> None:
        """Ends the turn: what the reply came to, and what is said to it."""
        self._turns.append((reply, tried, said))

    def messages(self, best: Try | None, *, kept: int = KEPT) -> list[Json]:
        """The conversation in OpenAI's format; of turns before the last `kept` only their results."""
        found: list[Json] = [
            {"role": "system", "content": self._system},
            {"role": "user", "content": self._opening},
        ]
        past = self._turns[: max(0, len(self._turns) - kept)]
        if past:
            text = prompting.older([tried for _, tried, _ in past], best)
            # The form that `agent.window` has for turns that a summary stands for.
            found.append({"role": "user", "content": f'<summary steps="{len(past)}">\n{text}\n</summary>'})
            if len(past) == len(self._turns):
                found.append({"role": "user", "content": past[-1][2]})
        for reply, _, said in self._turns[len(past) :]:
            found += _exchange(reply, said)
        return found


def _exchange(reply: Reply, said: str) -> list[Json]:
    if not reply.calls:
        return [
            {"role": "assistant", "content": reply.text or "(empty reply)"},
            {"role": "user", "content": said},
        ]
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _sendable(call.arguments)}}
        for call in reply.calls
    ]
    rest = prompting.complaint("Not made: one candidate a turn.")
    return [
        {"role": "assistant", "content": reply.text or None, "tool_calls": calls},
        *(
            {"role": "tool", "tool_call_id": call.id, "content": rest if place else said}
            for place, call in enumerate(reply.calls)
        ),
    ]


def _sendable(arguments: str) -> str:
    """Some providers parse the arguments of earlier calls; what is not JSON would make every later request fail."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except ValueError:
        return "{}"
