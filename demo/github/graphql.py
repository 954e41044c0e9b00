"""GraphQL documents, read: one query or mutation with variables, arguments, aliases and inline fragments. Pure.

What GitHub's clients of ours need, and no more: named fragments, directives and subscriptions are refused by name.
Grammar: https://spec.graphql.org/October2021/
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r'(?P<skip>[\s,\ufeff]+|#[^\n]*)|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)'
    r"|(?P<name>[_A-Za-z]\w*)|(?P<mark>\.\.\.|[!$():=@\[\]{|}])"
)


class GraphQLError(ValueError):
    """The document is not one of those understood here; the text says where."""


@dataclass(frozen=True)
class Field:
    """One selected field. `on` holds the type condition of the inline fragment around it, if any."""

    name: str
    alias: str
    arguments: Mapping[str, Any]
    selection: tuple["Field", ...]
    on: str | None = None


@dataclass
class Operation:
    kind: str
    selection: tuple[Field, ...] = ()


@dataclass
class _Parser:
    tokens: list[tuple[str, str]]
    variables: Mapping[str, Any]
    at: int = 0
    defaults: dict[str, Any] = field(default_factory=dict)

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, text: str | None = None, kind: str | None = None) -> str:
        found_kind, found = self.peek()
        if (text is not None and found != text) or (kind is not None and found_kind != kind):
            raise GraphQLError(f"Expected {text or kind}, actual: {found or 'end of document'}")
        self.at += 1
        return found

    def skip(self, text: str) -> bool:
        if self.peek()[1] != text or self.peek()[0] == "string":
            return False
        self.at += 1
        return True

    def operation(self) -> Operation:
        kind = "query"
        if self.peek()[1] != "{":
            kind = self.take(kind="name")
            if kind not in ("query", "mutation"):
                raise GraphQLError(f"{kind} is not understood here: only one query or mutation")
            if self.peek()[0] == "name":
                self.take()
            if self.skip("("):
                while not self.skip(")"):
                    self.variable()
        made = Operation(kind, self.selection(None))
        if self.peek()[0] != "end":
            raise GraphQLError(f"Only one operation is understood here; another begins at {self.peek()[1]!r}")
        return made

    def variable(self) -> None:
        self.take("$")
        name = self.take(kind="name")
        self.take(":")
        required = self.type()
        if self.skip("="):
            self.defaults[name] = self.value()
        elif required and self.variables.get(name) is None:
            raise GraphQLError(f"Variable ${name} was provided invalid value")

    def type(self) -> bool:
        """Skips a type; True when it may not be null."""
        if self.skip("["):
            self.type()
            self.take("]")
        else:
            self.take(kind="name")
        return self.skip("!")

    def selection(self, on: str | None) -> tuple[Field, ...]:
        self.take("{")
        fields: list[Field] = []
        while not self.skip("}"):
            if self.skip("..."):
                self.take("on")
                fields += self.selection(self.take(kind="name"))
            else:
                fields.append(self.one_field(on))
        return tuple(fields)

    def one_field(self, on: str | None) -> Field:
        alias = name = self.take(kind="name")
        if self.skip(":"):
            name = self.take(kind="name")
        arguments: dict[str, Any] = {}
        if self.skip("("):
            while not self.skip(")"):
                key = self.take(kind="name")
                self.take(":")
                arguments[key] = self.value()
        if self.peek()[1] == "@":
            raise GraphQLError("Directives are not understood here")
        inner = self.selection(None) if self.peek()[1] == "{" else ()
        return Field(name, alias, arguments, inner, on)

    def value(self) -> Any:
        kind, text = self.peek()
        self.at += 1
        if kind == "string":
            return json.loads(text)
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "name":
            return {"true": True, "false": False, "null": None}.get(text, text)
        if text == "$":
            name = self.take(kind="name")
            return self.variables.get(name, self.defaults.get(name))
        if text == "[":
            items = []
            while not self.skip("]"):
                items.append(self.value())
            return items
        if text == "{":
            made: dict[str, Any] = {}
            while not self.skip("}"):
                key = self.take(kind="name")
                self.take(":")
                made[key] = self.value()
            return made
        raise GraphQLError(f"Expected a value, actual: {text or 'end of document'}")


def parse(document: str, variables: Mapping[str, Any]) -> Operation:
    """The one operation of `document`, with the variables put in; GraphQLError when it is not understood."""
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(document):
        match = _TOKEN.match(document, position)
        if match is None or match.lastgroup is None:
            raise GraphQLError(f"Parse error on {document[position]!r}")
        if match.lastgroup != "skip":
            tokens.append((match.lastgroup, match.group()))
        position = match.end()
    return _Parser(tokens, variables).operation()


def project(kind: str, data: Any, selection: tuple[Field, ...]) -> Any:
    """The part of `data` that `selection` asks for; GraphQLError for a field it does not have.

    A value that depends on arguments is a function of them; `__typename` names an object's type.
    """
    if data is None or not selection:
        if isinstance(data, dict) and not selection:
            raise GraphQLError(f"Field must have selections (field returns {kind} but has no selections)")
        return data
    if isinstance(data, list):
        return [project(kind, one, selection) for one in data]
    typename = data.get("__typename", kind)
    shown: dict[str, Any] = {}
    for wanted in selection:
        if wanted.on is not None and wanted.on != typename:
            continue
        if wanted.name not in data:
            raise GraphQLError(f"Field '{wanted.name}' doesn't exist on type '{typename}'")
        value = data[wanted.name]
        if callable(value):
            value = value(wanted.arguments)
        shown[wanted.alias] = project(wanted.name, value, wanted.selection)
    return shown
