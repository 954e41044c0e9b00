"""Answers that compute nothing, and how strict a comparison must be to reject each. Pure.

A fixed tolerance is `torch.allclose`'s: |null - right| <= t + t * |right| for every element, with one number t for
both, as the public harnesses have it (KernelBench: 1e-2 at first, 1e-4 for single precision at its newest commit).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kernels.comparing import Comparison, Tolerance, compare
from kernels.elements import numbers
from kernels.forms import Output
from kernels.messages import Tensor
from kernels.tensors import DTYPES, TensorSpec

Strictness = Literal["exact", "ours", "1e-4", "1e-2"]
FIXED: tuple[tuple[Strictness, float], ...] = (("1e-4", 1e-4), ("1e-2", 1e-2))
ZEROS = "an output of zeros"
_AT_ONCE = 1 << 18
_EVEN = 1e-5
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Degenerate:
    """A null that is right for a task, for both of two inputs. `tolerance`: the strictest that lets it pass; `ours` is
    that of a verification. `inputs`: the distribution. `weights`: as the task's constructor leaves them (own), or drawn
    anew as a verification does."""

    null: str
    tolerance: Strictness
    inputs: str
    weights: Literal["own", "drawn"]


def values(output: Output) -> list[Array]:
    """The numbers of each of an output's tensors, flat."""
    return [numbers(leaf.tensor.spec, leaf.tensor.data) for leaf in output.leaves]


def specs(output: Output) -> list[TensorSpec]:
    return [leaf.tensor.spec for leaf in output.leaves]


