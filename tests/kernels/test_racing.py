"""Who races against whom, and what several races say together."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from kernels.baseline import COMPILED, EAGER
from kernels.bench import Inputs, ReferenceSide, start, start_candidate
from kernels.hosting import Place, Worker
from kernels.messages import Tensor
from kernels.racing import Baselines, _changing, agreed, confirmations
from kernels.statistics import Interval, Speed
from kernels.task import Task
from kernels.tensors import TensorSpec
from kernels.timing import Timing

pytestmark = pytest.mark.xdist_group("kernels")
SOURCE = b"""
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x):
        return torch.tanh(torch.sin(x) * 2 + x) - x

def get_inputs():
    return [torch.randn(64, 512)]

def get_init_inputs():
    return []
"""
TIMING = Timing(
    Speed.faster, Interval(1.2, 1.25, 1.3), Interval(0.99, 1.0, 1.01), 0.02, 1e-3, 8e-4, 8e-4, 1e-5, True, 1.25, 12,
    400, 400, "eager, one thread",
)  # fmt: skip


def said(speed: Speed, ratio: float = 1.25) -> Timing:
    return replace(TIMING, speed=speed, found=Interval(ratio - 0.01, ratio, ratio + 0.01))


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (Speed.faster, Speed.faster, Speed.faster),
        (Speed.faster, Speed.equal, Speed.equal),
        (Speed.faster, Speed.ambiguous, Speed.ambiguous),
        (Speed.faster, Speed.slower, Speed.ambiguous),
        (Speed.slower, Speed.faster, Speed.ambiguous),
        (Speed.slower, Speed.slower, Speed.slower),
        (Speed.slower, Speed.equal, Speed.equal),
    ],
)
def test_faster_is_told_only_where_every_race_says_so(first: Speed, second: Speed, together: Speed) -> None:
    found = agreed(said(first), said(second, 1.5))
    assert found.speed is together
    assert found.found.ratio == 1.5, "the later race's number is told"


@pytest.mark.parametrize(
    ("speed", "ratio", "quick", "more"),
    [
        (Speed.faster, 1.5, True, 1),
        (Speed.faster, 1.5, False, 1),
        (Speed.faster, 1.05, True, 2),
        (Speed.faster, 1.05, False, 2),
        (Speed.slower, 0.5, True, 0),
        (Speed.slower, 0.95, True, 1),
        (Speed.slower, 0.95, False, 1),
        (Speed.slower, 0.5, False, 1),
        (Speed.equal, 1.0, False, 0),
        (Speed.ambiguous, 1.0, False, 0),
    ],
)
def test_how_often_is_raced_again(speed: Speed, ratio: float, quick: bool, more: int) -> None:
    assert confirmations(said(speed, ratio), quick=quick) == more


def test_bytes_that_other_inputs_change() -> None:
    spec = TensorSpec("float32", (5,))
    one = np.array([0, 1, 2, 3, 4], "<f4")
    two = np.array([0, 1, 2, 5, 4.5], "<f4")
    assert _changing(Tensor(spec, one.tobytes()), Tensor(spec, two.tobytes())) == 8
    assert _changing(Tensor(spec, one.tobytes()), Tensor(spec, one.tobytes())) == 0
    assert _changing(Tensor(spec, one.tobytes()), Tensor(TensorSpec("float64", (0,)), b"")) == 0


class Supply:
    """Real workers, remembered."""

    def __init__(self, place: Place) -> None:
        self.place, self.workers = place, list[Worker]()

    def __call__(self) -> Worker:
        self.workers.append(start_candidate(self.place))
        return self.workers[-1]

    @property
    def at_work(self) -> list[bool]:
        return [one._run is not None and one._run.is_alive() for one in self.workers]


@pytest.fixture
def reference(place: Place) -> Iterator[tuple[ReferenceSide, Inputs]]:
    found = start(place, Task("racing", SOURCE))
    with found.worker:
        yield found, found.load()


def test_a_quick_verification_has_eager_mode_and_says_so(place: Place, reference: tuple[ReferenceSide, Inputs]) -> None:
    side, init = reference
    supply = Supply(place)
    with Baselines(supply) as baselines:
        one = baselines.against(side, init, "normal", quick=True)
        two = baselines.against(side, init, "normal", quick=True)
        assert one.baseline is two.baseline
        assert side.task in baselines
        assert (one.baseline.way, one.baseline.name, one.told) == (EAGER, "eager, one thread", ())
        assert "eager" in one.note
        with baselines.fresh(side.task, one) as fresh:
            assert fresh.baseline is not one.baseline
        assert len(supply.workers) == 2
        baselines.forget(side.task)
        assert side.task not in baselines


def test_the_faster_of_eager_mode_and_the_compiler_is_the_baseline(
    place: Place, reference: tuple[ReferenceSide, Inputs]
) -> None:
    """On a busy machine the compiler may be given up on: then that is said, and eager mode counts."""
    side, init = reference
    with Baselines(Supply(place)) as baselines:
        found = baselines.against(side, init, "normal", quick=False)
        if found.note:
            assert "torch.compile is no baseline here: took over" in found.note
            assert found.baseline.way == EAGER
            return
        times = dict(found.told)
        assert set(times) == {f"{EAGER}, one thread", f"{COMPILED}, one thread"}
        assert all(0 < one < 1 for one in times.values())
        if times[f"{COMPILED}, one thread"] < times[f"{EAGER}, one thread"] / 1.5:
            assert found.baseline.way == COMPILED
        assert baselines.against(side, init, "normal", quick=False) == found, "it is compiled once"
        with baselines.fresh(side.task, found) as fresh:
            assert (fresh.baseline is found.baseline) == (found.baseline.way == COMPILED)


def test_a_model_that_the_compiler_does_not_take_has_eager_mode(place: Place) -> None:
    source = SOURCE.replace(
        b"    def forward",
        b"    def compile(self, *args, **kwargs):\n        raise RuntimeError('not with me')\n\n    def forward",
    )
    side = start(place, Task("uncompilable", source))
    supply = Supply(place)
    with side.worker, Baselines(supply) as baselines:
        found = baselines.against(side, side.load(), "normal", quick=False)
        assert supply.at_work == [True, False], "the box of the one that failed is closed"
        assert found.baseline.way == EAGER
        assert found.note.startswith("torch.compile is no baseline here: ")
        assert "not with me" in found.note
