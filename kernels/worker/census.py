"""Which operations of torch's a call makes, those from within C++ extensions too. Not those of other threads: that a
thread was left is seen elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.profiler import profile
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from kernels.messages import Json
from kernels.namespaces import TORCHS_OWN

_OUT_OF_TORCH = frozenset({"numpy", "__array__", "__dlpack__", "tolist"})
_MOST = 300
_getframe = sys._getframe


class Census(TorchDispatchMode):
    """Counts while it is entered. `file`: the candidate's, whose line is told with each operation."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file
        self._seen: dict[str, list[int | None]] = {}
        self.given_away = _GivenAway(self.note)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.note(func._schema.name)
        if func.namespace in TORCHS_OWN:
            return func(*args, **(kwargs or {}))
        # What an operation of the candidate's own calls does not come through here; the profiler sees it.
        with profile(use_cpu=True) as inner:
            found = func(*args, **(kwargs or {}))
        for event in inner.function_events or ():
            within = [str(one.name) for one in event.cpu_children]
            if event.name != func._schema.name and not any(one.startswith("aten::") for one in within):
                self.note(str(event.name))
        return found

    def note(self, name: str) -> None:
        if name in self._seen:
            count = self._seen[name][0] or 0
            self._seen[name][0] = count + 1
        elif len(self._seen) < _MOST:
            self._seen[name[:100]] = [1, _line(self._file)]

    def facts(self) -> Json:
        """For each operation how often it was called, and from which line first."""
        return {"operations": [[name, count, line] for name, (count, line) in self._seen.items()]}


class _GivenAway(TorchFunctionMode):
    """Tensors handed to numpy and the like, where no operation of torch's shows what is computed."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self._note = note

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _OUT_OF_TORCH:
            self._note(f"python::{name}")
        return func(*args, **(kwargs or {}))


def warm() -> None:
    """Has the profiler make its thread now, before anybody counts a candidate's."""
    with profile(use_cpu=True):
        pass


def _line(file: str) -> int | None:
    frame: Any = _getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == file:
            return int(frame.f_lineno)
        frame = frame.f_back
    return None


def counted(call: Callable[[], Any], file: str) -> tuple[Any, Json]:
    """What the call gives, and what it did."""
    census = Census(file)
    with torch.no_grad(), census, census.given_away:
        found = call()
    return found, census.facts()
