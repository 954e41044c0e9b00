"""Inputs between two bands of memory that nobody should touch: what a kernel reads beside its input is NaN, and what it
writes there stays to be seen."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch

_BAND = 64 << 10
_ALIGNED = 64
_POISON = b"\xff"
"""In every byte: NaN as a float of any width, -1 as an integer."""
_frombuffer, _addressof = torch.frombuffer, ctypes.addressof


class Bands:
    """Copies of tensors, contiguous and each alone between its bands, `inner`. A read that is too far gets the band: a
    tensor's storage ends with the tensor, the memory does not."""

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        self._rooms: list[tuple[bytearray, int, int]] = []
        self.inner = [self._placed(one) for one in tensors]

    def _placed(self, tensor: torch.Tensor) -> torch.Tensor:
        size = tensor.numel() * tensor.element_size()
        if not size:
            return tensor.clone()
        room = bytearray(_POISON * (size + 2 * _BAND + _ALIGNED))
        address = _addressof(ctypes.c_char.from_buffer(room))
        start = _BAND + -(address + _BAND) % _ALIGNED
        self._rooms.append((room, start, start + size))
        placed = _frombuffer(room, dtype=tensor.dtype, count=tensor.numel(), offset=start).view(tensor.shape)
        return placed.copy_(tensor)

    @property
    def intact(self) -> bool:
        """Whether the bands are as they were made."""
        return all(
            not room[:start].strip(_POISON) and not room[end:].strip(_POISON) for room, start, end in self._rooms
        )
