"""Launches of Triton kernels on a device go through a gate, as calls of an extension's functions do.

It stands where launches come by: `JITFunction.run`, to which an Autotuner and Heuristics lead, and a compiled kernel
that is launched by itself. Who takes the launcher out of a compiled kernel goes past it, and then none of what it
defines is seen to be launched. The gate is there in every process that has a device, so that none can tell the one in
which kernels are made to fail; in earnest a launch goes through one function of ours more, half a microsecond.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

from kernels.worker.gates import Loaded, Mode, Turn, ways

_MOST = 200


class _Kernels:
    """`names`: the candidate's kernels but for those that others of them call, and whatever else is launched."""

    def __init__(self, file: str) -> None:
        self.names: list[str] = []
        self._file = file
        self._called: set[str] = set()

    def define(self, fn: Any) -> None:
        code = getattr(fn, "__code__", None)
        if code is None or code.co_filename != self._file:
            return
        self._called |= set(code.co_names)
        self.launch(fn.__name__)
        self.names[:] = [one for one in self.names if one not in self._called]

    def launch(self, name: str) -> None:
        if name not in self.names and len(self.names) < _MOST:
            self.names.append(name)


def install(file: str) -> tuple[Loaded, Turn] | None:
    """Puts the gate there, in the real mode: what is counted, and what turns it. Before any candidate is there, whose
    file is `file`. None where there is no Triton."""
    if importlib.util.find_spec("triton") is None:
        return None
    from triton.compiler import CompiledKernel
    from triton.runtime.jit import JITFunction

    kernels = _Kernels(file)
    loaded = Loaded("triton", kernels.names, ())
    made, run, chosen = JITFunction.__init__, JITFunction.run, CompiledKernel.__getitem__
    mode = Mode.real

    def passed(name: str, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        kernels.launch(name)
        return ways(name, real, loaded)[mode](*args, **kwargs)

    def defined(self: Any, fn: Any, *args: Any, **kwargs: Any) -> None:
        made(self, fn, *args, **kwargs)
        kernels.define(fn)

    def launched(self: Any, *args: Any, **kwargs: Any) -> Any:
        if mode is Mode.real or kwargs.get("warmup"):  # which compiles and launches nothing
            return run(self, *args, **kwargs)
        return passed(self.fn.__name__, functools.partial(run, self), *args, **kwargs)

    def launcher(self: Any, grid: Any) -> Any:
        real = chosen(self, grid)

        def launch(*args: Any, **kwargs: Any) -> Any:
            return real(*args, **kwargs) if mode is Mode.real else passed(self.name, real, *args, **kwargs)

        return launch

    def turn(to: Mode) -> None:
        nonlocal mode
        mode = to

    JITFunction.__init__, JITFunction.run, CompiledKernel.__getitem__ = defined, launched, launcher
    return loaded, turn
