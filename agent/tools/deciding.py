"""The calls that steer the window itself: the visible plan, asking for a person, handing in the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from pydantic import Field

from agent.tools.desk import Desk
from agent.tools.tool import Arguments, Observation, Tool

_MARKS = {"todo": "[ ]", "doing": "[~]", "done": "[x]"}


class PlanItem(Arguments):
    text: str = Field(min_length=1, max_length=300)
    status: Literal["todo", "doing", "done"] = "todo"


class PlanArguments(Arguments):
    items: list[PlanItem] = Field(min_length=1, max_length=30, description="The whole checklist, in order.")


class FlagArguments(Arguments):
    reason: str = Field(min_length=10, description="What a person has to decide or provide, and why.")


def _plan(desk: Desk, arguments: PlanArguments) -> Observation:
    lines = tuple(f"{_MARKS[item.status]} {item.text}" for item in arguments.items)
    return Observation("The checklist is now:\n" + "\n".join(lines), plan=lines)


def _flag(desk: Desk, arguments: FlagArguments) -> Observation:
    return Observation("A person will be asked. The window ends here.", flag=arguments.reason)


DECIDING: tuple[Tool[Any], ...] = (
    Tool(
        name="plan",
        description="Replace the checklist people see. Keep it short and current.",
        arguments=PlanArguments,
        handler=_plan,
        example={
            "items": [{"text": "Reproduce the bug", "status": "done"}, {"text": "Fix parse()", "status": "doing"}]
        },
    ),
    Tool(
        name="flag_for_human",
        description="Stop and ask for a person: only when the task cannot be done without a decision or access you do "
        "not have.",
        arguments=FlagArguments,
        handler=_flag,
        example={"reason": "The issue asks for two behaviours that exclude each other: which one is meant?"},
    ),
)

S = TypeVar("S", bound=Arguments)


def submit_tool(
    schema: type[S], description: str, example: dict[str, Any], refusal: Callable[[Desk, S], str | None]
) -> Tool[S]:
    """The `submit` of a phase. `refusal` says what is missing before the window may end, or None."""

    def submit(desk: Desk, arguments: S) -> Observation:
        missing = refusal(desk, arguments)
        if missing is not None:
            return Observation(f"Not accepted yet: {missing}", ok=False)
        return Observation("Accepted. The window ends here.", submission=arguments.model_dump(mode="json"))

    return Tool(name="submit", description=description, arguments=schema, handler=submit, example=example)
