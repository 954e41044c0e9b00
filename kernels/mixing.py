"""The inputs of timed calls: two of a pool, and of each element one or the other. Pure.

A program that remembers answers must meet nothing it has met: not the same inputs, not the same rows, no sum of earlier
ones. Each element stays one that was drawn for its place, so that what the task's inputs may hold is kept. A worker
does the same with the same mask (`kernels.worker.calling`); what is right is asked for what is made here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.bench import Inputs
from kernels.messages import Tensor
from kernels.tensors import TensorSpec

ROOM = 4096
"""From how many places a mask can be read: each gives another choice."""
_WORDS = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8", 16: "<c16"}


def new_mask(inputs: Inputs, seed: int) -> Tensor:
    """Zeros and ones, enough for the largest tensor from each of the places."""
    most = max((one.spec.elements for one in inputs.tensors), default=0)
    drawn = np.random.default_rng(seed).integers(0, 2, most + ROOM, np.uint8)
    return Tensor(TensorSpec("uint8", drawn.shape), drawn.tobytes())


def mixed(one: Inputs, two: Inputs, mask: Tensor, start: int) -> Inputs:
    """Where the mask, read from `start`, is one, the element of `one`. Both have tensors of the same descriptions."""
    chosen = np.frombuffer(mask.data, np.uint8)[start:].astype(bool)
    return Inputs(one.form, [_mixed(*pair, chosen) for pair in zip(one.tensors, two.tensors, strict=True)])


def _mixed(one: Tensor, two: Tensor, chosen: np.typing.NDArray[np.bool_]) -> Tensor:
    spec = one.spec
    if not spec.elements:
        return one
    words = _WORDS[spec.bytes // spec.elements]
    left, right = (np.frombuffer(each.data, words) for each in (one, two))
    return Tensor(spec, np.where(chosen[: spec.elements], left, right).tobytes())


def of_one_kind(pool: Sequence[Inputs]) -> bool:
    """Whether all have tensors of the same descriptions."""
    return len({tuple(one.spec for one in inputs.tensors) for inputs in pool}) == 1
