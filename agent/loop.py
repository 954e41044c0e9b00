"""The loop of one window: a reply, its tools, again, until something ends it.

What the next move is follows from the window's state alone, and each move is an entry in the journal; a window run
again therefore goes on at the very move it was interrupted in.
"""

from __future__ import annotations

import itertools
import json
import time

from agent import pacing, prompting
from agent.acting import Hands
from agent.brief import Brief
from agent.contract import Bench, BudgetExhausted, ExitStatus, Phase, PhaseResult
from agent.journal import Closed, Compacted, Entry, Noted, Nudged, Opened, Replied
from agent.model import Cancelled, ContextExceeded, ModelRejected, ModelUnavailable
from agent.phases import PHASES, Situation
from agent.prices import PriceUnknown, conversation_chars, estimate_tokens
from agent.quoting import quote, shorten
from agent.tools import Desk
from agent.tree import is_test
from agent.window import Json, Window
from sandboxes.contract import BoxLost, ChangeSet, SandboxError

SUMMARY = "summary"
"""The role (and the model window's name) of the call that shortens a conversation."""


class _Ended(Exception):
    """The window ends for a reason from outside; it is not recorded, and the window can be run again."""

    def __init__(self, status: ExitStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def run_phase(phase: Phase, brief: Brief, bench: Bench) -> PhaseResult:
    """Runs the window `brief.window` to its end, from where its journal ends.

    A window that has ended by itself is not run again: its result is returned. Raises `BoxLost` (give the window a new
    box in the state of its last snapshot, see `agent.journal`, and run it again), and what the journal raises.
    """
    window = Window()
    for entry in bench.journal.load(brief.window):
        window.apply(entry)
    status, reason = window.closed, window.reason
    if status is None:
        try:
            status, reason = _Loop(phase, brief, bench, window).run()
        except _Ended as end:
            status, reason = end.status, end.reason
    document = PHASES[phase].document(window.data) if status is ExitStatus.submitted else ""
    return PhaseResult(
        status=status,
        reason=reason,
        document=document,
        data=window.data,
        steps=window.steps,
        tokens=window.tokens,
        cost_usd=window.cost,
        unpriced_calls=window.unpriced,
        models=tuple(window.models),
        fallbacks=tuple(window.fallbacks),
    )


class _Loop:
    def __init__(self, phase: Phase, brief: Brief, bench: Bench, window: Window) -> None:
        self._phase, self._brief, self._bench, self._window = phase, brief, bench, window
        rules = PHASES[phase]
        outputs = itertools.count(window.clock + 1)
        desk = Desk(bench.box, brief.limits.command_seconds, bench.cancelled, outputs=outputs, finder=bench.finder)
        desk.navigator = bench.navigator
        desk.chooser = bench.chooser if rules.writes != "nothing" else None
        if desk.chooser is not None:
            desk.chooser.begin()
        if rules.writes == "tests":
            desk.may_write = is_test
        self._tools = rules.tools(Situation(window, brief, desk))
        self._schemas = [tool.schema for tool in self._tools.values()]
        self._schema_chars = len(json.dumps(self._schemas))
        try:
            self._hands = Hands(desk, self._tools, brief.limits, changes_expected=rules.writes != "nothing")
        except BoxLost:
            raise
        except SandboxError as error:
            raise _Ended(ExitStatus.infra_error, f"the machine's tree cannot be read: {error}") from error

    def run(self) -> tuple[ExitStatus, str]:
        """Makes moves until the window is closed; raises `_Ended` for an end from outside."""
        if not self._window.opened:
            system, opening = prompting.system(self._phase, self._brief), prompting.opening(self._phase, self._brief)
            self._append(Opened(phase=self._phase, system=system, brief=opening))
        while self._window.closed is None:
            try:
                self._move()
            except Cancelled:
                raise _Ended(ExitStatus.cancelled, "the task was stopped") from None
            except BudgetExhausted as error:
                raise _Ended(ExitStatus.limits_exceeded, f"the budget is used up: {error.limit}") from error
            except (ModelRejected, PriceUnknown) as error:
                raise _Ended(ExitStatus.model_rejected, str(error)) from error
            except ModelUnavailable as error:
                raise _Ended(ExitStatus.model_unavailable, str(error)) from error
            except BoxLost:
                raise
            except SandboxError as error:
                raise _Ended(ExitStatus.infra_error, f"the machine failed: {error}") from error
        return self._window.closed, self._window.reason

    def _move(self) -> None:
        window = self._window
        if self._bench.cancelled():
            raise Cancelled
        if window.pending:
            self._hands.carry_out(window, self._append, self._report)
            return
        interruption = pacing.interruption(window, self._phase, self._brief.limits)
        if interruption is not None:
            self._append(interruption)
            return
        self._check_limits()
        self._take_notes()
        messages = window.messages()
        chars = self._schema_chars + conversation_chars(messages)
        model = self._bench.model
        soft = pacing.soft_limit(model.context_tokens(self._phase, self._brief.model_window))
        shorter = pacing.compaction(window, estimate_tokens(chars), soft)
        if shorter is not None:
            self._append(self._summary(forced=False) if isinstance(shorter, str) else shorter)
            return
        try:
            reply = model.complete(
                messages,
                self._schemas,
                role=self._phase,
                window=self._brief.model_window,
                key=self._key(),
                ledger=self._bench.ledger,
                cancelled=self._bench.cancelled,
            )
        except ContextExceeded:
            way = pacing.forced_compaction(window)
            self._append(self._summary(forced=True) if isinstance(way, str) else way)
            return
        self._append(Replied(reply=reply))
        if reply.fallback_for is not None:
            self._report(f"{reply.model} answered in place of {reply.fallback_for}")

    def _check_limits(self) -> None:
        limits, window = self._brief.limits, self._window
        if window.steps >= limits.steps:
            raise _Ended(ExitStatus.limits_exceeded, f"the window's {limits.steps} steps are used up")
        if limits.tokens is not None and window.tokens >= limits.tokens:
            raise _Ended(ExitStatus.limits_exceeded, f"the window's {limits.tokens:,} tokens are used up")
        if window.seconds >= limits.seconds:
            raise _Ended(ExitStatus.time_exceeded, f"the window's {limits.seconds:.0f} seconds are used up")

    def _take_notes(self) -> None:
        for note in self._bench.steering():
            if note.id not in self._window.note_ids:
                self._append(Noted(note_id=note.id, text=prompting.note(note)))

    def _summary(self, *, forced: bool) -> Compacted | Closed:
        """A model's summary of all but the newest steps."""
        began = time.monotonic()
        window = self._window
        transcript = "\n\n".join(_transcribed(message) for message in window.messages()[1:])
        limit = pacing.soft_limit(self._bench.model.context_tokens(SUMMARY, SUMMARY)) * 3
        messages = [
            {"role": "system", "content": prompting.summariser()},
            {"role": "user", "content": quote(shorten(transcript, limit), "the conversation so far")},
        ]
        try:
            reply = self._bench.model.complete(
                messages,
                [],
                role=SUMMARY,
                window=SUMMARY,
                key=f"{self._key()}/summary",
                ledger=self._bench.ledger,
                cancelled=self._bench.cancelled,
            )
        except ContextExceeded:
            reason = "the conversation does not fit the model's context window, not even to be summarised"
            return Closed(status=ExitStatus.context_window, reason=reason)
        self._report("the conversation was summarised")
        return Compacted(
            how="summary",
            forced=forced,
            kept=pacing.kept_by_summary(window),
            text=reply.text,
            tokens=reply.tokens,
            cost_usd=reply.cost_usd,
            seconds=time.monotonic() - began,
        )

    def _key(self) -> str:
        """The coming step's key in the ledger; another one after each time a provider refused it as too long."""
        again = f"+{self._window.forced}" if self._window.forced else ""
        return f"{self._brief.window}/{self._window.steps + 1}{again}"

    def _append(self, entry: Entry, changes: ChangeSet | None = None) -> None:
        self._bench.journal.append(self._brief.window, entry, changes)
        self._window.apply(entry)
        if isinstance(entry, Nudged):
            self._report(f"the model was told: {entry.text}")

    def _report(self, line: str) -> None:
        self._bench.report(f"{self._phase} step {self._window.steps}: {line}")


def _transcribed(message: Json) -> str:
    calls = "".join(
        f"\n[call {call['function']['name']} {shorten(call['function']['arguments'], 2000)}]"
        for call in message.get("tool_calls", [])
    )
    return f"{message['role']}: {shorten(message['content'] or '', 6000)}{calls}"
