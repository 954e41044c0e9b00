"""The CUDA sources of a candidate: those that stand in it as literals, each with the line it begins at. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kernels.without_gpu.needs import called, cuda_files

_FLAGS = re.compile(
    r"-O[0-3]|--?use_fast_math|-std=c\+\+\d\d|--std=c\+\+\d\d|-D\w+(=\w+)?|--expt-[\w-]+|--?lineinfo|"
    r"--maxrregcount=\d+|-maxrregcount=\d+|--?ftz=\w+|--?prec-div=\w+|--?prec-sqrt=\w+|--?fmad=\w+|-U\w+"
)
"""Flags that change what is compiled. Those that name files, plug-ins or the host compiler's options are left out."""

MOST_TEXT = 2 << 20
_MOST_SOURCES = 64
_MOST_PARTS = 1000
_MOST_SAID = 100


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
    literals, files = _Literals(_bound(tree)), cuda_files(tree)
    found: list[CudaSource] = []
    unknown: list[tuple[str, int]] = []
    flags: list[str] = []
    left = MOST_TEXT
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if "cuda_sources" in given:
            for part in literals.parts(given["cuda_sources"]):
                text = literals.text(part)
                if text is None:
                    unknown.append(("a CUDA source is put together while it runs", part.lineno))
                elif len(text[0]) > left or len(found) == _MOST_SOURCES:
                    unknown.append((f"its CUDA sources have more than {MOST_TEXT} characters", part.lineno))
                elif text[0]:
                    found.append(CudaSource(name, *text))
                    left -= len(text[0])
            if "extra_cuda_cflags" in given:
                texts = [literals.text(part) for part in literals.parts(given["extra_cuda_cflags"])]
                flags += [text[0][:1000] for text in texts if text is not None]
        elif node in files and ("sources" in given or (node.args and called(node) == "load")):
            unknown.append(("a CUDA file is none of the candidate's own text", node.lineno))
    unknown, flags = unknown[:_MOST_SAID], flags[:_MOST_SAID]
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


class _Literals:
    """Text as a program writes it, with names that stand for one thing and sums of such. In all no more than a program
    may have is put together: twenty lines that each double the one before would be more than there is memory for."""

    def __init__(self, bound: Mapping[str, ast.expr]) -> None:
        self._bound = bound
        self._known: dict[ast.expr, tuple[str, int] | None] = {}
        self._parts = _MOST_PARTS
        self._left = MOST_TEXT

    def parts(self, node: ast.expr) -> Iterator[ast.expr]:
        """Those of a list or tuple, or of a name for one; else the node itself."""
        if isinstance(node, ast.Name) and isinstance(self._bound.get(node.id), ast.List | ast.Tuple):
            node = self._bound[node.id]
        for part in node.elts if isinstance(node, ast.List | ast.Tuple) else [node]:
            if not self._parts:
                return
            self._parts -= 1
            yield part

    def text(self, node: ast.expr, depth: int = 0) -> tuple[str, int] | None:
        """A literal's text and where it begins; None for what is no literal, or too much."""
        if depth > 20:
            return None
        if node not in self._known:
            self._known[node] = None  # of a name that stands for itself
            self._known[node] = self._read(node, depth)
        return self._known[node]

    def _read(self, node: ast.expr, depth: int) -> tuple[str, int] | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value, node.lineno
        if isinstance(node, ast.Name) and node.id in self._bound:
            return self.text(self._bound[node.id], depth + 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.text(node.left, depth + 1), self.text(node.right, depth + 1)
            if left is None or right is None or len(left[0]) + len(right[0]) > self._left:
                return None
            self._left -= len(left[0]) + len(right[0])
            return left[0] + right[0], left[1]
        return None
