"""Where in the candidate's file people should look. Pure: the text is read, never executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from forges.github.check_runs import ANNOTATIONS_A_REQUEST, Annotation, Level

_LEVELS: Mapping[str, Level] = {"hard": "failure", "support": "warning", "telemetry": "notice"}
_PASSED = ("faster", "equal", "slower", "ambiguous")
_LONGEST = 1000


def annotate(document: Mapping[str, Any], path: str, source: bytes) -> tuple[Annotation, ...]:
    """At most as many as one request takes: the verdict where it is against the candidate, then what was found.

    A verdict that names no line stands at the line of `forward` that answers, or at the class: comparing outputs proves
    that it is wrong, not where.
    """
    found: list[Annotation] = []
    lines = max(1, source.count(b"\n") + (not source.endswith(b"\n")))
    verdict = str(document["verdict"])

    def add(line: int, level: Level, message: str, title: str) -> None:
        at = min(max(line, 1), lines)
        found.append(Annotation(path, at, at, level, message[:_LONGEST], title))

    if verdict not in (*_PASSED, "infra_error", "invalid_task"):
        wrong = f" ({document['wrong']})" if document.get("wrong") else ""
        level: Level = "warning" if verdict in ("needs_review", "needs_gpu") else "failure"
        line = document.get("line") or answering_line(source)
        add(line, level, "\n".join(document["reasons"]) or verdict, f"{verdict}{wrong}")
    for one in document["findings"]:
        if one.get("line"):
            add(int(one["line"]), _LEVELS[one["tier"]], str(one["evidence"]), str(one["rule"]))
    return tuple(found[:ANNOTATIONS_A_REQUEST])


def answering_line(source: bytes) -> int:
    """The line in `ModelNew.forward` on which something kept from before is answered, else that of `forward`, of the
    class, or 1; also 1 for what Python cannot parse, or nests deeper than it goes."""
    try:
        return _answering_line(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 1


def _answering_line(tree: ast.Module) -> int:
    model = next((one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == "ModelNew"), None)
    if model is None:
        return 1
    forward = next((one for one in model.body if isinstance(one, ast.FunctionDef) and one.name == "forward"), None)
    if forward is None:
        return model.lineno
    kept = {_place(target) for target in _stored(forward)} - {""}
    for node in ast.walk(forward):
        if isinstance(node, ast.Return) and node.value is not None:
            read = (one for one in ast.walk(node.value) if isinstance(one, ast.Attribute | ast.Name | ast.Subscript))
            if any(_place(one) in kept for one in read):
                return node.lineno
    return forward.lineno


def _stored(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """What the function writes to that outlives a call: attributes, items of them, global names."""
    outer = {name for node in ast.walk(function) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
    for node in ast.walk(function):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Attribute | ast.Subscript) or _place(target) in outer:
                yield target


def _place(node: ast.expr) -> str:
    """What an expression reads or writes, without the index: `self.cache` for `self.cache[key]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
