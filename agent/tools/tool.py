"""What a tool is: a name, an argument schema, a handler; and what happens when a model calls it wrongly."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.journal import ToolCall
from agent.tools.desk import Desk

Json = dict[str, Any]


class Arguments(BaseModel):
    """Base of every tool's arguments. Unknown names are errors; numbers may stand for ids, which are text."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a call answered. `text` is for the model. `edited`: the tree was changed by it. `command` and `exit_code`
    of a run. `submission`: the window's result, accepted. `flag`: a person is asked for, and why."""

    text: str
    ok: bool = True
    edited: bool = False
    command: str | None = None
    exit_code: int | None = None
    plan: tuple[str, ...] | None = None
    submission: Json | None = None
    flag: str | None = None


@dataclass(frozen=True)
class Tool(Generic[A]):
    """A tool. `read_only` calls of one step run concurrently; `may_change` ones are followed by a snapshot."""

    name: str
    description: str
    arguments: type[A]
    handler: Callable[[Desk, A], Observation]
    example: Mapping[str, Any]
    read_only: bool = False
    may_change: bool = False
    schema: Json = field(init=False)

    def __post_init__(self) -> None:
        parameters = _inlined(self.arguments.model_json_schema())
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        object.__setattr__(self, "schema", {"type": "function", "function": function})

    def parse(self, text: str) -> A | str:
        """The arguments, or what is wrong with them: what stood there, what is expected, an example."""
        try:
            values = json.loads(text or "{}")
            json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair can be written nowhere
        except (ValueError, RecursionError) as error:
            return self._correction([f"the arguments are not JSON ({error}); they began: {text[:120]!r}"])
        if not isinstance(values, dict):
            return self._correction([f"the arguments must be a JSON object, not {type(values).__name__}"])
        try:
            return self.arguments.model_validate(values)
        except ValidationError as error:
            return self._correction([_complaint(item) for item in error.errors()])

    def _correction(self, complaints: list[str]) -> str:
        lines = "\n".join(f"- {complaint}" for complaint in complaints)
        example = json.dumps(self.example, ensure_ascii=False)
        return f"The call of {self.name} was not made:\n{lines}\nExpected arguments like: {example}"


def find(tools: Mapping[str, Tool[Any]], call: ToolCall) -> Tool[Any] | str:
    """The tool a call names, or what to say about a name that is none."""
    tool = tools.get(call.name)
    if tool is not None:
        return tool
    close = difflib.get_close_matches(call.name, tools, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"There is no tool named {call.name!r}.{hint} The tools of this window: {', '.join(tools)}."


def _complaint(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"]) or "arguments"
    given = "" if item["type"] == "missing" else f" (got {json.dumps(item['input'], default=str)[:120]})"
    return f"`{place}`: {item['msg']}{given}"


def _inlined(schema: Json) -> Json:
    """The schema without `$ref`, which some providers do not follow, and without generated titles."""
    definitions = schema.pop("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return walk({**definitions[node["$ref"].rpartition("/")[2]], **rest})
        named = node.get("type") == "object" and "properties" in node
        return {
            key: {name: walk(value) for name, value in item.items()} if key == "properties" and named else walk(item)
            for key, item in node.items()
            if key != "title"
        }

    inlined: Json = walk(schema)
    return inlined
