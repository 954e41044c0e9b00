"""The device `cuda` where there is none: what a candidate puts there stays on the CPU, and what it asks about the
device has an H100's answers. For candidates that name it, in boxes that interpret or compile and never measure.

Nothing of torch.Tensor is replaced: a mode of torch's own sees every call while it is entered. What of `torch.cuda` is
replaced is so before the process is first looked at.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DEVICE = torch.device("cuda", 0)
CPU = torch.device("cpu")
_NAME = re.compile(r"cuda(:\d+)?")
# NVIDIA's data sheet of the H100 SXM and the limits of compute capability 9.0 in the CUDA programming guide.
PROPERTIES = {"max_shared_mem": 232448, "max_num_regs": 65536, "multiprocessor_count": 132, "warpSize": 32}
_FACTS = SimpleNamespace(
    name="NVIDIA H100 80GB HBM3 (assumed: there is no GPU)", major=9, minor=0, multi_processor_count=132, warp_size=32,
    total_memory=80 << 30, max_threads_per_multi_processor=2048, regs_per_multiprocessor=65536,
    shared_memory_per_block=49152, shared_memory_per_block_optin=232448, shared_memory_per_multiprocessor=233472,
    L2_cache_size=50 << 20,
)  # fmt: skip


class CudaOnCpu(TorchFunctionMode):
    """Entered around a candidate's code."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func == torch.Tensor.device.__get__:
            return DEVICE if func(*args) == CPU else func(*args)
        if func == torch.Tensor.is_cuda.__get__:
            return True
        if func == torch.Tensor.cuda:
            return args[0]
        if func == torch.Tensor.cpu:
            return args[0].clone()
        given = {name: _here(value) for name, value in (kwargs or {}).items() if name != "pin_memory"}
        return func(*map(_here, args), **given)


def _here(value: Any) -> Any:
    if isinstance(value, torch.device) and value.type == "cuda":
        return CPU
    if type(value) is str and _NAME.fullmatch(value):
        return "cpu"
    return value


class Stream:
    """One after the other, as everything is here."""

    cuda_stream = 0
    device = DEVICE

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def nothing(self, *_: object, **__: object) -> None:
        pass

    synchronize = wait_stream = wait_event = record_event = nothing

    def query(self) -> bool:
        return True


@contextlib.contextmanager
def _unchanged(*_: object, **__: object) -> Iterator[None]:
    yield


def install() -> None:
    """Gives `torch.cuda` answers. What needs a device in earnest (graphs, memory, events' times) still fails."""

    def nothing(*_: object, **__: object) -> None:
        pass

    answers: dict[str, Any] = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "is_bf16_supported": lambda *_: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_device_name": lambda *_: _FACTS.name,
        "get_device_capability": lambda *_: (9, 0),
        "get_device_properties": lambda *_: _FACTS,
        "current_stream": lambda *_: Stream(),
        "default_stream": lambda *_: Stream(),
        "Stream": Stream,
        "device": _unchanged,
        "stream": _unchanged,
        "set_device": nothing,
        "set_stream": nothing,
        "synchronize": nothing,
        "init": nothing,
        "empty_cache": nothing,
        "manual_seed": nothing,
        "manual_seed_all": nothing,
    }
    for name, value in answers.items():
        setattr(torch.cuda, name, value)


class Driver:
    """What Triton asks of the driver of a device that is not there."""

    def __init__(self) -> None:
        self.utils = SimpleNamespace(get_device_properties=lambda *_: dict(PROPERTIES))

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def set_current_device(self, *_: object) -> None:
        pass

    def get_current_stream(self, *_: object) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        return DEVICE

    def get_device_interface(self) -> Any:
        return torch.cuda
