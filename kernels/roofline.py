"""The least time that a computation can take: bytes through bandwidth, operations through peak. Pure.

Both are what this machine reached with one thread, and there are two floors. The one that is shown is what the
reference's work would take at best: a candidate may beat it, by doing less work. The one that may convict
(`CpuMachine.impossible`) is what nobody can do without: storing the elements of the output that differ between two
inputs, three times as fast as anything was stored here, on all cores at once. Operations convict nobody, since there
may be a way with fewer; nor does memory, since inputs were just written and may be in a cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Floor:
    """`seconds`: less is impossible. `limited_by`: memory or compute."""

    seconds: float
    limited_by: str

    def share(self, seconds: float) -> float:
        """Which share of what is possible was reached, 0 to 1 and, impossibly, above."""
        return self.seconds / seconds


_FASTER_THAN_MEASURED = 3.0
_LEAST_OUTPUT = 1 << 20
_FEWEST_BYTES = 1 << 20
# A call of one operation of torch takes several times as long as two readings of the clock around nothing, and those
# took 61 ns at best where this was measured.
_LEAST_CALL_S = 1e-7


@dataclass(frozen=True, slots=True)
class CpuMachine:
    """What was measured: `copied` as bytes of a working set and bytes a second, `stored` in bytes a second,
    `operations` a second, all with one thread; `cores` that there are. ValueError for what is no speed."""

    copied: Sequence[tuple[int, float]]
    stored: float
    operations: float
    cores: int

    def __post_init__(self) -> None:
        speeds = [self.stored, self.operations, float(self.cores), *(speed for _, speed in self.copied)]
        if not self.copied or not all(math.isfinite(one) and one > 0 for one in speeds):
            raise ValueError("a machine's speeds are positive numbers")

    def floor(self, bytes_moved: int, operations: float) -> Floor:
        """For the reference's work with one thread, from the level of memory that it fits into. Small sets count as a
        mebibyte: what they take is mostly the call."""
        size = max(bytes_moved, _FEWEST_BYTES)
        bandwidth = next((speed for most, speed in self.copied if most >= size), self.copied[-1][1])
        memory, compute = bytes_moved / bandwidth, operations / self.operations
        return Floor(compute, "compute") if compute > memory else Floor(memory, "memory")

    def impossible(self, changing_bytes: int, seconds: float) -> bool:
        """Whether nobody could have stored so many bytes in the time. `changing_bytes`: of the output, those that are
        other ones for other inputs: zeros and constants may be there already. For less than a mebibyte, where a clock's
        error is as large, only what is no time at all."""
        if changing_bytes > 0 and seconds < _LEAST_CALL_S:
            return True
        least = changing_bytes / (_FASTER_THAN_MEASURED * self.stored * self.cores)
        return changing_bytes >= _LEAST_OUTPUT and seconds < least
