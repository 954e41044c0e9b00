"""What an extension is built from, as the worker that met `load_inline` and the broker both name it. Pure, and the
standard library alone: the workers have it too.

A recipe is all that the compilers are given: files, flags and the module's name. Its key is a digest of that, so a
module is only ever handed out for exactly what it was built from. For which device CUDA units are compiled is none of
it: what was built is named by that beside the recipe's key (`kernels.compiling`).
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAIN = "main.cpp"
CUDA = "cuda.cu"
MOST_RECIPES = 8
MOST_FILES = 64
MOST_TEXT = 2 << 20
UNITS = (".cpp", ".cc", ".cxx", ".c++", ".C")
CUDA_UNITS = (".cu",)
HEADERS = (".h", ".hpp", ".hh", ".hxx", ".inc", ".inl", ".tpp", ".cuh")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_FILES = UNITS + CUDA_UNITS + HEADERS
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Recipe:
    """`files`: contents by name, in one folder; those of `UNITS` and `CUDA_UNITS` are compiled, the others may be
    included. `cuda_cflags`: nvcc's, `with_cuda`: the C++ files want CUDA's headers and libraries. `plain`: it is loaded
    for what it registers, not as a Python module. ValueError for what cannot be one."""

    name: str
    files: Mapping[str, str]
    cflags: tuple[str, ...] = ()
    cuda_cflags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()
    include_paths: tuple[str, ...] = ()
    with_cuda: bool = False
    plain: bool = False
    functions: tuple[str, ...] = ()
    line: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name[:100]!r} cannot be a module's name")
        odd = [name for name in self.files if not _FILE.fullmatch(name) or not name.endswith(_FILES)]
        if odd:
            raise ValueError(f"{odd[0][:100]!r} is no name of a C++ file or a CUDA file")
        if not self.units and not self.cuda_units:
            raise ValueError("an extension needs a C++ file or a CUDA file")
        if len(self.files) > MOST_FILES or sum(map(len, self.files.values())) > MOST_TEXT:
            raise ValueError(f"an extension has at most {MOST_FILES} files and {MOST_TEXT} characters")

    @property
    def units(self) -> list[str]:
        return sorted(name for name in self.files if name.endswith(UNITS))

    @property
    def cuda_units(self) -> list[str]:
        return sorted(name for name in self.files if name.endswith(CUDA_UNITS))

    @property
    def cuda(self) -> bool:
        """It is built for a device."""
        return self.with_cuda or bool(self.cuda_units)

    @property
    def key(self) -> str:
        """Names what it is built from. The line where it is asked for, and what its functions are called, are not."""
        given = [self.cflags, self.cuda_cflags, self.ldflags, self.include_paths]
        facts = [self.name, dict(self.files), given, self.with_cuda, self.plain]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode("ascii")).hexdigest()


def to_json(recipes: Sequence[Recipe]) -> bytes:
    return json.dumps(
        [
            {
                "name": one.name,
                "files": dict(one.files),
                "cflags": one.cflags,
                "cuda_cflags": one.cuda_cflags,
                "ldflags": one.ldflags,
                "include_paths": one.include_paths,
                "with_cuda": one.with_cuda,
                "plain": one.plain,
                "functions": one.functions,
                "line": one.line,
            }
            for one in recipes
        ]
    ).encode("ascii")


def from_json(data: bytes) -> list[Recipe]:
    """ValueError for what `to_json` does not make."""
    try:
        listed = json.loads(data.decode("ascii"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(listed, list) or len(listed) > MOST_RECIPES:
        raise ValueError(f"at most {MOST_RECIPES} extensions are built for a candidate")
    return [_recipe(one) for one in listed]


def _recipe(one: Any) -> Recipe:
    if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not isinstance(one.get("files"), dict):
        raise ValueError("a recipe without a name or files")
    files = one["files"]
    if not all(isinstance(text, str) for text in files.values()):
        raise ValueError("a recipe whose files are no text")
    if not all(isinstance(one.get(name), bool) for name in ("plain", "with_cuda")):
        raise ValueError("a recipe that does not say what it is")
    line = one.get("line")
    return Recipe(
        one["name"],
        files,
        cflags=_strings(one.get("cflags")),
        cuda_cflags=_strings(one.get("cuda_cflags")),
        ldflags=_strings(one.get("ldflags")),
        include_paths=_strings(one.get("include_paths")),
        with_cuda=one["with_cuda"],
        plain=one["plain"],
        functions=_strings(one.get("functions")),
        line=line if type(line) is int and 0 < line < 1 << 31 else None,
    )


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 200 or not all(isinstance(one, str) for one in value):
        raise ValueError("flags and functions are lists of text")
    return tuple(one[:1000] for one in value)


def inline(
    name: str,
    cpp_sources: Any,
    functions: Any,
    *,
    cuda_sources: Any = None,
    handled: bool = True,
    headers: bool = True,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The files that `load_inline` makes of its arguments, and the names of the functions it binds. As torch 2.13 does
    it (torch/utils/cpp_extension.py): functions are bound in C++, whichever compiler they are for. TypeError,
    ValueError."""
    parts = _parts(cpp_sources)
    if headers:
        parts.insert(0, "#include <torch/extension.h>")
    bound: Mapping[Any, Any] = {}
    if functions is not None:
        if isinstance(functions, str):
            functions = [functions]
        if not isinstance(functions, list | dict):
            raise ValueError(f"Expected 'functions' to be a list or dict, but was {type(functions)}")
        bound = functions if isinstance(functions, dict) else {one: one for one in functions}
        parts.append("PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {")
        for function, text in bound.items():
            target = f"torch::wrap_pybind_function({function})" if handled else function
            parts.append(f'm.def("{function}", {target}, "{text}");')
        parts.append("}")
    files = {MAIN: "\n".join(parts)}
    if cuda_sources:
        before = ["torch/types.h", "cuda.h", "cuda_runtime.h"] if headers else []
        files[CUDA] = "\n".join([*(f"#include <{one}>" for one in before), *_parts(cuda_sources)])
    return files, tuple(str(one) for one in bound)


def _parts(sources: Any) -> list[str]:
    return [_text(one) for one in ([sources] if isinstance(sources, str) else list(sources))]


def words(flags: Any) -> tuple[str, ...]:
    """Flags one by one: torch puts them into a command line, where one string may hold several. TypeError,
    ValueError."""
    if flags is None:
        return ()
    return tuple(word for flag in ([flags] if isinstance(flags, str) else flags) for word in shlex.split(_text(flag)))


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"a source or flag is text, not {type(value).__name__}")
    return value
