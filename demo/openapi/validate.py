"""Holds exchanges and webhooks against GitHub's description: what differs comes back as violations, nothing raises.

jsonschema-rs does the work; it is a development dependency, so it is imported when the first `Validator` is made.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from demo.openapi.allowances import ANY_OPERATION, NOT_DESCRIBED, allowed

DESCRIPTION = Path(__file__).with_name("github.json")
_REFERENCE = "#/components/schemas/"
_GREEDY = frozenset({"ref", "branch", "basehead", "name"})


@dataclass(frozen=True)
class Violation:
    """One difference. `where` is an operation or a webhook, `part` what of it differs, `at` a place in the JSON."""

    where: str
    part: str
    at: str
    message: str

    def __str__(self) -> str:
        return f"{self.where} {self.part} {self.at}: {self.message}"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as bytes. `path` is without the query; header names are in lower case."""

    method: str
    path: str
    query: str
    request_body: bytes
    status: int
    response_headers: Mapping[str, str]
    response_body: bytes


class Validator:
    """Compiles the pruned description's schemas as they are needed. Safe to share between threads once made."""

    def __init__(self, description: Path = DESCRIPTION) -> None:
        import jsonschema_rs

        self._engine = jsonschema_rs
        self._data: dict[str, Any] = json.loads(description.read_text(encoding="utf-8"))
        self._patterns = [(_pattern(path), path) for path in self._data["paths"]]
        self._compiled: dict[str, Any] = {}

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any], dict[str, str]] | None:
        """The path template, description and path parameters of a request, or None when it is no known operation."""
        found = []
        for pattern, template in self._patterns:
            match = pattern.match(path)
            node = self._data["paths"][template].get(method.lower())
            if match is not None and node is not None:
                literal = len(re.sub(r"\{\w+\}", "", template))
                found.append((literal, template, node, match.groupdict()))
        if not found:
            return None
        _, template, node, params = max(found, key=lambda one: one[0])
        return template, node, params

    def exchange(self, one: Exchange) -> list[Violation]:
        """The violations of one exchange: parameters, bodies, status, schema."""
        if (one.method, one.path) in NOT_DESCRIBED:
            return []
        known = self.operation(one.method, one.path)
        if known is None:
            return _kept([Violation(f"{one.method} {one.path}", "operation", "", "is not in the description")])
        template, node, params = known
        where = f"{one.method} {template}"
        found = self._parameters(where, node, params, one.query)
        if one.status < 400:  # a refused request may well be wrong: that is why it was refused
            found += self._request(where, node, one.request_body)
        return _kept(found + self._response(where, node, one))

    def webhook(self, event: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> list[Violation]:
        """The violations of one webhook: its headers and its payload."""
        action = payload.get("action")
        name = event.replace("_", "-") + ("" if action is None else f"-{str(action).replace('_', '-')}")
        node = self._data["webhooks"].get(name)
        if node is None:
            return [Violation(f"webhook {name}", "event", "", "is not in the description")]
        present = {header.lower() for header in headers}
        found = [
            Violation(f"webhook {name}", "headers", header, "is missing")
            for header in node["headers"]
            if header.lower() not in present and header.lower() != "x-hub-signature-256"
        ]
        found += self._check(f"webhook {name}", "payload", node["payload"], payload)
        return _kept(found)

    def _parameters(self, where: str, node: dict[str, Any], params: Mapping[str, str], query: str) -> list[Violation]:
        described = {(p["in"], p["name"]): p["schema"] for p in node["parameters"]}
        found = []
        for place, pairs in (("path", list(params.items())), ("query", parse_qsl(query, keep_blank_values=True))):
            for name, text in pairs:
                schema = described.get((place, name))
                if schema is None:
                    found.append(Violation(where, place, name, "is not a parameter of this operation"))
                else:
                    found += self._check(where, f"{place} {name}", schema, _typed(text, schema))
        return found

    def _request(self, where: str, node: dict[str, Any], body: bytes) -> list[Violation]:
        schema = node["request"].get("application/json")
        if schema is None:
            return [Violation(where, "request", "", "has a body where none is described")] if body.strip() else []
        if not body.strip():
            return [Violation(where, "request", "", "has no body")] if node["requestRequired"] else []
        return self._check(where, "request", schema, json.loads(body))

    def _response(self, where: str, node: dict[str, Any], one: Exchange) -> list[Violation]:
        contents = node["responses"].get(str(one.status))
        if contents is None:
            if one.status not in ANY_OPERATION:
                return [Violation(where, "status", "", f"{one.status} is not described")]
            contents = {} if one.status == 304 else {"application/json": {"$ref": f"{_REFERENCE}basic-error"}}
        if not contents:
            return [Violation(where, "response", "", "has a body where none is described")] if one.response_body else []
        kind = one.response_headers.get("content-type", "").partition(";")[0]
        if kind != "application/json":
            return [Violation(where, "response", "", f"has content type {kind or 'none'}")]
        schema = contents.get("application/json") or next(iter(contents.values()))
        return self._check(where, f"response {one.status}", schema, json.loads(one.response_body))

    def _check(self, where: str, part: str, schema: dict[str, Any], value: Any) -> list[Violation]:
        key = json.dumps(schema, sort_keys=True)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._engine.Draft202012Validator(self._with_components(schema), validate_formats=True)
            self._compiled[key] = compiled
        found = []
        for error in compiled.iter_errors(value):
            at = "/".join(str(step) for step in error.instance_path)
            found.append(Violation(where, part, at, error.message[:300]))
        return found

    def _with_components(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema with what it refers to beside it, and nothing else: all components together take gigabytes."""
        reached: dict[str, Any] = {}
        todo = list(_references(schema))
        while todo:
            name = todo.pop()
            if name not in reached:
                reached[name] = self._data["schemas"][name]
                todo += _references(reached[name])
        return {"allOf": [schema], "components": {"schemas": reached}}


def _kept(found: list[Violation]) -> list[Violation]:
    """Those that no allowance covers."""
    return [violation for violation in found if not allowed(violation.where, violation.at, violation.message)]


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for child in node for name in _references(child)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].removeprefix(_REFERENCE)] if isinstance(node.get("$ref"), str) else []
    return own + [name for child in node.values() for name in _references(child)]


@cache
def _pattern(template: str) -> re.Pattern[str]:
    def group(match: re.Match[str]) -> str:
        name = match[1]
        if name == "path":
            return "(?P<path>.*)"
        return f"(?P<{name}>.+)" if name in _GREEDY else f"(?P<{name}>[^/]+)"

    return re.compile("^" + re.sub(r"\{(\w+)\}", group, template) + "$")


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """A parameter's text as the type its schema asks for, or the text when it is not of that type."""
    kinds = schema.get("type", "string")
    text = unquote(text)
    if "integer" in kinds and re.fullmatch(r"-?\d+", text):
        return int(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    if "array" in kinds:
        return text.split(",")
    return text
