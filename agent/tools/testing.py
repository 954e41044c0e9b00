"""Which tests exercise what is changed so far, by the map of the commit the window started from.

The list is handed over unasked after an edit too: telling an agent to test made regressions worse, giving it the names
of the tests made them a third (research/agent.md 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.places import one_line
from agent.quoting import quote
from agent.tools.desk import Desk
from agent.tools.tool import Arguments, Observation, Tool
from agent.tree import is_leftover
from codebase.testing import Choice, Selected
from sandboxes.contract import ChangeSet

PATIENCE_S = 60.0
_SHOWN = 8
_SHOWN_UNASKED = 5
_REASONS = 2
_CASES = 5
_LINE_CHARS = 600
_NONE = "Nothing that can be read says that a test exercises your change. Add one where the repository has tests."


class TestsForChangeArguments(Arguments):
    """It needs none."""

    __test__ = False  # not a test class, whatever pytest thinks of its name


def _tests_for_change(desk: Desk, arguments: TestsForChangeArguments) -> Observation:
    if desk.chooser is None:
        return Observation("There is no map of this repository's tests. Use search_text to find them.", ok=False)
    changes = _contents(desk.box.get_changes())
    if not changes:
        return Observation("Nothing is changed yet. Ask again after an edit.", ok=False)
    choice = desk.chooser.choose(changes, wait_s=PATIENCE_S)
    if choice is None:
        return Observation("The map of the tests is not there. Use search_text to find them.", ok=False)
    return Observation(_told(choice, _SHOWN) or _NONE)


def unasked(desk: Desk, changes: ChangeSet) -> str:
    """The list for a tree after an edit; empty where it would say nothing, or the map is not made yet."""
    if desk.chooser is None or not desk.chooser.ready:
        return ""
    choice = desk.chooser.choose(_contents(changes), wait_s=0.0)
    return _told(choice, _SHOWN_UNASKED) if choice is not None else ""


def _contents(changes: ChangeSet) -> Mapping[str, bytes | None]:
    return {
        path: None if change.kind == "deleted" else change.content
        for path, change in changes.items()
        if change.kind != "symlink" and not is_leftover(path)
    }


def _told(choice: Choice, most: int) -> str:
    likely = choice.selection.likely[:most]
    lines = [_line(one) for one in likely]
    lines += [f"no test exercises {path}, as far as can be read" for path in choice.selection.unexercised[:most]]
    if not lines:
        return ""
    lines += [f"run these: {command}" for command in choice.commands]
    return quote(
        "\n".join(one_line(line)[:_LINE_CHARS] for line in lines),
        "tests that exercise the change so far, likeliest first; read off the code, not run",
    )


def _line(one: Selected) -> str:
    cases = f" ({', '.join(one.tests[:_CASES])})" if one.tests else ""
    return f"{one.path}{cases}: {'; '.join(str(why) for why in one.reasons[:_REASONS])}"


TESTING: tuple[Tool[Any], ...] = (
    Tool(
        name="tests_for_change",
        description="Name the tests that exercise what you changed so far, the likeliest first, with the reason for "
        "each and a command that runs them. It reads the code; nothing is run, and what only a run shows is missed.",
        arguments=TestsForChangeArguments,
        handler=_tests_for_change,
        example={},
        read_only=True,
    ),
)
