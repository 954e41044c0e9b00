"""Tool schemas as models get them, and what is said about a call that does not fit."""

import json
from typing import Any, cast

import pytest

from agent.contract import Phase
from agent.journal import ToolCall
from agent.phases import PHASES, Situation
from agent.tools import DECIDING, DIAGNOSING, EDITING, NAVIGATING, READING, RUNNING, SEARCHING, TESTING, Desk, find
from agent.tools.tool import Tool

ALL = {
    tool.name: tool
    for tool in (*READING, *SEARCHING, *NAVIGATING, *DIAGNOSING, *RUNNING, *EDITING, *TESTING, *DECIDING)
}
# Which tools there are is decided from the desk alone, and from what it knows of the tree: here nothing.
SITUATION = Situation(cast(Any, None), cast(Any, None), Desk(cast(Any, None), 20.0, lambda: False))


def submits() -> list[Tool[Any]]:
    return [rules.tools(SITUATION)["submit"] for rules in PHASES.values()]


@pytest.mark.parametrize("tool", [*ALL.values(), *submits()], ids=lambda tool: tool.name)
def test_schemas_stand_alone_and_the_examples_fit(tool: Tool[Any]) -> None:
    text = json.dumps(tool.schema)
    assert "$ref" not in text
    assert "$defs" not in text
    function = tool.schema["function"]
    assert function["name"] == tool.name
    assert function["parameters"]["type"] == "object"
    assert function["parameters"]["additionalProperties"] is False
    assert not isinstance(tool.parse(json.dumps(dict(tool.example))), str)


def test_a_property_called_title_is_not_lost() -> None:
    submit = PHASES[Phase.implement].tools(SITUATION)["submit"]
    assert set(submit.schema["function"]["parameters"]["properties"]) == {"summary", "test_commands", "pr_title"}


WRONG = [
    ("read", "", ["`path`: Field required", '{"path": "src/app.py"']),
    ("read", "{", ["not JSON", "began: '{'"]),
    ("read", "[1]", ["must be a JSON object, not list"]),
    ("read", '{"path": "a", "line": 3}', ["`line`", "not permitted", "got 3"]),
    ("read", '{"path": "a", "start_line": "soon"}', ["`start_line`", "valid integer", 'got "soon"']),
    ("read", '{"path": "a", "start_line": 0}', ["greater than or equal to 1"]),
    ("run", '{"command": ""}', ["`command`", "at least 1 character"]),
    ("run", '{"command": "x", "timeout_s": -1}', ["greater than 0"]),
    ("edit", '{"path": "a", "new": "\\ud800"}', ["not JSON", "surrogates"]),
    ("plan", '{"items": [{"text": "a", "status": "maybe"}]}', ["`items.0.status`", "'todo', 'doing' or 'done'"]),
    ("flag_for_human", '{"reason": "help"}', ["at least 10 characters"]),
]


@pytest.mark.parametrize(("name", "arguments", "said"), WRONG)
def test_a_call_that_does_not_fit_is_corrected(name: str, arguments: str, said: list[str]) -> None:
    answer = ALL[name].parse(arguments)
    assert isinstance(answer, str)
    assert answer.startswith(f"The call of {name} was not made")
    assert "Expected arguments like: {" in answer
    for part in said:
        assert part in answer


def test_deeply_nested_arguments_are_refused_and_not_followed() -> None:
    answer = ALL["read"].parse('{"path":' + "[" * 100_000 + "]" * 100_000 + "}")
    assert isinstance(answer, str)


def test_all_mistakes_are_named() -> None:
    answer = ALL["edit"].parse('{"path": "", "everywhere": "perhaps"}')
    assert isinstance(answer, str)
    assert [line.split("`")[1] for line in answer.splitlines() if line.startswith("- ")] == [
        "path",
        "new",
        "everywhere",
    ]


def test_an_unknown_tool_is_answered_with_the_nearest() -> None:
    answer = find(ALL, ToolCall(id="1", name="serch_text", arguments="{}"))
    assert isinstance(answer, str)
    assert "Did you mean search_text?" in answer
    assert "apply_patch" in answer
    nothing = find(ALL, ToolCall(id="1", name="launch_rocket", arguments="{}"))
    assert isinstance(nothing, str)
    assert "Did you mean" not in nothing
    assert find(ALL, ToolCall(id="1", name="read", arguments="")) is ALL["read"]


def test_read_only_tools_change_nothing() -> None:
    reading = {tool.name for tool in (*READING, *SEARCHING, *NAVIGATING, *DIAGNOSING, *TESTING)}
    assert {tool.name for tool in ALL.values() if tool.read_only} == reading
    assert {tool.name for tool in ALL.values() if tool.may_change} == {"run", "edit", "apply_patch"}