def nulls(output: Output, other: Output, inputs: Sequence[Tensor], seed: int = 0) -> Iterator[tuple[str, list[Array]]]:
    """Names, and for each of the output's tensors the values of a program that computes nothing. `other`: the output
    for other inputs of the same kind, which is also what a program has that keeps what it once answered."""
    shapes, own = specs(output), values(output)
    yield ZEROS, [_same(one, 0) for one in own]
    yield "an output of ones", [_same(one, 1) for one in own]
    if specs(other) == shapes:  # else their size hangs on the inputs' values
        others = values(other)
        pairs = list(zip(shapes, others, strict=True))
        yield "one constant for all inputs", [_same(one, _mean(spec, one)) for spec, one in pairs]
        yield "the output for other inputs", others
        yield "noise of the usual mean and spread", [_noise(spec, one, seed) for spec, one in pairs]
    if all(spec.shape and spec.shape[0] > 1 and spec.elements for spec in shapes):
        yield (
            "the first row for all rows",
            [np.tile(one[: one.size // spec.shape[0]], spec.shape[0]) for spec, one in zip(shapes, own, strict=True)],
        )
    passed = [_like(spec, inputs) for spec in shapes]
    if all(one is not None for one in passed):
        yield "an input passed through", [one for one in passed if one is not None]


def accepted_at(native: Sequence[Array], null: Sequence[Array]) -> Strictness | None:
    """The strictest of the fixed comparisons that takes `null` for `native`, all of its tensors."""
    levels: list[tuple[Strictness, float]] = [("exact", 0.0), *FIXED]
    at = 0
    for ours, theirs in zip(native, null, strict=True):
        for start in range(0, ours.size, _AT_ONCE):
            one, two = ours[start : start + _AT_ONCE], theirs[start : start + _AT_ONCE]
            while at < len(levels) and not _close(one, two, levels[at][1]):
                at += 1
            if at == len(levels):
                return None
    return levels[at][0]


@dataclass(frozen=True, slots=True)
class Right:
    """One tensor of what is right for some inputs. `beyond`: an element that is farther than this from the exact one is
    wrong, whatever the rest is like."""

    spec: TensorSpec
    exact: Array
    native: Array
    tolerance: Tolerance
    beyond: float


def right(native: Output, exact: Sequence[Tensor], tolerance: Tolerance) -> list[Right]:
    """What our own comparison holds an answer against; `native` and `exact` are all finite."""
    found = []
    for leaf, precise in zip(native.leaves, exact, strict=True):
        spec = leaf.tensor.spec
        best, own = numbers(precise.spec, precise.data), numbers(spec, leaf.tensor.data)
        found.append(Right(spec, best, own, tolerance, _beyond(spec, best, own, tolerance)))
    return found


def accepted_by_us(rights: Sequence[Right], null: Sequence[Array]) -> bool:
    """Whether a candidate that answers `null` would pass. Most are wrong at the beginning, and an output may have tens
    of millions of elements: that is looked at first."""
    pairs = list(zip(rights, null, strict=True))
    if any(bool((np.abs(two[:_AT_ONCE] - one.exact[:_AT_ONCE]) > one.beyond).any()) for one, two in pairs):
        return False
    return all(compare(one.spec, one.exact, one.native, two, one.tolerance).right for one, two in pairs)


def _beyond(spec: TensorSpec, exact: Array, native: Array, tolerance: Tolerance) -> float:
    """No less than `compare` allows any element: its rows and elements put in at their largest."""
    if not exact.size or not DTYPES[spec.dtype].floating:
        return np.inf
    epsilon, size = DTYPES[spec.dtype].epsilon, float(np.abs(exact).max())
    allowed = tolerance.ratio * float(np.abs(native - exact).max()) + (tolerance.floor_of(spec.dtype) + epsilon) * size
    return 2 * tolerance.element_ratio * allowed + 4 * epsilon * size


def visible(spec: TensorSpec, before: Array, after: Array, tolerance: Tolerance) -> float:
    """How many times what is allowed the second output of the same program is away from the first, at its worst row or
    element. Infinite where they cannot be compared."""
    found: Comparison = compare(spec, before, before, after, tolerance)
    return found.worst


def even_axes(spec: TensorSpec, flat: Array) -> list[int]:
    """The axes along which an output of several different numbers does not change."""
    if not DTYPES[spec.dtype].floating or np.iscomplexobj(flat) or not flat.size or not bool(np.isfinite(flat).all()):
        return []
    allowed = _EVEN * float(np.abs(flat).max())
    whole = flat.reshape(spec.shape)
    wide = [axis for axis, length in enumerate(spec.shape) if length > 1]
    found = [axis for axis in wide if _even(whole, axis, allowed)]
    return found if len(found) < len(wide) else []


def _even(whole: Array, axis: int, allowed: float) -> bool:
    # Two places show nearly always that an axis is not even, before all of it is looked at.
    near = np.abs(np.take(whole, 1, axis=axis) - np.take(whole, 0, axis=axis))
    return float(near.max()) <= allowed and float(np.ptp(whole, axis=axis).max()) <= allowed


def _close(ours: Array, null: Array, allowed: float) -> bool:
    if allowed == 0:
        return bool((ours == null).all())
    with np.errstate(invalid="ignore", over="ignore"):
        near = (np.abs(null - ours) <= allowed + allowed * np.abs(ours)) & np.isfinite(ours)
    return bool((near | (null == ours)).all())


def _same(like: Array, value: complex) -> Array:
    """One number everywhere, without the memory for it."""
    return np.broadcast_to(np.asarray(value, dtype=like.dtype), like.shape)


def _mean(spec: TensorSpec, one: Array) -> Any:
    mean = one.mean() if one.size else 0
    return mean if DTYPES[spec.dtype].floating else np.round(mean)


def _noise(spec: TensorSpec, one: Array, seed: int) -> Array:
    drawn = np.random.default_rng(seed).standard_normal(one.size)
    if not one.size or not bool(np.isfinite(one).all()):
        return drawn.astype(one.dtype)
    found: Array = one.mean() + drawn * one.std()
    return (found if DTYPES[spec.dtype].floating else np.round(found)).astype(one.dtype)


def _like(spec: TensorSpec, tensors: Sequence[Tensor]) -> Array | None:
    return next((numbers(one.spec, one.data) for one in tensors if one.spec == spec), None)
