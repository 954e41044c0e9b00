"""What a worker computes on: the processor, or a device beside it, which goes on working after a call has returned.

Taken hold of before any code of others is there. A device is waited for as a whole, not for one of its streams: what a
program put on another one is then part of its call as well
(https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__DEVICE.html, cudaDeviceSynchronize).
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch

_wait: Callable[[int], None] = torch._C._accelerator_synchronizeDevice
_to, _fill = torch.Tensor.to, torch.Tensor.fill_
_CACHES = 2
_LEAST_FLUSHED = 256 << 20
_MOST_OF_MEMORY = 16


class Device:
    """`name`: as torch has it. `beside`: it is not the processor."""

    def __init__(self, name: str) -> None:
        """Begins using it, if only a little: its driver's threads, and those that torch computes gradients with there,
        are made before anybody counts threads."""
        self.name, self.beside = name, name != "cpu"
        self._room = torch.empty(0)
        self._reset: Callable[[], object] | None = None
        if self.beside:
            one = torch.ones(16, 16).to(name).requires_grad_()
            (one @ one).sum().backward()
            _wait(0)
            self._reset = _persisting(name)

    @property
    def uuid(self) -> str:
        """As NVIDIA's tools write it, with a prefix; empty for the processor."""
        if not self.beside:
            return ""
        found = str(torch.get_device_module(self.name).get_device_properties(0).uuid)
        return found if found.startswith("GPU-") else f"GPU-{found}"

    def placed(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor where it is computed with."""
        return _to(tensor, self.name) if self.beside else tensor

    def all_placed(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return [self.placed(one) for one in tensors]

    def wait(self) -> None:
        """Returns when nothing is under way on it. RuntimeError when something went wrong there since."""
        if self.beside:
            _wait(0)

    def waited_for(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, which has ended when all that it began has. On the processor the call itself: what is timed
        has nothing of ours in it."""
        if not self.beside:
            return call

        def whole(*given: Any) -> Any:
            found = call(*given)
            _wait(0)
            return found

        return whole

    def forget(self) -> None:
        """Other contents for its caches, with nothing left under way: what the next call reads comes from its memory.
        The processor's caches are left to what goes on between two calls."""
        if not self.beside:
            return
        if not self._room.numel():
            facts = torch.get_device_module(self.name).get_device_properties(0)
            cache = getattr(facts, "L2_cache_size", 0) or 0
            size = min(max(_LEAST_FLUSHED, _CACHES * cache), facts.total_memory // _MOST_OF_MEMORY)
            self._room = torch.empty(size, dtype=torch.uint8, device=self.name)
        if self._reset is not None:
            self._reset()
        _fill(self._room, 1)
        _wait(0)


PROCESSOR = Device("cpu")


def of_arguments() -> Device:
    """The one that this program was started for (`kernels.package.BOOTSTRAP`)."""
    return Device(sys.argv[3])


def _persisting(name: str) -> Callable[[], object] | None:
    """What has a GPU's L2 forget that some lines are to stay, for which a program can ask; None where it is not found.
    https://docs.nvidia.com/cuda/cuda-c-programming-guide/#reset-l2-access-to-normal"""
    major = (torch.version.cuda or "").split(".")[0]
    if name != "cuda" or not major:
        return None
    with contextlib.suppress(OSError, AttributeError):
        reset: Callable[[], object] = ctypes.CDLL(f"libcudart.so.{major}").cudaCtxResetPersistingL2Cache
        return reset
    return None
