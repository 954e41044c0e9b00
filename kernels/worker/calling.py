"""A model called in turn, and in turn timed: the same code around the reference and around a candidate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from kernels.messages import Json, Tensor
from kernels.worker.crossing import Form, edit, laid_out, pack, to_torch, unpack

# Taken before any code of others is there: a clock that a candidate replaces is not the one that is read.
_clock = time.perf_counter
_copy, _clone = torch.Tensor.copy_, torch.Tensor.clone
_no_grad = torch.no_grad
_deterministic = torch.use_deterministic_algorithms


class Pool:
    """Inputs that came from the broker, kept beside the tensors that calls are made with.

    Calls take turns among several places, so that neither "the same address" nor "another address" tells a program
    whether it has seen an input before; the contents are written just before the call.
    """

    def __init__(self) -> None:
        self.kept: list[tuple[Form, list[torch.Tensor]]] = []
        self.copies = False
        """Outputs are copied at once: the task's own lie in the memory of inputs, which the next call gets."""
        self._places: list[list[torch.Tensor]] = []

    def add(self, form: Form, tensors: Sequence[Tensor], *, first: bool) -> None:
        """One more input; the `first` of a run replaces those of an earlier one."""
        if first:
            self.kept = []
        self.kept.append((form, [to_torch(one) for one in tensors]))

    def make_places(self, count: int) -> None:
        self._places = [[one.clone() for one in self.kept[0][1]] for _ in range(count)]

    def placed(self, number: int, place: int, edits: list[list[Any]]) -> tuple[list[torch.Tensor], Any]:
        """Input `number` with `edits`, written to a place: its tensors and the arguments around them."""
        form, kept = self.kept[number]
        tensors = self._places[place % len(self._places)]
        for target, source in zip(tensors, kept, strict=True):
            _copy(target, source)
        edit(tensors, edits)
        return tensors, unpack(form, tensors)


def arguments(form: Form, tensors: Sequence[Tensor], layout: str) -> tuple[list[torch.Tensor], Any]:
    """What a model is called with: the tensors, which are nobody else's, and the arguments around them."""
    made = [laid_out(to_torch(one), layout) for one in tensors]
    return made, unpack(form, made)


def timed(model: Callable[..., Any], pool: Pool, plan: list[list[Any]]) -> tuple[list[float], list[Any]]:
    """Seconds of each call, and its outputs. `plan`: number of the input, place and edits of each call."""
    seconds: list[float] = []
    outputs: list[Any] = []
    _deterministic(False)  # its poisoning of fresh memory would be part of the time
    with _no_grad():
        for number, place, edits in plan:
            _, given = pool.placed(number, place, edits)
            began = _clock()
            found = model(*given)
            seconds.append(_clock() - began)
            outputs.append(_copied(found) if pool.copies else found)
    _deterministic(True, warn_only=True)
    return seconds, outputs


def _copied(value: Any) -> Any:
    """The same with tensors of its own memory. What is no plain tensor stays as it is."""
    if type(value) is torch.Tensor:
        return _clone(value)
    if type(value) in (tuple, list):
        return type(value)(_copied(one) for one in value)
    return {key: _copied(one) for key, one in value.items()} if type(value) is dict else value


def idle(pool: Pool, plan: list[list[Any]]) -> None:
    """All that `timed` does but the calls: what the asking itself costs."""
    for number, place, edits in plan:
        pool.placed(number, place, edits)
        _clock()


def answer_outputs(outputs: list[Any], which: list[int]) -> tuple[Json, list[Tensor]]:
    """Those of the outputs of a timed run, all of which were kept."""
    packed = [pack(outputs[one]) for one in which]
    return {"outputs": [form for form, _ in packed], "counts": [len(found) for _, found in packed]}, [
        tensor for _, found in packed for tensor in found
    ]
