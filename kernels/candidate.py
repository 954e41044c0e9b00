"""A candidate as the broker sees it: bytes with a hash, looked at and never executed. Pure but for the reading."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kernels.findings import Finding, Tier
from kernels.task import parsed, read_source, top_level

_UNUSUAL = frozenset({"gc", "inspect", "ctypes", "threading", "subprocess", "socket", "multiprocessing"})
_GPU_MODULES = ("triton", "cupy", "numba.cuda", "pycuda", "tilelang", "cutlass")


@dataclass(frozen=True, slots=True)
class Candidate:
    """`name`: for people, the file's name."""

    name: str
    source: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.source).hexdigest()


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


def needs_gpu(tree: ast.Module) -> tuple[str, int] | None:
    """What of the candidate cannot run without a GPU, and its line: Triton, or CUDA sources handed to torch."""
    for node in ast.walk(tree):
        for name, line in _imported(node):
            if any(name == one or name.startswith(one + ".") for one in _GPU_MODULES):
                return f"it imports {name}", line
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "cuda_sources" and not _nothing(keyword.value):
                    return "it compiles CUDA sources", keyword.value.lineno
    return None


def static_findings(tree: ast.Module) -> list[Finding]:
    """What a reader should look at. Text proves nothing: none of it decides."""
    found: list[Finding] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and _in_method(tree, node, "forward"):
            found.append(Finding("try_in_forward", Tier.telemetry, "forward catches errors", node.lineno))
        for name, line in _imported(node):
            if name.split(".")[0] in _UNUSUAL:
                found.append(Finding("unusual_import", Tier.telemetry, f"imports {name}", line))
        if isinstance(node, ast.ClassDef) and node.name == "ModelNew":
            bases = [ast.unparse(base) for base in node.bases]
            if any(base.split(".")[-1] == "Model" for base in bases):
                found.append(Finding("derives_from_reference", Tier.support, f"derives from {bases[0]}", node.lineno))
    return found


def _imported(node: ast.AST) -> Iterator[tuple[str, int]]:
    """The modules an import names, each with its line."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module, node.lineno


def _nothing(node: ast.expr) -> bool:
    return (isinstance(node, ast.Constant) and not node.value) or (isinstance(node, ast.List) and not node.elts)


def _in_method(tree: ast.Module, wanted: ast.AST, name: str) -> bool:
    methods = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)
    return any(wanted is node for method in methods for node in ast.walk(method))
