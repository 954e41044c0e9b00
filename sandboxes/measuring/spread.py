"""What many measurements of one thing come to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles in milliseconds, by nearest rank: each is a time that was measured. `n`: how many there were."""

    p50: float
    p90: float
    p99: float
    n: int


def spread(seconds: Sequence[float]) -> Spread:
    """The spread of times given in seconds. ValueError when there are none."""
    if not seconds:
        raise ValueError("nothing was measured")
    found = sorted(seconds)

    def at(share: float) -> float:
        return found[math.ceil(share * len(found)) - 1] * 1000

    return Spread(at(0.5), at(0.9), at(0.99), len(found))


def middle(values: Sequence[float]) -> float:
    """The median, as `spread` has it. ValueError when there are none."""
    return spread(values).p50 / 1000
