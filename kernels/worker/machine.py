"""How fast this machine is with one thread, or its device, measured: the reference worker's part of a roofline.

Data sheets say little about one core of a shared machine, so what counts is the best that simple programs reached here,
in this process, a moment ago. The best of many tries: a slow one says only that others were at work.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from kernels.messages import Json
from kernels.worker.device import Device
from kernels.worker.gradients import tensors
from kernels.worker.memory import begin

_SIZES = (1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26)
_STORED = (1 << 15, 1 << 16, 1 << 18, 1 << 20)
_SIDES = (256, 512)
_LARGE_SIZES, _LARGE_SIDES = (1 << 28,), (2048, 8192)  # of a GPU: past its cache, and enough for all of it
_BUDGET_S = 0.02
_LEAST_TRIES = 4


@cache
def speeds(dtype: torch.dtype, device: Device) -> Json:
    """`copied`: for working sets of several sizes in bytes, the bytes a second that are read and written. `stored`: the
    most bytes a second that were written to any level of the cache. `operations`: the most a second, multiplying
    matrices of `dtype`. `cores` of the machine."""
    copied = []
    for size in _SIZES + _LARGE_SIZES if device.beside else _SIZES:
        source, target = (torch.zeros(size // 2, dtype=torch.uint8, device=device.name) for _ in range(2))
        copied.append([size, size / _best(device.waited_for(partial(target.copy_, source)))])
    if device.beside:
        rooms = [torch.zeros(size, dtype=torch.uint8, device=device.name) for size in _SIZES]
        stored = max(room.numel() / _best(device.waited_for(partial(room.fill_, 1))) for room in rooms)
    else:
        room = torch.zeros(max(_STORED), dtype=torch.uint8)
        stored = max(size / _best(partial(ctypes.memset, room.data_ptr(), 1, size)) for size in _STORED)
    operations = 0.0
    for side in _SIDES + _LARGE_SIDES if device.beside else _SIDES:
        left, right = (torch.ones(side, side, dtype=dtype, device=device.name) for _ in range(2))
        least = _best(device.waited_for(partial(torch.matmul, left, right)))
        operations = max(operations, 2 * side**3 / least)
        if least > _BUDGET_S:
            break
    cores = 1 if device.beside else os.cpu_count() or 1
    return {"copied": copied, "stored": stored, "operations": operations, "cores": cores}


def _best(call: Callable[[], Any]) -> float:
    found, began, tries = float("inf"), time.perf_counter(), 0
    while tries < _LEAST_TRIES or time.perf_counter() - began < _BUDGET_S:
        at = time.perf_counter()
        call()
        found = min(found, time.perf_counter() - at)
        tries += 1
    return found


def work(model: torch.nn.Module, given: Sequence[Any], device: Device) -> Json:
    """What a call of the reference does: its operations, of those that torch can count (products of matrices,
    convolutions and attention: https://docs.pytorch.org/docs/stable/utils.html), and the bytes of inputs, weights and
    outputs."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = model(*given)
    weights = {(begin(one), one.storage_offset()): one for one in (*model.parameters(), *model.buffers())}
    moved = [*tensors(list(given)), *weights.values(), *tensors(output)]
    dtypes = [one.dtype for one in tensors(output) if one.is_floating_point()]
    return {
        "work": float(counter.get_total_flops()),
        "bytes": sum(one.numel() * one.element_size() for one in moved),
        **speeds(dtypes[0] if dtypes and dtypes[0].itemsize > 1 else torch.float32, device),
    }
