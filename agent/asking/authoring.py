"""The conversation with an author, within bounds, and what of its answer may be published."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from agent.asking.library import Library, schemas
from agent.asking.prompting import LAST_WORDS, NOT_FOUND, SYSTEM, opening
from agent.contract import Ledger
from agent.journal import Journal, Opened, Replied, Reply
from agent.model import ModelClient
from agent.provider import Json
from codebase.asking import Answer
from codebase.citations import KEPT, Claim, Verdict, check, kept

ROLE = "ask"
_FIRST_LINES = 60
_ANSWER_CHARS = 24_000


@dataclass(frozen=True, slots=True)
class AuthorLimits:
    """`rounds`: replies with look-ups before the answer is asked for; `calls`: look-ups in one reply."""

    rounds: int = 5
    calls: int = 4


@dataclass(frozen=True, slots=True)
class Authored:
    """A model's answer as it may be published. `dropped`: what it said that failed, with the verdict on each."""

    answer: Answer
    dropped: tuple[Claim, ...] = ()
    models: tuple[str, ...] = ()
    tokens: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)


def write_answer(
    start: Answer,
    library: Library,
    model: ModelClient,
    *,
    ledger: Ledger,
    journal: Journal,
    window: str,
    cancelled: Callable[[], bool] = lambda: False,
    limits: AuthorLimits = AuthorLimits(),
) -> Authored:
    """Asks `model` for a better answer than `start`, the one without a model, whose places it is shown first. What
    `start` missed in the code stays with the answer as its reason, though the model found one.

    Look-ups are of one commit, so a window that is run again repeats them and pays for no reply twice.
    Raises what ModelClient.complete raises, and `BudgetExhausted`.
    """
    found = "\n\n".join(
        library.show(one.path, one.start_line, min(one.end_line, one.start_line + _FIRST_LINES - 1))
        for one in start.places
    )
    talk = _Talk(library, model, ledger, journal, window, cancelled, opening(start.question, found))
    text = talk.answer(limits)
    says_no = text.strip().strip(".*`").upper() == NOT_FOUND
    claims = [] if says_no else check(text[:_ANSWER_CHARS], library.shown())
    dropped = tuple(claim for claim in claims if claim.verdict not in KEPT)
    published = tuple(kept(claims))
    if any(one.verdict is Verdict.supported for one in published):
        answer = Answer(start.question, published, start.places, start.reason)
    else:
        why = "the code does not answer it" if says_no else "nothing that was said of it could be shown in the code"
        answer = Answer(start.question, places=start.places, reason=why)
    return Authored(answer, dropped, *talk.spent())


class _Talk:
    """One conversation; the replies are on record, the look-ups are made again when it is resumed."""

    def __init__(
        self,
        library: Library,
        model: ModelClient,
        ledger: Ledger,
        journal: Journal,
        window: str,
        cancelled: Callable[[], bool],
        first: str,
    ) -> None:
        self._library, self._model, self._ledger, self._journal = library, model, ledger, journal
        self._window, self._cancelled = window, cancelled
        self._recorded = [entry.reply for entry in journal.load(window) if isinstance(entry, Replied)]
        self._replies: list[Reply] = []
        self._messages: list[Json] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": first}]
        if not journal.load(window):
            journal.append(window, Opened(phase=ROLE, system=SYSTEM, brief=first), None)

    def answer(self, limits: AuthorLimits) -> str:
        """The author's last words."""
        for _ in range(limits.rounds):
            reply = self._next(schemas())
            if not reply.calls:
                return reply.text
            self._messages.append(_assistant(reply))
            for place, call in enumerate(reply.calls):
                said = (
                    self._library.call(call.name, call.arguments)
                    if place < limits.calls
                    else f"Not made: at most {limits.calls} look-ups at a time."
                )
                self._messages.append({"role": "tool", "tool_call_id": call.id, "content": said})
        self._messages.append({"role": "user", "content": LAST_WORDS})
        return self._next([]).text

    def _next(self, tools: Sequence[Json]) -> Reply:
        number = len(self._replies)
        if number < len(self._recorded):
            reply = self._recorded[number]
        else:
            reply = self._model.complete(
                self._messages, tools, role=ROLE, window=ROLE, key=f"{self._window}/{number + 1}", ledger=self._ledger,
                cancelled=self._cancelled,
            )  # fmt: skip
            self._journal.append(self._window, Replied(reply=reply), None)
        self._replies.append(reply)
        return reply

    def spent(self) -> tuple[tuple[str, ...], int, Decimal]:
        """The models that answered, tokens, US dollars."""
        models = tuple(dict.fromkeys(reply.model for reply in self._replies))
        costs: Iterable[Decimal] = (reply.cost_usd or Decimal(0) for reply in self._replies)
        return models, sum(reply.tokens for reply in self._replies), sum(costs, Decimal(0))


def _sendable(arguments: str) -> str:
    """Some providers parse the arguments of earlier calls; what is not JSON would make every later request fail."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except ValueError:
        return "{}"


def _assistant(reply: Reply) -> Json:
    return {
        "role": "assistant",
        "content": reply.text or None,
        "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _sendable(call.arguments)}}
            for call in reply.calls
        ],
    }
