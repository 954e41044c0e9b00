"""The least time that a computation can take on a device: bytes through bandwidth, operations through peak. Pure.

For GPUs the peaks are those of the vendors' data sheets, dense, without sparsity, as gathered in the research notes of
this project and not measured here. A time below the floor is no achievement but a fault of the measurement, or a trick.

For CPUs they are what this machine reached with one thread, and there are two floors. The one that is shown is what the
reference's work would take at best: a candidate may beat it, by doing less work. The one that may convict
(`CpuMachine.impossible`) is what nobody can do without: storing the elements of the output that differ between two
inputs, three times as fast as anything was stored here, on all cores at once. Operations convict nobody, since there
may be a way with fewer; nor does memory, since inputs were just written and may be in a cache.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SLACK = 0.95


@dataclass(frozen=True, slots=True)
class Device:
    """`bandwidth`: bytes a second to memory. `peaks`: operations a second by dtype. `cache`: its last level's bytes."""

    name: str
    bandwidth: float
    peaks: Mapping[str, float]
    cache: int


_MB = 10**6
DEVICES = (
    Device("A100", 2.04e12, {"bfloat16": 312e12, "float16": 312e12, "tf32": 156e12, "float32": 19.5e12}, 40 * _MB),
    Device("H200", 4.8e12, {"bfloat16": 989e12, "float16": 989e12, "tf32": 494e12, "float32": 67e12}, 50 * _MB),
    Device("H100", 3.35e12, {"bfloat16": 989e12, "float16": 989e12, "tf32": 494e12, "float32": 67e12}, 50 * _MB),
    Device("B200", 8e12, {"bfloat16": 2250e12, "float16": 2250e12}, 126 * _MB),
    Device("L40S", 864e9, {"bfloat16": 362e12, "float16": 362e12}, 96 * _MB),
)


def device_named(name: str) -> Device | None:
    """The table's device that a driver's name means, such as `NVIDIA H100 80GB HBM3`; None for others."""
    words = set(re.findall(r"[A-Z]+\d+[A-Z]*", name.upper()))
    return next((device for device in DEVICES if device.name in words), None)


@dataclass(frozen=True, slots=True)
class Floor:
    """`seconds`: less is impossible. `limited_by`: memory or compute."""

    seconds: float
    limited_by: str

    def share(self, seconds: float) -> float:
        """Which share of what is possible was reached, 0 to 1 and, impossibly, above."""
        return self.seconds / seconds

    def impossible(self, seconds: float) -> bool:
        """Faster than the device can be, by more than its data sheet may be wrong."""
        return seconds < _SLACK * self.seconds


def floor(device: Device, bytes_moved: int, operations: float, precision: str) -> Floor | None:
    """The floor for a computation that must move so many bytes and do so many operations at `precision` (a dtype, or
    tf32). None when the device's peak for it is not known and memory alone would be no floor worth naming.
    """
    memory = bytes_moved / device.bandwidth
    peak = device.peaks.get(precision)
    if peak is None:
        return Floor(memory, "memory") if bytes_moved > 0 else None
    compute = operations / peak
    return Floor(compute, "compute") if compute > memory else Floor(memory, "memory")


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
