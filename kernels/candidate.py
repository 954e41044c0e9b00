"""A candidate as the broker sees it: bytes with a hash, looked at and never executed. Pure but for the reading."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kernels.findings import Finding, Tier
from kernels.task import parsed, read_source, top_level
from kernels.without_gpu.needs import imported

_UNUSUAL = frozenset({"gc", "inspect", "ctypes", "threading", "subprocess", "socket", "multiprocessing"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """`name`: for people, the file's name."""

    name: str
    source: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.source).hexdigest()

    @property
    def is_cuda(self) -> bool:
        """A CUDA source by itself, which can be compiled and no more."""
        return self.name.endswith(".cu")


class Refused(Exception):
    """A candidate that is not one: `line` where it shows."""

    def __init__(self, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.text, self.line = text, line


def read_candidate(path: Path) -> Candidate:
    """TaskError when there is no such file or it is too large."""
    return Candidate(path.name, read_source(path, "candidate"))


def parse(candidate: Candidate) -> ast.Module:
    """Refused when it is no Python or defines not exactly one ModelNew."""
    try:
        tree = parsed(candidate.source)
    except SyntaxError as error:
        raise Refused(f"SyntaxError: {error.msg}", error.lineno) from None
    made = top_level(tree).get("ModelNew", [])
    if not made:
        raise Refused("the candidate defines no ModelNew at its top level")
    if len(made) > 1:
        raise Refused("the candidate defines ModelNew more than once", made[1].lineno)
    return tree


def static_findings(tree: ast.Module) -> list[Finding]:
    """What a reader should look at. Text proves nothing: none of it decides."""
    found: list[Finding] = []
    trying = set(_trying(tree, "forward"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node in trying:
            found.append(Finding("try_in_forward", Tier.telemetry, "forward catches errors", node.lineno))
        for name, line in imported(node):
            if name.split(".")[0] in _UNUSUAL:
                found.append(Finding("unusual_import", Tier.telemetry, f"imports {name}", line))
        if isinstance(node, ast.ClassDef) and node.name == "ModelNew" and "Model" in map(_last_name, node.bases):
            found.append(Finding("derives_from_reference", Tier.support, "derives from Model", node.lineno))
    return found


def _last_name(node: ast.expr) -> str:
    """Of a dotted name, however long it is."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _trying(tree: ast.Module, name: str) -> Iterator[ast.Try]:
    """Every `try` within a function of this name."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, within = waiting.pop()
        within = within or (isinstance(node, ast.FunctionDef) and node.name == name)
        if within and isinstance(node, ast.Try):
            yield node
        waiting += [(child, within) for child in ast.iter_child_nodes(node)]
