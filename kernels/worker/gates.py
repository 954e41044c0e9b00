"""What stands before a candidate's own functions and kernels: gates, by which calls can be counted, made to fail, left
out or answered for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch

Turn = Callable[["Mode"], None]
"""Puts gates into a mode."""
_SPOILT = 12345.0
_DEEPEST = 4


class Mode(Enum):
    """`fail`: every call raises `Ablated`. `spoil`: it is made, and every tensor in its answer is then filled with a
    number that 0 times it is 0 (the largest for integers), as are its tensor arguments that it wrote to. `skip`: it is
    not made, and its answer is None."""

    real = 0
    fail = 1
    spoil = 2
    skip = 3


class Ablated(RuntimeError):
    """What an extension's functions, and launches of Triton kernels, raise while they are made to fail."""


@dataclass(slots=True)
class Loaded:
    """One extension in use, or all Triton kernels. `functions`: those that go through gates, by name. `ungated`: what
    else it exports that computes (classes, operators it registers with torch as `namespace::name`), which gates do not
    reach. `calls`: how often a gate was gone through, in any mode but the real one; `filled`: by how many calls tensors
    were filled."""

    name: str
    functions: Sequence[str]
    ungated: Sequence[str]
    calls: dict[str, int] = field(default_factory=dict)
    filled: int = 0


def ways(name: str, real: Callable[..., Any], loaded: Loaded) -> Mapping[Mode, Callable[..., Any]]:
    """What a call of `real` becomes in each mode; counted by `name` in `loaded`."""

    def counts() -> None:
        loaded.calls[name] = loaded.calls.get(name, 0) + 1

    def fails(*_: Any, **__: Any) -> Any:
        counts()
        raise Ablated(f"{name} is made to fail")

    def skips(*_: Any, **__: Any) -> None:
        counts()

    def fills(*args: Any, **kwargs: Any) -> Any:
        counts()
        given = list(_tensors((args, tuple(kwargs.values())), _DEEPEST))
        before = [one.clone() for one in given]
        found = real(*args, **kwargs)
        filled = 0
        for one, was in zip(given, before, strict=True):
            if not torch.equal(one.isnan(), was.isnan()) or not torch.equal(one.nan_to_num(), was.nan_to_num()):
                filled += _fill(one, _SPOILT)
        loaded.filled += filled + _fill(found, _SPOILT) > 0
        return found

    return {Mode.real: real, Mode.fail: fails, Mode.spoil: fills, Mode.skip: skips}


def _tensors(value: Any, depth: int) -> Iterator[torch.Tensor]:
    """Those among arguments, also in tuples and lists, and what Triton's descriptors and views of tensors stand for."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for one in value if depth else ():
            yield from _tensors(one, depth - 1)
    elif isinstance(base := getattr(value, "base", None), torch.Tensor):
        yield base


def _fill(value: Any, number: float) -> int:
    """How many elements were filled; integers with the largest of their kind."""
    if isinstance(value, torch.Tensor):
        kind = value.dtype
        with torch.no_grad():
            if kind.is_floating_point or kind.is_complex:
                value.fill_(number)
            else:
                value.fill_(True if kind is torch.bool else torch.iinfo(kind).max)
        return int(value.numel())
    return sum(_fill(one, number) for one in value) if isinstance(value, list | tuple) else 0
