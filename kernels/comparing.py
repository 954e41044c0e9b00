"""Is a candidate's tensor the right one? Against the reference in double precision, measured by the reference's own
rounding. Pure.

An error is right or wrong only beside what the declared precision itself costs: the reference is computed once in
float64 (`exact`) and once as it is meant to run (`native`), and the candidate may be a few times as far from the first
as the second is. A fixed tolerance either lets half precision pass for single or forbids another order of summation.
Two rules hold at once: by row (the last dimension, or several where it is narrow), so that no row hides in a large
tensor, and for each element. Every test is written so that what cannot be compared, a NaN among it, fails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.tensors import DTYPES, TensorSpec
from kernels.verdicts import Wrong

_ELEMENTS_AT_ONCE = 1 << 18
# Some eighty units in the last place: a sum of 512 terms taken one after the other is up to 5e-6 away in single
# precision and honest; TF32 is at 3e-4, half precision farther.
_FLOORS = {"float64": 2e-14, "float32": 1e-5, "float16": 5e-4, "bfloat16": 2e-3, "complex64": 1e-5, "complex128": 2e-14}
_QUIET_ROW = 0.01
_NARROW = 32
# Of the thousands of elements that move, a few are four times as far off as is usual for them.
_CHANCE = 2.0
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`ratio`: how many times the native reference's own error is allowed. `floor`: what is allowed beside it, relative
    to the row; None takes the dtype's. `element_ratio`: how many times a row's mean may be at one element."""

    ratio: float = 8.0
    floor: float | None = None
    element_ratio: float = 12.0

    def __post_init__(self) -> None:
        if not (1 <= self.ratio <= 1000 and self.element_ratio >= 1):
            raise ValueError("a tolerance's ratios are at least 1, and the first at most 1000")
        if self.floor is not None and not 0 <= self.floor <= 0.5:
            raise ValueError("a tolerance's floor is a share of the row between 0 and 0.5")

    def floor_of(self, dtype: str) -> float:
        return self.floor if self.floor is not None else _FLOORS.get(dtype, 8 * DTYPES[dtype].epsilon)

    def element_floor_of(self, dtype: str) -> float:
        """For a single element beside its row: less, since what an honest sum is off by is spread over the row."""
        return self.floor_of(dtype) if self.floor is not None else min(self.floor_of(dtype), 17 * DTYPES[dtype].epsilon)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`error` and `native_error`: of the candidate and of the native reference, relative to the exact one, over all
    rows. `worst`: the largest share of what is allowed that a row or element takes; above 1 it is wrong. `index`: of
    the worst element, in row-major order."""

    wrong: Wrong | None
    error: float
    native_error: float
    worst: float
    index: int | None = None

    @property
    def right(self) -> bool:
        return self.wrong is None


def compare(
    spec: TensorSpec,
    exact: Array,
    native: Array,
    candidate: Array,
    tolerance: Tolerance,
    spread: Array | None = None,
    others: Sequence[Array] = (),
) -> Comparison:
    """All elements, flat, as `kernels.elements.numbers` gives them; `spec` is the native reference's. `spread`: by how
    much each exact element moves when what it is computed from is rounded otherwise; `others`: what it is then, for
    elements that have no distance (an index, a truth value).

    Raises ValueError when the three do not have the elements of `spec`: shapes are compared before this.
    """
    for name, values in (("exact", exact), ("native", native), ("candidate", candidate)):
        if values.shape != (spec.elements,):
            raise ValueError(f"{name} has {values.shape}, {spec} was to be compared")
    if spec.elements == 0:
        return Comparison(None, 0.0, 0.0, 0.0)
    if not DTYPES[spec.dtype].floating:
        return _bitwise(native, candidate, others)
    known = np.isfinite(native)
    odd = _odd_one(native, candidate, known)
    if odd is not None:
        return Comparison(Wrong.nonfinite, math.inf, 0.0, math.inf, odd)
    return _by_rows(spec, exact, native, candidate, known, tolerance, spread)


def _bitwise(native: Array, candidate: Array, others: Sequence[Array]) -> Comparison:
    """Of two equal numbers an honest program may take the other one, as the reference does when they are rounded."""
    equal = native == candidate
    for other in others:
        equal |= other == candidate
    if bool(equal.all()):
        return Comparison(None, 0.0, 0.0, 0.0)
    return Comparison(Wrong.numerical, float(1 - equal.mean()), 0.0, math.inf, int(np.argmin(equal)))


def _odd_one(native: Array, candidate: Array, known: NDArray[np.bool_]) -> int | None:
    """The first element that is not finite where it should be, or is another kind of not finite."""
    same = np.where(
        known,
        np.isfinite(candidate),
        (np.isnan(native) & np.isnan(candidate)) | (~np.isnan(native) & (native == candidate)),
    )
    return None if bool(same.all()) else int(np.argmin(same))


def _by_rows(
    spec: TensorSpec,
    exact: Array,
    native: Array,
    candidate: Array,
    known: NDArray[np.bool_],
    tolerance: Tolerance,
    spread: Array | None,
) -> Comparison:
    width = row_width(spec.shape)
    at_once = max(1, _ELEMENTS_AT_ONCE // width) * width
    epsilon = DTYPES[spec.dtype].epsilon
    floor, element_floor = tolerance.floor_of(spec.dtype), tolerance.element_floor_of(spec.dtype)
    sizes = _sizes(exact, known, width, at_once)
    usual = float(np.median(sizes[sizes > 0])) if bool((sizes > 0).any()) else 0.0
    total = native_total = 0.0
    worst, index = 0.0, 0
    if spread is not None:
        spread = _amplified(spec, exact, native, known, spread)
    for start in range(0, spec.elements, at_once):
        part = slice(start, min(start + at_once, spec.elements))
        kept = known[part].reshape(-1, width)
        # Where the native reference is not finite, the candidate is known to be the same and there is no distance.
        right = np.where(kept, exact[part].reshape(-1, width), 0)
        distance = np.abs(np.where(kept, candidate[part].reshape(-1, width), 0) - right)
        native_distance = np.abs(np.where(kept, native[part].reshape(-1, width), 0) - right)
        if spread is not None:
            # A NaN here, where the exact output leaves the finite numbers, is no allowance.
            native_distance = np.fmax(native_distance, np.where(kept, spread[part].reshape(-1, width), 0))
        size = sizes[start // width : start // width + len(right)]
        own = _root_mean_square(native_distance)
        # A row that is all but zero is compared by what is usual in the tensor.
        quiet = np.maximum(size, _QUIET_ROW * usual)
        share = _share(_root_mean_square(distance), tolerance.ratio * own + floor * quiet)
        # One element may be farther off than its row's mean, but not by more than chance and its own size explain.
        usually = np.maximum(tolerance.ratio * own + element_floor * quiet, epsilon * size)
        cap = tolerance.element_ratio * usually[:, None] + max(4 * epsilon, floor) * np.abs(right)
        cap = np.maximum(cap, tolerance.ratio * native_distance.max(axis=1, initial=0.0)[:, None])
        element_share = _share(distance, cap)
        both = np.maximum(element_share.max(axis=1, initial=0.0), share)
        row = int(np.argmax(both))
        if float(both[row]) > worst:
            worst = float(both[row])
            index = start + row * width + int(np.argmax(element_share[row]))
        total += float(np.sum(distance**2))
        native_total += float(np.sum(native_distance**2))
    scale = math.sqrt(float(np.sum(sizes**2)) * width)
    wrong = None if worst <= 1 else Wrong.numerical
    return Comparison(
        wrong, _relative(total, scale), _relative(native_total, scale), worst, index if worst > 0 else None
    )


def _amplified(spec: TensorSpec, exact: Array, native: Array, known: NDArray[np.bool_], spread: Array) -> Array:
    """`spread`, and where that is more than the rounding of an output what the reference usually is off by at such
    elements. A sum of many terms loses more on its way than its terms were rounded by, and an element at which the
    reference was lucky does not show it."""
    moved = known & np.isfinite(spread) & (spread > 4 * DTYPES[spec.dtype].epsilon * np.abs(exact))
    if not bool(moved.any()):
        return spread
    # The median of a normal error is two thirds of its root mean square.
    lost = 1.5 * float(np.median(np.abs(native[moved] - exact[moved]) / spread[moved]))
    return np.where(moved, _CHANCE * max(1.0, lost) * spread, spread)


def row_width(shape: tuple[int, ...]) -> int:
    """How many elements are judged together: the last dimension, and of narrow ones so many that chance evens out."""
    width = 1
    for size in reversed(shape):
        if width >= _NARROW:
            break
        width *= size
    return width


def _sizes(exact: Array, known: NDArray[np.bool_], width: int, at_once: int) -> Array:
    """The root mean square of each row."""
    found = []
    for start in range(0, len(exact), at_once):
        part = slice(start, start + at_once)
        found.append(_root_mean_square(np.abs(np.where(known[part], exact[part], 0)).reshape(-1, width)))
    return np.concatenate(found)


def _root_mean_square(values: Array) -> Array:
    found: Array = np.sqrt(np.mean(values**2, axis=1))
    return found


def _share(distance: Array, allowed: Array) -> Array:
    """How much of what is allowed is taken: 0 without a distance, infinite where none is allowed or it is NaN."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found: Array = np.where(distance == 0, 0.0, distance / allowed)
    return np.where(np.isnan(found), np.inf, found)


def _relative(squares: float, scale: float) -> float:
    if squares == 0:
        return 0.0
    return math.sqrt(squares) / scale if scale > 0 else math.inf
