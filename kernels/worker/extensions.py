"""C++ and CUDA extensions in a worker: a stand-in for torch.utils.cpp_extension that builds nothing.

While a candidate's recipes are recorded, it notes what would be built and hands out a module that computes nothing. In
the candidate worker it hands out what the compile service built for exactly these sources and flags. Every function of
an extension is called through a gate, also one that the candidate took out of its module long ago: so all of them can
be made to fail, or to answer with nothing, from one place (`Extensions.mode`). Where there is a device, launches of
Triton kernels are too.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from kernels.recipes import CUDA_UNITS, HEADERS, MOST_RECIPES, UNITS, Recipe, inline, words
from kernels.worker import nvcc, triton_gates
from kernels.worker.gates import Ablated, Loaded, Mode, Turn, ways

__all__ = ["Ablated", "Extensions", "Mode", "NotBuilt"]

_FOLDER = os.path.join(tempfile.gettempdir(), "extensions")
_MODULE = "torch.utils.cpp_extension"
_KINDS = (types.BuiltinFunctionType, types.MethodType, types.FunctionType)
# What pickling uses to fill a partial object: the one way to give it another function.
_set_partial: Any = vars(functools.partial)["__setstate__"]
_operators = torch._C._dispatch_get_all_op_names


class NotBuilt(RuntimeError):
    """A candidate asks for an extension that was not built for it."""


class Extensions:
    """The only way from a candidate to an extension. `file`: the candidate's, whose lines are told. `device`: of its
    tensors; on the CPU nothing is built for any other, and no Triton kernel is launched."""

    def __init__(self, file: str, device: str = "cpu") -> None:
        self.loaded: list[Loaded] = []
        self.recorded: list[Recipe] | None = None
        self._device = device
        self._turns: list[Turn] = []
        self._built: dict[str, str] = {}
        self._modules: dict[str, types.ModuleType] = {}
        self._file = file
        self._frame = sys._getframe
        if device != "cpu" and (launches := triton_gates.install(file)):
            loaded, turn = launches
            self.loaded.append(loaded)
            self._turns.append(turn)

    @property
    def whole(self) -> bool:
        """All that the extensions compute goes through gates."""
        return not any(one.ungated for one in self.loaded)

    @contextmanager
    def mode(self, mode: Mode) -> Iterator[None]:
        """Puts all gates into a mode for a while, and counts the calls through them meanwhile in `Loaded.calls`."""
        turns = list(self._turns)
        for turn in turns:
            turn(mode)
        try:
            yield
        finally:
            for turn in turns:
                turn(Mode.real)

    def install(self) -> None:
        """From here on `torch.utils.cpp_extension` is the stand-in."""
        module = types.ModuleType(_MODULE, "Stands in for torch's: extensions are built by a service of their own.")
        names: Mapping[str, Any] = {
            "load": self._load,
            "load_inline": self._load_inline,
            "CUDA_HOME": self._cuda_home(),
            "ROCM_HOME": None,
            "IS_HIP_EXTENSION": False,
            "is_ninja_available": lambda: True,
            "verify_ninja_availability": lambda: None,
            "include_paths": lambda *_, **__: [],
            "library_paths": lambda *_, **__: [],
        }
        for name, value in names.items():
            setattr(module, name, value)
        sys.modules[_MODULE] = module
        torch.utils.cpp_extension = module

    def take(self, key: str, name: str, data: bytes | bytearray | memoryview) -> None:
        """Keeps what was built for a recipe until the candidate asks for it."""
        folder = os.path.join(_FOLDER, key)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{name}.so")
        with open(path, "wb") as file:
            file.write(data)
        self._built[key] = path

    def _load_inline(
        self,
        name: str,
        cpp_sources: Any,
        cuda_sources: Any = None,
        sycl_sources: Any = None,
        functions: Any = None,
        extra_cflags: Any = None,
        extra_cuda_cflags: Any = None,
        extra_sycl_cflags: Any = None,
        extra_ldflags: Any = None,
        extra_include_paths: Any = None,
        build_directory: Any = None,
        verbose: bool = False,
        with_cuda: bool | None = None,
        with_sycl: bool | None = None,
        is_python_module: bool = True,
        with_pytorch_error_handling: bool = True,
        keep_intermediates: bool = True,
        use_pch: bool = False,
        no_implicit_headers: bool = False,
    ) -> Any:
        self._only_for_the_device(cuda_sources or with_cuda, sycl_sources or with_sycl)
        files, bound = inline(
            name,
            cpp_sources,
            functions,
            cuda_sources=cuda_sources,
            handled=with_pytorch_error_handling,
            headers=not no_implicit_headers,
        )
        return self._wanted(
            name, files, extra_cflags, extra_cuda_cflags, extra_ldflags, extra_include_paths, with_cuda,
            is_python_module, bound,
        )  # fmt: skip

    def _load(
        self,
        name: str,
        sources: Any,
        extra_cflags: Any = None,
        extra_cuda_cflags: Any = None,
        extra_sycl_cflags: Any = None,
        extra_ldflags: Any = None,
        extra_include_paths: Any = None,
        build_directory: Any = None,
        verbose: bool = False,
        with_cuda: bool | None = None,
        with_sycl: bool | None = None,
        is_python_module: bool = True,
        is_standalone: bool = False,
        keep_intermediates: bool = True,
    ) -> Any:
        paths = [os.fspath(one) for one in ([sources] if isinstance(sources, str) else sources)]
        self._only_for_the_device(any(path.endswith((".cu", ".cuh")) for path in paths) or with_cuda, with_sycl)
        if is_standalone:
            raise NotBuilt("programs of their own (is_standalone) are not built")
        files = {os.path.basename(path): _read(path) for path in paths}
        if len(files) < len(paths):
            raise NotBuilt("two sources of one extension have the same file name")
        for folder in {os.path.dirname(os.path.abspath(path)) for path in paths}:
            for beside in sorted(os.listdir(folder)):
                if beside.endswith(HEADERS) and beside not in files:
                    files[beside] = _read(os.path.join(folder, beside))
        return self._wanted(
            name, files, extra_cflags, extra_cuda_cflags, extra_ldflags, extra_include_paths, with_cuda,
            is_python_module, (),
        )  # fmt: skip

    def _wanted(
        self,
        name: str,
        files: Mapping[str, str],
        cflags: Any,
        cuda_cflags: Any,
        ldflags: Any,
        include_paths: Any,
        with_cuda: bool | None,
        python: bool,
        functions: tuple[str, ...],
    ) -> Any:
        for_nvcc = any(one.endswith(CUDA_UNITS) for one in files)
        recipe = Recipe(
            name,
            files,
            cflags=words(cflags),
            cuda_cflags=words(cuda_cflags) if for_nvcc else (),
            ldflags=words(ldflags),
            include_paths=tuple(map(str, include_paths or ())),
            with_cuda=bool(with_cuda),
            plain=not python,
            functions=functions,
            line=self._line(),
        )
        if self.recorded is not None:
            if recipe not in self.recorded:
                if len(self.recorded) == MOST_RECIPES:
                    raise NotBuilt(f"at most {MOST_RECIPES} extensions are built for a candidate")
                self.recorded.append(recipe)
            return _Absent(name)
        if recipe.key not in self._built:
            raise NotBuilt(
                f"the extension {name} was not built: only what a candidate builds while it is imported and its model "
                "is constructed is, with the same sources and flags each time"
            )
        if recipe.key not in self._modules:
            self._modules[recipe.key] = self._opened(recipe)
        module = self._modules[recipe.key]
        return module if python else self._built[recipe.key]

    def _opened(self, recipe: Recipe) -> types.ModuleType:
        path, before = self._built[recipe.key], set(_operators())
        found = types.ModuleType(recipe.name)
        exported: Mapping[str, Any] = {}
        if recipe.plain:
            torch.ops.load_library(path)
        else:
            loader = importlib.machinery.ExtensionFileLoader(recipe.name, path)
            spec = importlib.util.spec_from_file_location(recipe.name, path, loader=loader)
            if spec is None:
                raise ImportError(f"{recipe.name} cannot be loaded")
            made = importlib.util.module_from_spec(spec)
            loader.exec_module(made)
            exported = vars(made)
        loaded = Loaded(recipe.name, [], sorted(set(_operators()) - before))
        functions, others = [], list(loaded.ungated)
        for name, value in exported.items():
            if isinstance(value, _KINDS):
                functions.append(name)
                value, turn = _gated(name, value, loaded)
                self._turns.append(turn)
            elif callable(value) and not name.startswith("__"):
                others.append(name)
            setattr(found, name, value)
        loaded.functions, loaded.ungated = functions, others
        self.loaded.append(loaded)
        return found

    def _cuda_home(self) -> str | None:
        home = nvcc.toolkit() if self._device != "cpu" else None
        return str(home) if home else None

    def _only_for_the_device(self, cuda: Any, sycl: Any) -> None:
        if self._device == "cpu" and (cuda or sycl):
            raise NotBuilt("only C++ for the CPU is built here; CUDA and SYCL sources need a machine with their device")
        if sycl:
            raise NotBuilt("only C++ and CUDA are built here; SYCL sources need a machine with their device")

    def _line(self) -> int | None:
        """The candidate's line that asks."""
        frame: types.FrameType | None = self._frame(1)
        while frame is not None and frame.f_code.co_filename != self._file:
            frame = frame.f_back
        return frame.f_lineno if frame else None


def _gated(name: str, real: Callable[..., Any], loaded: Loaded) -> tuple[Callable[..., Any], Turn]:
    """A function of an extension as the candidate has it, and what puts it into another mode. A call through it is part
    of what is timed: a partial object costs a tenth of a microsecond, a function of ours six times that."""
    gate = functools.partial(real)
    modes = ways(name, real, loaded)

    def turn(mode: Mode) -> None:
        _set_partial(gate, (modes[mode], (), None, named))

    named = {"__name__": name, "__qualname__": name, "__doc__": getattr(real, "__doc__", None)}
    turn(Mode.real)
    return gate, turn


class _Absent(types.ModuleType):
    """An extension while recipes are recorded: anything may be taken from it and nothing computes."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def absent(*_: Any, **__: Any) -> Any:
            raise NotBuilt(f"{name} is not built yet")

        return absent


def _read(path: str) -> str:
    if not path.endswith(UNITS + CUDA_UNITS + HEADERS):
        raise NotBuilt(f"{os.path.basename(path)[:100]} is no C++ or CUDA file that can be built")
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
