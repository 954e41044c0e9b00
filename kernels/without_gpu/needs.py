"""What of a candidate cannot run without a GPU. Read from its text, which is enough to choose a lane. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import StrEnum

_MODULES = ("cupy", "numba.cuda", "pycuda", "tilelang", "cutlass", "cuda")
_LOADERS = frozenset({"load", "load_inline"})


class Kind(StrEnum):
    """`triton` is interpreted and compiled, `cuda` compiled, `other` read."""

    triton = "triton"
    cuda = "cuda"
    other = "other"


@dataclass(frozen=True, slots=True)
class Need:
    """`why`: a clause about the candidate. `names_cuda`: it speaks of that device, for which a CPU can stand in."""

    kind: Kind
    why: str
    line: int
    names_cuda: bool = False

    def __str__(self) -> str:
        return f"{self.why} (line {self.line})"


def need(tree: ast.Module) -> Need | None:
    """None for a candidate that a CPU can run. Of several needs the one that goes least far decides."""
    found = {one.kind: one for one in _needs(tree)}
    return next((found[kind] for kind in (Kind.other, Kind.cuda, Kind.triton) if kind in found), None)


def _needs(tree: ast.Module) -> Iterator[Need]:
    names_cuda, files = _names_cuda(tree), cuda_files(tree)
    for node in reversed(list(ast.walk(tree))):  # the first of a kind is the last that is kept
        for name, line in imported(node):
            if name.split(".")[0] == "triton":
                yield Need(Kind.triton, f"it imports {name}", line, names_cuda)
            if any(name == one or name.startswith(one + ".") for one in _MODULES):
                yield Need(Kind.other, f"it imports {name}", line)
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "cuda_sources" and not _nothing(keyword.value):
                    yield Need(Kind.cuda, "it compiles CUDA sources", keyword.value.lineno)
            if called(node) in _LOADERS and node in files:
                yield Need(Kind.cuda, "it compiles a CUDA file", node.lineno)


def imported(node: ast.AST) -> Iterator[tuple[str, int]]:
    """The modules an import names, each with its line."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module, node.lineno


def cuda_files(tree: ast.Module) -> Set[ast.AST]:
    """The constants that name a CUDA file, and every node that such a one is within."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and _is_cuda_file(node.value)]
    if not names:
        return frozenset()
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found: set[ast.AST] = set()
    for name in names:
        node: ast.AST | None = name
        while node is not None and node not in found:  # above one that was found before, all have been
            found.add(node)
            node = parents.get(node)
    return found


def _is_cuda_file(value: object) -> bool:
    return isinstance(value, str) and value.endswith((".cu", ".cuh")) and "\n" not in value


def called(node: ast.Call) -> str:
    """The last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _nothing(node: ast.expr) -> bool:
    return (isinstance(node, ast.Constant) and not node.value) or (isinstance(node, ast.List) and not node.elts)


def _names_cuda(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("cuda", "is_cuda", "device", "get_active_torch_device"):
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"cuda(:\d+)?", node.value):
            return True
    return False
