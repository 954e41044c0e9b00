"""The phases: which tools a window has, what it hands in, and what must be true before it may.

A refusal is a sentence for the model that says what to do next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from agent.brief import Brief
from agent.contract import Phase
from agent.submissions import Change, Evidence, Plan, Repair, Research, Review
from agent.tools import (
    DECIDING,
    DIAGNOSING,
    EDITING,
    READING,
    RUNNING,
    SEARCHING,
    SERVED,
    TESTING,
    Arguments,
    Desk,
    Tool,
    submit_tool,
)
from agent.tree import is_leftover
from agent.window import Window
from sandboxes.contract import ChangesTooLarge, SandboxError

S = TypeVar("S", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a refusal is decided from."""

    window: Window
    brief: Brief
    desk: Desk


@dataclass(frozen=True)
class PhaseRules(Generic[S]):
    """One phase's rules. `writes`: which files its edits may touch."""

    schema: type[S]
    description: str
    example: Mapping[str, Any]
    refusal: Callable[[Situation, S], str | None]
    read: Callable[[S], str]
    writes: Literal["nothing", "tests", "anything"]

    def tools(self, situation: Situation) -> dict[str, Tool[Any]]:
        """The window's tools by name."""

        def refusal(desk: Desk, submission: S) -> str | None:
            return self.refusal(situation, submission)

        submit = submit_tool(self.schema, self.description, dict(self.example), refusal)
        acting = () if self.writes == "nothing" else (*RUNNING, *EDITING, *DIAGNOSING)
        searching = SEARCHING if situation.desk.finder is not None else ()
        moving = SERVED if situation.desk.navigator is not None else ()
        testing = TESTING if situation.desk.chooser is not None else ()
        return {tool.name: tool for tool in (*READING, *searching, *moving, *acting, *testing, *DECIDING, submit)}

    def document(self, data: Mapping[str, Any]) -> str:
        """A submission, as recorded, in Markdown."""
        return self.read(self.schema.model_validate(data))


def _unverified(situation: Situation, commands: Sequence[str]) -> str | None:
    window = situation.window
    if not window.verified:
        edited = "the last edit" if window.last_edit else "anything you did"
        return f"no command has ended with exit status 0 after {edited}. Run the tests and hand in when they pass."
    missing = [command for command in commands if not window.green_since_edit(command)]
    if missing:
        return (
            f"`{missing[0]}` has not ended with exit status 0 after the last edit in this window. Run it with exactly "
            "this text, or list only commands you ran."
        )
    return None


def _missing_files(situation: Situation, paths: Sequence[str]) -> str | None:
    for path in paths:
        try:
            situation.desk.box.read(path)
        except FileNotFoundError:
            return f"there is no file {path}. Give paths relative to the repository root, as list_files shows them."
        except (IsADirectoryError, SandboxError):
            continue
    return None


def _research(situation: Situation, submission: Research) -> str | None:
    wrong = next((at for at in submission.locations if at.end_line < at.start_line), None)
    if wrong is not None:
        return f"in {wrong.path}, end_line {wrong.end_line} is before start_line {wrong.start_line}."
    return _missing_files(situation, [at.path for at in submission.locations])


def _nothing_missing(situation: Situation, submission: Arguments) -> str | None:
    return None


def _implement(situation: Situation, submission: Change) -> str | None:
    try:
        changed = [path for path in situation.desk.box.get_changes() if not is_leftover(path)]
    except ChangesTooLarge as error:
        return f"the change is too large to be kept ({error}). Remove what you generated."
    if not changed:
        return "the tree is unchanged. Make the change, run the tests, then hand in; or use flag_for_human."
    return _unverified(situation, submission.test_commands)


def _prove(situation: Situation, submission: Evidence) -> str | None:
    if submission.reproduction is None:
        return None
    files = _missing_files(situation, submission.reproduction.files)
    return files or _unverified(situation, [submission.reproduction.command])


def _repair(situation: Situation, submission: Repair) -> str | None:
    if submission.give_up_reason:
        return None
    if not situation.window.last_edit:
        return "nothing was changed in this window. Repair the cause, or say in give_up_reason why it cannot be done."
    return _unverified(situation, submission.test_commands)


def _review(situation: Situation, submission: Review) -> str | None:
    answered = [reply.comment_id for reply in submission.replies]
    asked = [comment.id for comment in situation.brief.comments]
    if missing := [identity for identity in asked if identity not in answered]:
        return f"comments without an answer: {', '.join(missing)}. Answer each comment id once."
    if unknown := [identity for identity in answered if identity not in asked]:
        return f"there is no comment {unknown[0]}; the comments are {', '.join(asked)}."
    if len(set(answered)) < len(answered):
        return "a comment is answered twice. Answer each comment id once."
    if any(reply.changed for reply in submission.replies) and not situation.window.last_edit:
        return "a reply says `changed`, but nothing was changed in this window."
    return _unverified(situation, []) if situation.window.last_edit else None


PHASES: Mapping[Phase, PhaseRules[Any]] = {
    Phase.research: PhaseRules(
        Research,
        "Hand in what you found out. The next window sees only this.",
        {
            "document": "`total()` in src/cart.py ignores the discount because ...",
            "locations": [
                {"path": "src/cart.py", "start_line": 40, "end_line": 58, "why": "total() sums undiscounted"}
            ],
        },
        _research,
        Research.read,
        "nothing",
    ),
    Phase.plan: PhaseRules(
        Plan,
        "Hand in the plan. People may read and edit it; the next window follows it.",
        {
            "steps": ["Apply the discount in total()", "Add a test for a discounted cart"],
            "files": ["src/cart.py", "tests/test_cart.py"],
            "tests": ["python -m pytest -q tests/test_cart.py"],
            "reproduction": "a test that expects 90 for a cart of 100 with 10 % off",
            "risks": ["callers that apply the discount themselves"],
        },
        _nothing_missing,
        Plan.read,
        "nothing",
    ),
    Phase.implement: PhaseRules(
        Change,
        "Hand in the change, after its tests passed. Not accepted without a passing run newer than the last edit.",
        {
            "summary": "total() now applies the discount; a test covers it.",
            "test_commands": ["python -m pytest -q"],
            "pr_title": "Apply the discount in total()",
        },
        _implement,
        Change.read,
        "anything",
    ),
    Phase.prove: PhaseRules(
        Evidence,
        "Hand in the reproduction. It is then run on the base and on the change, in fresh machines.",
        {
            "reproduction": {
                "command": "python -m pytest -q tests/test_cart.py::test_discount",
                "files": ["tests/test_cart.py"],
                "expectation": "a cart of 100 with 10 % off costs 90",
            },
            "claims": ["total() applies the discount once"],
        },
        _prove,
        Evidence.read,
        "tests",
    ),
    Phase.repair: PhaseRules(
        Repair,
        "Hand in the repair, after what failed in CI passes here; or say why it cannot be repaired.",
        {"summary": "The type check failed since ...; annotated.", "test_commands": ["python -m mypy src"]},
        _repair,
        Repair.read,
        "anything",
    ),
    Phase.review: PhaseRules(
        Review,
        "Hand in an answer to every comment, after the changes they asked for are made and tested.",
        {
            "replies": [{"comment_id": "17", "body": "Renamed, thanks for noticing.", "changed": True}],
            "summary": "Renamed the parameter; its callers follow.",
        },
        _review,
        Review.read,
        "anything",
    ),
}
