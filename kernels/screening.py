"""All outputs of timed calls, held against the reference's own for the same calls. Pure.

What is right in double precision takes longer than what is timed, so it is computed only where there is doubt. An
output passes here when it is as close to the reference's native one as the reference's own error allows, which is known
for inputs of that kind; what does not pass is no verdict but goes to `kernels.judging`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.comparing import Tolerance, compare, row_width
from kernels.elements import numbers
from kernels.forms import Output, difference
from kernels.messages import Tensor
from kernels.tensors import DTYPES

Own = Sequence[NDArray[np.float64]]
"""For each tensor of an output the reference's own error, a root mean square for each row."""


def own_error(native: Output, exact: Sequence[Tensor]) -> Own:
    """From an output as the task means it and the same in double precision."""
    found: list[NDArray[np.float64]] = []
    for leaf, precise in zip(native.leaves, exact, strict=True):
        spec = leaf.tensor.spec
        if not DTYPES[spec.dtype].floating or not spec.elements:
            found.append(np.zeros(0))
            continue
        distance = np.abs(numbers(spec, leaf.tensor.data) - numbers(precise.spec, precise.data))
        rows = np.nan_to_num(distance, nan=0.0, posinf=0.0).reshape(-1, row_width(spec.shape))
        found.append(np.sqrt(np.mean(rows**2, axis=1)))
    return found


def worse(one: Own, two: Own) -> Own:
    """Of two inputs' errors the larger, row by row; the first's where their outputs have other shapes."""
    return [np.fmax(*pair) if pair[0].shape == pair[1].shape else pair[0] for pair in zip(one, two, strict=False)]


def alike(native: Output, found: Output, own: Own, tolerance: Tolerance) -> bool:
    """Whether `found` is as good as `native`. False means doubt, and nothing more."""
    if difference(native, found) is not None:
        return False
    return all(
        _near(right.tensor, leaf.tensor, errors, tolerance)
        for right, leaf, errors in zip(native.leaves, found.leaves, own, strict=True)
    )


def _near(right: Tensor, found: Tensor, errors: NDArray[Any], tolerance: Tolerance) -> bool:
    if bytes(right.data) == bytes(found.data):
        return True
    spec = right.spec
    wanted = numbers(spec, right.data)
    try:
        values = numbers(spec, found.data)
    except ValueError:
        return False
    width = row_width(spec.shape)
    if errors.size and errors.size * width != spec.elements:
        return False  # outputs have other shapes for other inputs: nothing is known of this one's error
    spread = np.repeat(errors, width) if errors.size else None
    return compare(spec, wanted, wanted, values, tolerance, spread).right
