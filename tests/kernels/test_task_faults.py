"""A task that cannot be carried out is told as the task's fault, and its worker goes on; and what its weights are."""

from collections.abc import Callable

import numpy as np
import pytest

from kernels.bench import Judged, ReferenceSide, start
from kernels.cells import Cell
from kernels.elements import numbers
from kernels.hosting import Place
from kernels.task import Task
from kernels.verdicts import Verdict

pytestmark = pytest.mark.xdist_group("kernels")
SOURCE = """
import itertools, sys, torch
import torch.nn as nn
times = itertools.count(1)

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(64))
        self.linear = nn.Linear(64, 4)
        {init}

    def forward(self, x, y):
        {forward}

def get_inputs():
    return {inputs}

def get_init_inputs():
    return []
"""
FORWARD = "return self.linear(x * self.scale) + y"
INPUTS = "[torch.randn(8, 64), torch.randn(8, 4)]"


def task(*, forward: str = FORWARD, inputs: str = INPUTS, init: str = "pass") -> Task:
    return Task("faulty", SOURCE.format(forward=forward, inputs=inputs, init=init).encode())


def expected(side: ReferenceSide) -> None:
    side.expect(side.draw(Cell(0, "normal"), "faulty"))


def shaped(*shapes: tuple[int, ...]) -> Callable[[ReferenceSide], object]:
    return lambda side: side.draw(Cell(0, "normal", shapes), "faulty")


@pytest.mark.parametrize(
    ("faulty", "do", "said"),
    [
        (task(), shaped((8, 64)), "has 1 shapes, get_inputs gives 2 tensors"),
        (task(), shaped((8, 64), (8, 4), (3,)), "has 3 shapes, get_inputs gives 2 tensors"),
        (task(), shaped((1 << 30, 1 << 30), (8, 4)), "RuntimeError"),
        (task(inputs="[torch.randn(8, 64)] * next(times)"), expected, "another number of inputs each time"),
        (task(forward="return [x] * 1000, [y] * 30"), expected, "2060 tensors, at most 1024"),
        (task(forward="return {str(n) * 99: y for n in range(100, 400)}"), expected, "bytes describe"),
        (task(forward="found = [x]; found.append(found); return found"), expected, "RecursionError"),
        (task(forward="return [[[[[[[[[[x]]]]]]]]]]"), expected, "form is none"),
        (task(forward="sys.exit(3)"), expected, "SystemExit"),
        (
            task(init="[setattr(self, f'{n}' * 300, nn.Parameter(torch.ones(1))) for n in range(200)]"),
            lambda side: side.draw_state("long"),
            "bytes describe",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_the_task_is_none_of_the_machine(
    place: Place, faulty: Task, do: Callable[[ReferenceSide], object], said: str
) -> None:
    side = start(place, faulty)
    with side.worker:
        side.load()
        with pytest.raises(Judged) as told:
            do(side)
        assert (told.value.verdict, said in told.value.reason) == (Verdict.invalid_task, True), told.value.reason
        assert side.scalars() == [], "its worker answers"


def weights(side: ReferenceSide, *where: str) -> dict[str, np.ndarray]:
    state = side.draw_state(*where)
    return {name: numbers(one.spec, one.data) for name, one in state.by_name().items()}


def test_weights_are_a_function_of_their_seed(place: Place) -> None:
    """However many were drawn before: a reference is kept for the next candidates."""
    side = start(place, task())
    with side.worker:
        side.load()
        first = weights(side, "again")
        for number in range(300):
            side.change_state("between", number)
        found = weights(side, "again")
        other = weights(side, "other")
    assert {name: list(one) for name, one in first.items()} == {name: list(one) for name, one in found.items()}
    assert all((first[name] != other[name]).any() for name in first)
    assert found["scale"].min() > 0
    assert 0.2 < found["scale"].std() < 0.3
    assert 0.9 < found["linear.weight"].std() / other["linear.weight"].std() < 1.1
