"""What a candidate's process shows of tampering: functions that are no longer the same, switches, calls that kernels
have no use for, threads left behind. Hints, from inside a process that is not trusted."""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import gc
import os
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch

from kernels.messages import Json
from kernels.worker.device import Device
from kernels.worker.listening import listen

_SWITCHES = (
    "torch.backends.cudnn.benchmark",
    "torch.backends.cudnn.allow_tf32",
    "torch.backends.cuda.matmul.allow_tf32",
    "torch.backends.mkldnn.enabled",
)
_MOST = 50
_DRIVERS = "cuda"
# By the names they had at the start: whatever stands there now is somebody else's.
_CLOCKS = {
    f"time.{name}": getattr(time, name)
    for name in ("perf_counter", "perf_counter_ns", "monotonic", "time", "process_time")
}


class Watch:
    """Looks at a process from its beginning. `file`: the candidate's, whose own calls are noted."""

    def __init__(self, file: str, device: Device) -> None:
        self._device = device
        self._heard = listen(file)
        self._before = _functions()
        self._entries = _entries()
        self._switches = _read_switches()
        self._threads = self._count_threads()
        self._random = b""

    def loaded(self) -> None:
        """From here on only calls are made: weights may have been drawn before, and threads of torch's own made."""
        self._random = self._random_state()

    def seen(self) -> Json:
        """All that is to be seen now."""
        after = _functions()
        replaced = sorted(name for name, value in self._before.items() if after.get(name) is not value)
        replaced += [name for name, value in _entries().items() if self._entries[name] != value]
        return {
            "replaced": replaced[:_MOST],
            "events": self._heard(),
            "switches": sorted(name for name, value in _read_switches().items() if self._switches[name] != value),
            "threads": self._count_threads() - self._threads,
            "random": self._random_state() != self._random,
        }

    def _count_threads(self) -> int:
        """Without those that CUDA's driver makes when it sees fit, by the names it gives them."""
        if not self._device.beside:
            return len(os.listdir("/proc/self/task"))
        return sum(not name.startswith(_DRIVERS) for name in _thread_names())

    def _random_state(self) -> bytes:
        states = [torch.get_rng_state()]
        if self._device.beside:
            states.append(torch.get_device_module(self._device.name).get_rng_state())
        return b"".join(bytes(one.tolist()) for one in states)


def _thread_names() -> Iterator[str]:
    for number in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError), open(f"/proc/self/task/{number}/comm") as file:
            yield file.read()


def _entries() -> dict[str, int]:
    """Where the C functions behind Python's clocks are: native code can put another there and leave the object as it
    was. Layout of CPython (Include/cpython/methodobject.h): m_ml follows the object's head, ml_meth is its second."""
    word = ctypes.sizeof(ctypes.c_void_p)
    found = {}
    for name, clock in _CLOCKS.items():
        method = ctypes.c_void_p.from_address(id(clock) + object.__basicsize__).value or 0
        found[name] = ctypes.c_void_p.from_address(method + word).value or 0
    return found


def _functions() -> dict[str, Any]:
    """What measuring and comparing are done with, by name."""
    places: dict[str, ModuleType | type] = {
        "torch": torch,
        "torch.Tensor": torch.Tensor,
        "torch.nn.functional": torch.nn.functional,
        "torch.nn.Module": torch.nn.Module,
        "torch.testing": torch.testing,
        "torch.cuda": torch.cuda,
        "torch.cuda.Event": torch.cuda.Event,
        "time": time,
        "builtins": builtins,
        "gc": gc,
    }
    for name, module in list(sys.modules.items()):
        if name.startswith("kernels."):
            # A clock or a reader of tensors may be replaced where the loader keeps its own, too.
            places[name] = module
            places |= {f"{name}.{one}": kind for one, kind in vars(module).items() if _own_class(kind, name)}
    found: dict[str, Any] = {}
    for place, owner in places.items():
        for name, value in list(_attributes(owner).items()):
            if callable(value) or isinstance(value, staticmethod | classmethod | property):
                found[f"{place}.{name}"] = value
    found.pop("torch.Storage", None)  # torch.set_default_dtype sets it, which is told as a switch and is no proof
    return found


def _own_class(value: object, module: str) -> bool:
    return isinstance(value, type) and value.__module__ == module


def _attributes(owner: ModuleType | type) -> dict[str, Any]:
    """A class's include what it inherits: a method of a base is replaced by setting one of that name."""
    if isinstance(owner, ModuleType):
        return vars(owner)
    found: dict[str, Any] = {}
    for base in reversed(owner.__mro__):
        found |= vars(base)
    return found


def _modes() -> tuple[int, int]:
    return torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()


def _read_switches() -> dict[str, str]:
    found = {}
    for path in _SWITCHES:
        value: Any = torch
        for part in path.split(".")[1:]:
            value = getattr(value, part)
        found[path] = str(value)
    found["default dtype"] = str(torch.get_default_dtype())
    found["threads of torch"] = str(torch.get_num_threads())
    found["precision of products of float32"] = str(torch.get_float32_matmul_precision())
    found["filling of fresh memory"] = str(torch.utils.deterministic.fill_uninitialized_memory)
    found["modes that torch's calls go through"] = str(_modes())
    found["numbers below the smallest exponent"] = str(bool(torch.full((1,), 2.0**-140).mul(2).item()))
    return found
