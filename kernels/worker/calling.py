"""A model called in turn, and in turn timed: the same code around the reference and around a candidate."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from kernels.messages import Json, Tensor
from kernels.worker.crossing import Form, laid_out, pack, to_torch, unpack
from kernels.worker.device import Device

# Taken before any code of others is there: a clock that a candidate replaces is not the one that is read.
_clock = time.perf_counter
_copy, _stride, _where, _empty_like = torch.Tensor.copy_, torch.Tensor.stride, torch.where, torch.empty_like
_no_grad = torch.no_grad
_deterministic = torch.use_deterministic_algorithms
_BYTE = frozenset({torch.float8_e4m3fn, torch.float8_e5m2})  # torch does not choose between these


class Pool:
    """Inputs that came from the broker, kept beside the tensors that calls are made with.

    Calls take turns among several places, so that neither "the same address" nor "another address" tells a program
    whether it has seen an input before; the contents are mixed and written just before the call (`kernels.mixing`).
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.kept: list[tuple[Form, list[torch.Tensor]]] = []
        self.mask = torch.ones(0, dtype=torch.bool)
        self.last: Any = None
        """An output, as each timed call makes one."""
        self._places: list[list[torch.Tensor]] = []

    def add(self, form: Form, tensors: Sequence[Tensor], *, first: bool) -> None:
        """One more input; the `first` of a run replaces those of an earlier one."""
        if first:
            self.kept = []
        self.kept.append((form, [self.device.placed(to_torch(one)) for one in tensors]))

    def take_mask(self, tensor: Tensor) -> None:
        self.mask = self.device.placed(to_torch(tensor).bool())

    def make_places(self, count: int) -> None:
        self._places = [[one.clone() for one in self.kept[0][1]] for _ in range(count)]

    def placed(self, one: int, two: int, place: int, start: int) -> Any:
        """Arguments of a call: two of the inputs, or one twice, mixed in a place by the mask from `start` on."""
        form, left = self.kept[one]
        right = self.kept[two][1]
        tensors = self._places[place % len(self._places)]
        for target, ours, theirs in zip(tensors, left, right, strict=True):
            if one == two:
                _copy(target, ours)
            else:
                _choose(self.mask[start : start + target.numel()].view(target.shape), ours, theirs, target)
        return unpack(form, tensors)


def _choose(mask: torch.Tensor, one: torch.Tensor, two: torch.Tensor, target: torch.Tensor) -> None:
    if target.dtype in _BYTE:
        one, two, target = (each.view(torch.uint8) for each in (one, two, target))
    _where(mask, one, two, out=target)


def arguments(form: Form, tensors: Sequence[Tensor], layout: str, device: Device) -> tuple[list[torch.Tensor], Any]:
    """What a model is called with: the tensors, which are nobody else's, and the arguments around them."""
    made = [laid_out(device.placed(to_torch(one)), layout) for one in tensors]
    return made, unpack(form, made)


class Kept:
    """Memory for copies of the outputs of a run, which the next run's take again: new memory costs more than many a
    kernel, and not the same in every process."""

    def __init__(self) -> None:
        self._memory: dict[tuple[int, int], tuple[tuple[int, ...], torch.Tensor]] = {}

    def copied(self, value: Any, call: int) -> Any:
        """The same with tensors of our own memory. What is no plain tensor stays as it is."""
        return self._copied(value, call, itertools.count())

    def _copied(self, value: Any, call: int, numbers: Iterator[int]) -> Any:
        kind = type(value)
        if kind is torch.Tensor or kind is torch.nn.Parameter:
            return self._filled(value, (call, next(numbers)))
        if kind in (tuple, list):
            return kind(self._copied(one, call, numbers) for one in value)
        return {key: self._copied(one, call, numbers) for key, one in value.items()} if kind is dict else value

    def _filled(self, value: torch.Tensor, place: tuple[int, int]) -> torch.Tensor:
        stride, memory = self._memory.get(place, ((), None))
        if memory is None or stride != _stride(value) or memory.shape != value.shape or memory.dtype != value.dtype:
            memory = _empty_like(value, requires_grad=False)
            self._memory[place] = _stride(value), memory
        return _copy(memory, value)


def timed(model: Callable[..., Any], pool: Pool, kept: Kept, plan: list[list[int]]) -> tuple[list[float], list[Any]]:
    """Seconds of each call, and its outputs, as they are when the call returns: what is computed later, by a thread or
    when it is read, is not in them or is waited for. A call on a device has ended when nothing is under way there, and
    begins with nothing in its caches. `plan`: what `Pool.placed` takes, of each call."""
    device, whole = pool.device, pool.device.waited_for(model)
    seconds: list[float] = []
    outputs: list[Any] = []
    clock = _clock
    _deterministic(False)  # its poisoning of fresh memory would be part of the time
    with _no_grad():
        for number, call in enumerate(plan):
            given = pool.placed(*call)
            device.forget()
            began = clock()
            found = whole(*given)
            seconds.append(clock() - began)
            outputs.append(kept.copied(found, number))
    device.wait()
    _deterministic(True, warn_only=True)
    pool.last = outputs[-1] if outputs else None
    return seconds, outputs


def idle(pool: Pool, kept: Kept, plan: list[list[int]]) -> None:
    """All that `timed` does but the calls: what the asking itself costs."""
    with _no_grad():
        for number, call in enumerate(plan):
            pool.placed(*call)
            pool.device.forget()
            _clock()
            kept.copied(pool.last, number)
    pool.device.wait()


def answer_outputs(outputs: list[Any], which: list[int], on: str) -> tuple[Json, list[Tensor]]:
    """Those of the outputs of a timed run, all of which were kept."""
    packed = [pack(outputs[one], on) for one in which]
    return {"outputs": [form for form, _ in packed], "counts": [len(found) for _, found in packed]}, [
        tensor for _, found in packed for tensor in found
    ]
