"""One window's state, as a fold over its journal; the conversation is drawn from it.

Pure. The running loop and a resumed one apply the same entries, so that both send the model the same messages.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agent import stuck
from agent.contract import ExitStatus
from agent.journal import Closed, Compacted, Entry, Noted, Nudged, Observed, Opened, Replied, Reply, ToolCall
from agent.quoting import shorten

Json = dict[str, Any]
_WORTH_MASKING = 300


@dataclass(slots=True)
class Step:
    """A reply and what its calls answered so far, by place."""

    reply: Reply
    observed: dict[int, Observed] = field(default_factory=dict)


@dataclass(slots=True)
class Window:
    """What happened so far. `clock` counts observations: edits and green runs are compared by it."""

    system: str = ""
    brief: str = ""
    items: list[Step | str] = field(default_factory=list)
    summary: str = ""
    summarised: int = 0
    notes: list[str] = field(default_factory=list)
    note_ids: set[str] = field(default_factory=set)
    masked: int = 0
    steps: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    seconds: float = 0.0
    clock: int = 0
    last_edit: int = 0
    greens: dict[str, int] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    plan: tuple[str, ...] = ()
    history: deque[stuck.Action] = field(default_factory=lambda: deque(maxlen=stuck.REMEMBERED))
    actions: int = 0
    monologue: int = 0
    malformed: int = 0
    reading: int = 0
    nudges: set[str] = field(default_factory=set)
    forced: int = 0
    models: list[str] = field(default_factory=list)
    fallbacks: list[str] = field(default_factory=list)
    closed: ExitStatus | None = None
    reason: str = ""
    data: Json = field(default_factory=dict)

    def apply(self, entry: Entry) -> None:
        """Takes one journal entry in."""
        match entry:
            case Opened():
                self.system, self.brief = entry.system, entry.brief
            case Replied():
                self._replied(entry.reply)
            case Observed():
                self._observed(entry)
            case Noted():
                self.note_ids.add(entry.note_id)
                self.notes.append(entry.text)
                self.items.append(entry.text)
            case Nudged():
                self.nudges.add(entry.pattern)
                self.reading = 0 if entry.pattern == "reading" else self.reading
                self.items.append(entry.text)
            case Compacted():
                self._compacted(entry)
            case Closed():
                self.closed, self.reason = ExitStatus(entry.status), entry.reason

    @property
    def opened(self) -> bool:
        """Whether the journal has a beginning."""
        return bool(self.system)

    @property
    def last(self) -> Step | str | None:
        """The newest item in view."""
        return self.items[-1] if self.items else None

    @property
    def pending(self) -> list[tuple[int, ToolCall]]:
        """Calls of the newest reply that have no recorded result, with their places."""
        last = self.last
        if not isinstance(last, Step) or self.closed is not None:
            return []
        return [(place, call) for place, call in enumerate(last.reply.calls) if place not in last.observed]

    @property
    def verified(self) -> bool:
        """Whether a command ended well after the last edit."""
        return any(when > self.last_edit for when in self.greens.values())

    def green_since_edit(self, command: str) -> bool:
        """Whether this very command ended well after the last edit."""
        return self.greens.get(command.strip(), 0) > self.last_edit

    @property
    def visible_steps(self) -> list[Step]:
        """The steps not replaced by a summary."""
        return [item for item in self.items if isinstance(item, Step)]

    @property
    def observations(self) -> list[Observed]:
        """The tool results of the visible steps, in order."""
        return [step.observed[place] for step in self.visible_steps for place in sorted(step.observed)]

    def maskable(self, keep: int) -> int:
        """How many results, counted from the oldest in view, a mask leaving `keep` would cover; 0 if nothing is won."""
        observations = self.observations
        upto = len(observations) - keep
        won = any(len(entry.text) > _WORTH_MASKING for entry in observations[self.masked : max(upto, 0)])
        return upto if upto > self.masked and won else 0

    def messages(self) -> list[Json]:
        """The conversation in OpenAI's format."""
        messages: list[Json] = [{"role": "system", "content": self.system}, {"role": "user", "content": self.brief}]
        if self.summarised:
            messages.append({"role": "user", "content": self._summary_message()})
        number = 0
        for item in self.items:
            if isinstance(item, str):
                messages.append({"role": "user", "content": item})
                continue
            messages.append(_assistant(item.reply))
            for place in sorted(item.observed):
                entry, number = item.observed[place], number + 1
                text = _mask(entry) if number <= self.masked else entry.text
                messages.append({"role": "tool", "tool_call_id": item.reply.calls[place].id, "content": text})
        return messages

    def _summary_message(self) -> str:
        earlier = [note for note in self.notes if note not in self.items]
        notes = "\n\nPeople said meanwhile:\n" + "\n".join(earlier) if earlier else ""
        return f'<summary steps="{self.summarised}">\n{self.summary}{notes}\n</summary>'

    def _replied(self, reply: Reply) -> None:
        self.items.append(Step(reply))
        self.steps += 1
        self.forced = 0
        self._spent(reply.tokens, reply.cost_usd, reply.seconds)
        if reply.model not in self.models:
            self.models.append(reply.model)
        if reply.fallback_for is not None:
            faults = ", ".join(f"{attempt.model}: {attempt.fault}" for attempt in reply.attempts)
            self.fallbacks.append(f"step {self.steps}: {reply.model} stood in for {reply.fallback_for} ({faults})")
        self.monologue = 0 if reply.calls else self.monologue + 1

    def _observed(self, entry: Observed) -> None:
        step = self.last
        if not isinstance(step, Step):
            raise ValueError("the journal is out of order: an observation without its reply")
        step.observed[entry.index] = entry
        self.clock += 1
        self.seconds += entry.seconds
        self.made.update(entry.made)
        if entry.edited:
            self.last_edit = self.clock
        if entry.green is not None:
            self.greens[entry.green.strip()] = self.clock
        if entry.plan is not None:
            self.plan = entry.plan
        if entry.submission is not None:
            self.closed, self.data = ExitStatus.submitted, entry.submission
            self.reason = "the result was handed in and accepted"
        elif entry.flag is not None:
            self.closed, self.reason = ExitStatus.needs_human, entry.flag
        if len(step.observed) == len(step.reply.calls):
            self._step_done(step)

    def _step_done(self, step: Step) -> None:
        observed = [step.observed[place] for place in sorted(step.observed)]
        calls = json.dumps([(call.name, call.arguments) for call in step.reply.calls])
        results = "|".join(entry.digest for entry in observed)
        self.history.append(stuck.Action(stuck.digest(calls), results, not any(entry.ok for entry in observed)))
        self.actions += 1
        self.malformed = self.malformed + 1 if all(entry.malformed for entry in observed) else 0
        if any(entry.edited for entry in observed):
            self.reading = 0
        elif all(entry.read_only for entry in observed):
            self.reading += 1

    def _compacted(self, entry: Compacted) -> None:
        self.forced += entry.forced
        self._spent(entry.tokens, entry.cost_usd, entry.seconds)
        if entry.how == "mask":
            self.masked = entry.observations
        elif entry.how == "shorten":
            self.brief = shorten(self.brief, entry.chars)
        else:
            steps = self.visible_steps
            first = steps[len(steps) - entry.kept] if entry.kept else None
            start = next((place for place, item in enumerate(self.items) if item is first), len(self.items))
            self.items = self.items[start:]
            self.summarised += len(steps) - entry.kept
            self.summary, self.masked = entry.text, 0

    def _spent(self, tokens: int, cost: Decimal | None, seconds: float) -> None:
        self.tokens += tokens
        self.seconds += seconds
        if cost is None:
            self.unpriced += 1
        else:
            self.cost += cost


def _assistant(reply: Reply) -> Json:
    message: Json = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _sendable(call.arguments)}}
            for call in reply.calls
        ]
    elif not reply.text:
        message["content"] = "(empty reply)"
    return message


def _sendable(arguments: str) -> str:
    """Some providers parse the arguments of earlier calls; what is not JSON would make every later request fail."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except ValueError:
        return "{}"


def _mask(entry: Observed) -> str:
    if len(entry.text) <= _WORTH_MASKING:
        return entry.text
    return f"[old output of {entry.tool} left out: {entry.text.count(chr(10)) + 1} lines; call it again if you need it]"
