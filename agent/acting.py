"""Carrying out a reply's tool calls and recording what each answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from agent import pacing, stuck
from agent.contract import Limits
from agent.journal import Observed, ToolCall
from agent.tools import Arguments, Desk, Observation, Tool, find
from agent.tools.testing import unasked
from agent.tree import altered, digests, is_leftover
from agent.window import Window
from sandboxes.contract import BoxLost, ChangeSet, ChangesTooLarge, SandboxError

_CONCURRENT = 4

Record = Callable[[Observed, ChangeSet | None], None]
Pending = tuple[int, ToolCall]
Prepared = tuple[Tool[Any], Arguments] | str


class Hands:
    """Runs the calls of one window's replies. Knows the tree's last recorded state, to tell what a call changed."""

    def __init__(self, desk: Desk, tools: Mapping[str, Tool[Any]], limits: Limits, *, changes_expected: bool) -> None:
        self._desk, self._tools, self._limits = desk, tools, limits
        self._tree = digests(desk.box.get_changes()) if changes_expected else {}
        self._advised = ""

    def carry_out(self, window: Window, record: Record, report: Callable[[str], None]) -> None:
        """Runs the pending calls of the newest reply in order; neighbouring read-only ones at the same time."""
        for group in _groups(window.pending, self._prepare):
            if len(group) > 1:
                with ThreadPoolExecutor(min(_CONCURRENT, len(group)), thread_name_prefix="tool") as pool:
                    answers: Iterator[tuple[Observation, float]] = pool.map(lambda one: self._call(one[1]), group)
                    for (pending, prepared), (answer, seconds) in zip(group, answers, strict=True):
                        self._record(window, pending, prepared, answer, seconds, record, report)
            else:
                pending, prepared = group[0]
                answer, seconds = self._call(prepared)
                self._record(window, pending, prepared, answer, seconds, record, report)
            if window.closed is not None:
                return

    def _prepare(self, call: ToolCall) -> Prepared:
        tool = find(self._tools, call)
        if isinstance(tool, str):
            return tool
        arguments = tool.parse(call.arguments)
        return arguments if isinstance(arguments, str) else (tool, arguments)

    def _call(self, prepared: Prepared) -> tuple[Observation, float]:
        if isinstance(prepared, str):
            return Observation(prepared, ok=False), 0.0
        tool, arguments = prepared
        began = time.monotonic()
        try:
            answer = tool.handler(self._desk, arguments)
        except BoxLost:
            raise
        except (SandboxError, OSError, ValueError) as error:
            answer = Observation(f"{tool.name} could not be done: {error}", ok=False)
        return answer, time.monotonic() - began

    def _record(
        self,
        window: Window,
        pending: Pending,
        prepared: Prepared,
        answer: Observation,
        seconds: float,
        record: Record,
        report: Callable[[str], None],
    ) -> None:
        place, call = pending
        tool = None if isinstance(prepared, str) else prepared[0]
        changes, made = None, set[str]()
        if tool is not None and tool.may_change:
            began = time.monotonic()
            answer, changes, made = self._look_at_tree(window, answer)
            seconds += time.monotonic() - began
        text = answer.text.encode("utf-8", "replace").decode()
        if changes is not None and answer.edited:
            text += self._advice(changes)
        last_of_step = len(window.pending) == 1
        if last_of_step:
            text += "\n" + pacing.budget_line(window, self._limits, seconds, replies=window.steps)
        entry = Observed(
            index=place,
            tool=call.name,
            text=text,
            ok=answer.ok,
            malformed=tool is None,
            digest=stuck.digest(answer.text),
            edited=answer.edited,
            green=answer.command if answer.exit_code == 0 and not answer.edited else None,
            read_only=tool is not None and tool.read_only,
            made=tuple(sorted(made)),
            plan=answer.plan,
            submission=answer.submission,
            flag=answer.flag,
            snapshot=changes is not None,
            seconds=seconds,
        )
        record(entry, changes)
        report(_line(call, answer))

    def _advice(self, changes: ChangeSet) -> str:
        """The tests that exercise the tree as it is now, where they are others than said last."""
        said = unasked(self._desk, changes).encode("utf-8", "replace").decode()
        if not said or said == self._advised:
            return ""
        self._advised = said
        return f"\n{said}"

    def _look_at_tree(self, window: Window, answer: Observation) -> tuple[Observation, ChangeSet | None, set[str]]:
        """The answer with what it did to the tree, the change set if it is new, and paths a command brought in."""
        try:
            changes = self._desk.box.get_changes()
        except ChangesTooLarge as error:
            warning = (
                f"{answer.text}\n[the tree now holds too many changes to be kept: {error}; remove what you generated]"
            )
            return replace(answer, text=warning), None, set()
        after = digests(changes)
        touched = altered(self._tree, after)
        appeared = after.keys() - self._tree.keys()
        self._tree = after
        if not touched:
            return answer, None, set()
        if answer.command is None:
            return answer, changes, set()
        edited = {path for path in touched if not is_leftover(path)} - window.made
        if edited:
            names = ", ".join(sorted(edited)[:5]) + (" and more" if len(edited) > 5 else "")
            text = f"{answer.text}\n[this command changed the tree: {names}]"
            answer = replace(answer, text=text, edited=True)
        return answer, changes, {path for path in appeared if path in edited}


def _groups(
    pending: Sequence[Pending], prepare: Callable[[ToolCall], Prepared]
) -> Iterator[list[tuple[Pending, Prepared]]]:
    """The calls in order, neighbouring read-only ones together."""
    group: list[tuple[Pending, Prepared]] = []
    for one in pending:
        prepared = prepare(one[1])
        independent = not isinstance(prepared, str) and prepared[0].read_only
        if group and not independent:
            yield group
            group = []
        group.append((one, prepared))
        if not independent:
            yield group
            group = []
    if group:
        yield group


def _line(call: ToolCall, answer: Observation) -> str:
    """One line about a call for people; arguments only as far as they name something."""
    if answer.command is not None:
        outcome = "timed out" if answer.exit_code is None else f"exit status {answer.exit_code}"
        return f"run `{' '.join(answer.command.split())[:120]}`: {outcome}"
    if answer.plan is not None:
        return "plan: " + "; ".join(answer.plan)
    return f"{call.name}: {'done' if answer.ok else 'refused'}"
