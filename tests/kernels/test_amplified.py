"""Where a task amplifies rounding: sums of another order are right whatever luck the reference had, and what is less
precise is wrong."""

import numpy as np
import pytest

from kernels.cases import CORPUS
from kernels.cells import Cell
from kernels.comparing import Tolerance, compare
from kernels.hosting import Place
from kernels.judging import LOOKS, spread_of
from kernels.task import Task
from kernels.tensors import TensorSpec
from tests.kernels.sides import asked

pytestmark = pytest.mark.xdist_group("kernel tasks")
# Sums of 256 terms of which all but one in a hundred end where a tanh is flat: what is left is amplified by hundreds.
TASK = Task("steep", (CORPUS / "linear_tanh" / "task.py").read_bytes())
CELLS = 40
SOURCE = """
import torch
import torch.nn as nn

def cut(value):
    part, exponent = torch.frexp(value.double())
    return torch.ldexp(torch.round(part * 2**18) / 2**18, exponent).float()

class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        weight, bias = self.linear.weight, self.linear.bias
        %s
        return output.tanh()
"""
BY_TILES = """output = bias.repeat(x.shape[0], 1)
        for start in range(0, x.shape[1], %d):
            part = slice(start, start + %d)
            output.addmm_(x[:, part], weight[:, part].t())"""
HONEST = {size: BY_TILES % (size, size) for size in (16, 64)}
EIGHTEEN_BITS = "output = torch.nn.functional.linear(cut(x), cut(weight), bias)"


@pytest.mark.parametrize("way", HONEST.values(), ids=HONEST)
def test_a_sum_by_tiles_is_right_every_time(place: Place, way: str) -> None:
    assert judged(place, way) == [True] * CELLS


def test_eighteen_bits_are_wrong_every_time(place: Place) -> None:
    assert judged(place, EIGHTEEN_BITS) == [False] * CELLS


def judged(place: Place, way: str) -> list[bool]:
    found = []
    with asked(place, TASK, (SOURCE % way).encode()) as (reference, candidate):
        for number in range(CELLS):
            inputs = reference.draw(Cell(number, "large"), "steep")
            found.append(reference.judge(inputs, candidate.call(inputs).output)[1].right)
    return found


@pytest.mark.parametrize(("reference_loses", "candidate_loses"), [(1, 2), (3, 4), (6, 12)])
def test_the_reference_is_believed_to_be_off_by_what_it_usually_is(
    reference_loses: float, candidate_loses: float
) -> None:
    """Each of a few elements moves by its own size, and by so many times that the reference and a candidate are off."""
    dice, spec, wrong = np.random.default_rng(7), TensorSpec("float32", (64, 256)), 0
    for _ in range(50):
        sizes = 1e-4 * dice.lognormal(sigma=1.0, size=spec.elements) * (dice.random(spec.elements) < 0.01)
        exact = np.sign(dice.normal(size=spec.elements))
        looks = [exact + sizes * dice.normal(size=spec.elements) for _ in range(LOOKS)]
        native = exact + reference_loses * sizes * dice.normal(size=spec.elements)
        candidate = exact + candidate_loses * sizes * dice.normal(size=spec.elements)
        spread = spread_of(exact, looks)
        wrong += not compare(spec, exact, native, candidate, Tolerance(), spread).right
        worse = exact + 120 * reference_loses * sizes * dice.normal(size=spec.elements)
        assert not compare(spec, exact, native, worse, Tolerance(), spread).right
    assert wrong == 0


def test_what_leaves_the_finite_numbers_in_a_look_is_no_allowance() -> None:
    exact = np.zeros(3)
    looks = [np.array([1.0, np.nan, np.inf]), np.array([-1.0, 2.0, np.nan])]
    found = spread_of(exact, looks)
    assert found is not None
    assert found.tolist() == [1.0, 2.0, 0.0]
    assert spread_of(exact, []) is None


@pytest.mark.parametrize("at", [1, 300])
def test_only_in_the_row_of_an_element_that_moves_more_is_allowed(at: int) -> None:
    spec = TensorSpec("float32", (4, 256))
    exact, spread = np.ones(spec.elements), np.full(spec.elements, 1e-8)
    native, candidate = exact + 3e-8, exact + 3e-8
    spread[1], native[1] = 1e-3, 1.003
    candidate[at] += 5e-3
    assert compare(spec, exact, native, candidate, Tolerance(), spread).right is (at == 1)
