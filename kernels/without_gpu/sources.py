"""The CUDA sources of a candidate: those that stand in it as literals, each with the line it begins at. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_FLAGS = re.compile(
    r"-O[0-3]|--?use_fast_math|-std=c\+\+\d\d|--std=c\+\+\d\d|-D\w+(=\w+)?|--expt-[\w-]+|--?lineinfo|"
    r"--maxrregcount=\d+|-maxrregcount=\d+|--?ftz=\w+|--?prec-div=\w+|--?prec-sqrt=\w+|--?fmad=\w+|-U\w+"
)
"""Flags that change what is compiled. Those that name files, plug-ins or the host compiler's options are left out."""


@dataclass(frozen=True, slots=True)
class CudaSource:
    """`line`: of `name`, where the text's first line stands."""

    name: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Sources:
    """`unknown`: what of it is put together while the candidate runs, or is in a file it does not have; each a clause
    and its line. `flags`: for nvcc, `left_out` those that are not passed on."""

    sources: tuple[CudaSource, ...]
    unknown: tuple[tuple[str, int], ...] = ()
    flags: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def cuda_sources(tree: ast.Module, name: str) -> Sources:
    """Of every call with `cuda_sources`, in the order of the text; `name` is the candidate's."""
    bound = _bound(tree)
    found: list[CudaSource] = []
    unknown: list[tuple[str, int]] = []
    flags: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if "cuda_sources" in given:
            for part in _parts(given["cuda_sources"], bound):
                text = _text(part, bound)
                if text is None:
                    unknown.append(("a CUDA source is put together while it runs", part.lineno))
                elif text[0]:
                    found.append(CudaSource(name, *text))
            if "extra_cuda_cflags" in given:
                texts = [_text(part, bound) for part in _parts(given["extra_cuda_cflags"], bound)]
                flags += [text[0] for text in texts if text is not None]
        elif "sources" in given or (node.args and getattr(node.func, "attr", getattr(node.func, "id", "")) == "load"):
            files = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
            if any(isinstance(one, str) and one.endswith((".cu", ".cuh")) for one in files):
                unknown.append(("a CUDA file is none of the candidate's own text", node.lineno))
    passed = tuple(one for one in flags if _FLAGS.fullmatch(one))
    return Sources(tuple(found), tuple(unknown), passed, tuple(one for one in flags if one not in passed))


def _bound(tree: ast.Module) -> Mapping[str, ast.expr]:
    """Names that are assigned exactly once, with what is assigned."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _parts(node: ast.expr, bound: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    if isinstance(node, ast.Name) and isinstance(bound.get(node.id), ast.List | ast.Tuple):
        node = bound[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        yield from node.elts
    else:
        yield node


def _text(node: ast.expr, bound: Mapping[str, ast.expr], depth: int = 0) -> tuple[str, int] | None:
    """A literal's text and where it begins; None for what is no literal."""
    if depth > 20:
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, node.lineno
    if isinstance(node, ast.Name) and node.id in bound:
        return _text(bound[node.id], bound, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left, bound, depth + 1), _text(node.right, bound, depth + 1)
        return None if left is None or right is None else (left[0] + right[0], left[1])
    return None
