"""The floors of a CPU: which is shown, and which may convict."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.bench import start
from kernels.cells import Cell
from kernels.hosting import Place
from kernels.roofline import CpuMachine
from kernels.task import Task

COPIED: Sequence[tuple[int, float]] = ((1 << 20, 80e9), (1 << 24, 20e9), (1 << 26, 8e9))
MACHINE = CpuMachine(COPIED, stored=50e9, operations=100e9, cores=2)


@pytest.mark.parametrize(
    ("moved", "operations", "seconds", "limited_by"),
    [
        (1 << 19, 0.0, (1 << 19) / 80e9, "memory"),
        (1 << 23, 0.0, (1 << 23) / 20e9, "memory"),
        (1 << 30, 0.0, (1 << 30) / 8e9, "memory"),
        (1 << 10, 1e9, 1e-2, "compute"),
    ],
)
def test_the_floor_is_the_slower_of_memory_and_compute(
    moved: int, operations: float, seconds: float, limited_by: str
) -> None:
    found = MACHINE.floor(moved, operations)
    assert found.seconds == pytest.approx(seconds)
    assert found.limited_by == limited_by
    assert found.share(2 * seconds) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("changing", "seconds", "impossible"),
    [
        (64 << 20, 1e-6, True),
        (64 << 20, 1e-4, True),
        (64 << 20, 1e-3, False),  # 67 GB/s: more than was measured with one thread, and not beyond all doubt
        (1 << 19, 2e-7, False),  # too small to say anything
        (1 << 19, 1e-9, True),  # less than reading the clock takes
        (0, 1e-9, False),
    ],
)
def test_only_what_nobody_could_store_is_impossible(changing: int, seconds: float, impossible: bool) -> None:
    assert MACHINE.impossible(changing, seconds) is impossible


@given(st.integers(0, 1 << 34), st.floats(0.05, 1.0))
def test_what_stores_with_what_was_measured_on_all_cores_is_never_convicted(changing: int, share: float) -> None:
    stored = changing / (MACHINE.stored * MACHINE.cores) / (1 + share)
    assert not MACHINE.impossible(changing, max(1e-7, stored))


@pytest.mark.parametrize("wrong", [{"stored": 0.0}, {"operations": math.inf}, {"copied": ()}, {"cores": 0}])
def test_what_is_no_speed_is_refused(wrong: dict[str, Any]) -> None:
    facts: dict[str, Any] = {"copied": COPIED, "stored": 1e9, "operations": 1e9, "cores": 1}
    with pytest.raises(ValueError, match="positive"):
        CpuMachine(**{**facts, **wrong})


@pytest.mark.xdist_group("kernels")
def test_this_machine_is_measured_and_the_work_counted(place: Place) -> None:
    source = b"""
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 32)

    def forward(self, x):
        return torch.tanh(self.linear(x))

def get_inputs():
    return [torch.randn(16, 64)]

def get_init_inputs():
    return []
"""
    reference = start(place, Task("work", source))
    with reference.worker:
        reference.load()
        told = reference.work(reference.draw(Cell(0, "normal"), "work"))
    assert told["work"] == 2 * 16 * 64 * 32
    assert told["bytes"] == 4 * (16 * 64 + 64 * 32 + 32 + 16 * 32)
    speeds = [speed for _, speed in told["copied"]]
    assert all(1e8 < one < 1e13 for one in [*speeds, told["stored"]])
    assert 1e8 < told["operations"] < 1e14
    assert told["cores"] >= 1
