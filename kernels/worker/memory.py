"""A model's weights may have gigabytes: copies that share them until they are written, and tensors taken in pieces."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress

import torch

PIECE = 1 << 20
"""How many elements are worked on at once: what is made of them meanwhile is some MiB."""


def copied(model: torch.nn.Module) -> torch.nn.Module:
    """A deep copy that a call may change. On the processor its parameters lie in the model's own memory until either
    side is written to: then torch gives that side memory of its own, before it hands out a pointer, whoever asks for
    one (c10/core/impl/COW.h).

    Buffers and all else are copied at once: there is less of it, and calls do change it.
    """
    memo: dict[int, object] = {}
    own = list(model.parameters())  # held until the end: a memo knows objects by their place
    for one in own:
        if _plain(one):
            # Memory that is not torch's (an array of numpy's) cannot be shared so: it is copied as usual.
            with suppress(RuntimeError):
                memo[id(one)] = torch.nn.Parameter(torch._lazy_clone(one.detach()), one.requires_grad)
    return copy.deepcopy(model, memo)


def _plain(one: torch.nn.Parameter) -> bool:
    known = type(one) is torch.nn.Parameter and one.layout is torch.strided and one.device.type == "cpu"
    return known and one.is_contiguous()


def begin(value: torch.Tensor) -> int:
    """The address of the memory that a tensor is a view of. To ask torch for it by `data_ptr` would end the sharing, as
    a write does."""
    return int(torch._C._data_address(value))


def pieces(value: torch.Tensor) -> Iterator[torch.Tensor]:
    """Views of a tensor's elements that are no part of any graph: each of them once, in row-major order, at most
    `PIECE` at a time. Tensors of one shape have pieces of the same shapes."""
    value = value.detach()
    row = value.numel() // len(value) if value.dim() and len(value) else 0
    if value.numel() <= PIECE:
        yield value
    elif row > PIECE:
        for one in value:
            yield from pieces(one)
    else:
        yield from value.split(PIECE // row)
