"""Which of two equal numbers comes first is nobody's fault; which numbers they are is."""

import pytest

from kernels.cells import Cell
from kernels.hosting import Place
from kernels.task import Task
from tests.kernels.sides import asked

pytestmark = pytest.mark.xdist_group("kernel tasks")
TASK = b"""
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x):
        return torch.topk(x, 3).indices, x > 2

def get_inputs():
    x = torch.rand(2, 16)
    x[0, 4] = x[0, 11] = 5
    return [x]

def get_init_inputs():
    return []
"""
CANDIDATE = """
import torch
import torch.nn as nn

class ModelNew(nn.Module):
    def forward(self, x):
        best = torch.topk(x, 4).indices
        return best[:, %s], x > %s
"""


@pytest.mark.parametrize(
    ("columns", "bound", "right"),
    [
        ("[0, 1, 2]", "2", True),
        ("[1, 0, 2]", "2", False),  # in the second row, in which no two are equal
        ("[0, 1, 3]", "2", False),
        ("[0, 1, 2]", "5", False),
    ],
)
def test_only_where_two_are_equal_another_is_right(place: Place, columns: str, bound: str, right: bool) -> None:
    task = Task("equal", TASK, distributions=("declared",))
    with asked(place, task, (CANDIDATE % (columns, bound)).encode()) as (reference, candidate):
        inputs = reference.draw(Cell(0, "declared"), "equal")
        assert reference.judge(inputs, candidate.call(inputs).output)[1].right is right


def test_the_first_row_alone_may_be_either_way_around(place: Place) -> None:
    source = CANDIDATE % (":3", "2")
    turned = source.replace("best[:, :3]", "torch.stack([best[0, [1, 0, 2]], best[1, :3]])")
    assert turned != source
    task = Task("equal", TASK, distributions=("declared",))
    with asked(place, task, turned.encode()) as (reference, candidate):
        inputs = reference.draw(Cell(0, "declared"), "equal")
        assert reference.judge(inputs, candidate.call(inputs).output)[1].right
