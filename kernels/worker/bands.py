"""Memory with bands around it that must stand: what a kernel writes past the end of its output, or reads past the end
of its input, is otherwise the neighbour's and shows nowhere.

Bands hold words that are NaN as floats of any width and far out of range as integers, and each band other words: a
number read out of one band and written into another shows too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kernels.messages import Json

BAND = 64 << 10
_ALIGNED = 256  # as memory of a GPU begins
_MOST = 100
_MOST_BYTES = 512 << 20
_MAKES = frozenset(
    {
        "aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty", "aten::new_empty_strided",
        "aten::zeros", "aten::zeros_like", "aten::new_zeros", "aten::ones", "aten::ones_like", "aten::full",
        "aten::full_like", "aten::clone",
    }
)  # fmt: skip
_frombuffer = torch.frombuffer


class Bands(TorchDispatchMode):
    """While it is entered, what is allocated on the worker's `device` or the processor lies between bands. Memory of
    other kinds (meta tensors, what only says that it is on a GPU) has none that could be looked at."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self._kinds = frozenset({"cpu", torch.device(device).type})
        self._rooms: list[tuple[str, torch.Tensor, int, int]] = []
        self._bytes = 0
        self._words = itertools.cycle(range(-14, -1))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func._schema.name in _MAKES and isinstance(found, torch.Tensor):
            return self.around(found, "memory it allocated")
        return found

    def around(self, value: torch.Tensor, name: str) -> torch.Tensor:
        """The same, in memory of its own between two bands; itself where that is not done."""
        plain = value.layout is torch.strided and not value.is_quantized
        if not plain or not value.numel() or type(value) is not torch.Tensor or value.requires_grad:
            return value
        if value.device.type not in self._kinds:
            return value
        span = 1 + sum((size - 1) * step for size, step in zip(value.shape, value.stride(), strict=True))
        size = span * value.element_size()
        if len(self._rooms) >= _MOST or self._bytes + size > _MOST_BYTES:
            return value
        self._bytes += size
        # A word of 0xFFF2 to 0xFFFE, as often as it fits.
        words = (size + 2 * BAND + 2 * _ALIGNED) // 2
        room = torch.full((words,), next(self._words), dtype=torch.int16, device=value.device).view(torch.uint8)
        start = BAND + -(room.data_ptr() + BAND) % _ALIGNED
        if value.device.type == "cpu":
            flat = _frombuffer(room.numpy(), dtype=torch.uint8, count=size, offset=start).view(value.dtype)
        else:
            flat = room[start : start + size].view(value.dtype)
        self._rooms.append((name, room, start, start + size))
        return flat.as_strided(value.shape, value.stride()).copy_(value)

    def broken(self) -> list[list[Any]]:
        """Whose band no longer stands, on which side and from how many bytes away."""
        found: list[list[Any]] = []
        for name, room, start, end in self._rooms:
            words = room[:2]
            for side, band in (("before", room[:start]), ("after", room[end:])):
                # The end of a tensor may lie within a word.
                at = 0 if side == "before" else end
                want = words.repeat(len(band) // 2 + 1)[at % 2 : at % 2 + len(band)]
                off = (band != want).nonzero().flatten()
                if off.numel():
                    away = start - int(off[-1]) if side == "before" else int(off[0]) + 1
                    found.append([name, side, away])
        return found


def guarded(
    model: Callable[..., Any],
    made: Sequence[torch.Tensor],
    arguments: Callable[[list[torch.Tensor]], Any],
    device: str,
) -> tuple[Any, Json]:
    """What the model gives for `made` on `device`, and what became of the bands. The inputs lie between bands too."""
    bands = Bands(device)
    placed = [bands.around(one, f"input {number}") for number, one in enumerate(made)]
    with torch.no_grad(), bands:
        found = model(*arguments(placed))
    return found, {"broken": bands.broken()[:20]}
