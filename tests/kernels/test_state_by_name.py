"""A model's state is held to the reference's by name, however long it is and in whatever order it comes."""

import pytest

from kernels.auditing import in_both_modes, state_is_kept
from kernels.bench import Judged, State
from kernels.hosting import Place
from kernels.messages import ProtocolError, Tensor
from kernels.task import Task
from kernels.tensors import TensorSpec
from kernels.verdicts import Verdict, Wrong
from tests.kernels.sides import audited

pytestmark = pytest.mark.xdist_group("kernels")
TASK = Task(
    "by name",
    b"""
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(24, 40)
        self.norm = nn.BatchNorm1d(40)

    def forward(self, x):
        return self.norm(self.linear(x))

def get_inputs():
    return [torch.randn(9, 24)]

def get_init_inputs():
    return []
""",
)
TURNED = TASK.source.replace(
    b"        self.linear = nn.Linear(24, 40)\n        self.norm = nn.BatchNorm1d(40)\n",
    b"        self.norm = nn.BatchNorm1d(40)\n        self.linear = nn.Linear(24, 40)\n",
).replace(b"class Model(", b"class ModelNew(")
FORGETFUL = TURNED.replace(
    b"return self.norm(self.linear(x))",
    b"n = self.norm; return nn.functional.batch_norm("
    b"self.linear(x), n.running_mean.clone(), n.running_var.clone(), n.weight, n.bias, self.training)",
)
LONG = Task(
    "long",
    b"""
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4096, 4352)

    def forward(self, x):
        return self.linear(x)

def get_inputs():
    return [torch.randn(3, 4096)]

def get_init_inputs():
    return []
""",
)


@pytest.mark.parametrize("check", [state_is_kept, in_both_modes], ids=lambda check: check.__name__)
def test_attributes_may_stand_in_another_order(place: Place, check: object) -> None:
    assert callable(check)
    with audited(place, TASK, TURNED) as on:
        check(on)


@pytest.mark.parametrize("check", [state_is_kept, in_both_modes], ids=lambda check: check.__name__)
def test_in_whatever_order_what_is_not_kept_is_seen(place: Place, check: object) -> None:
    assert callable(check)
    with audited(place, TASK, FORGETFUL) as on, pytest.raises(Judged) as told:
        check(on)
    assert (told.value.verdict, told.value.wrong) == (Verdict.incorrect, Wrong.mutates_state)


def test_weights_larger_than_any_output_may_come_back(place: Place) -> None:
    """68 MiB of weights, for 51 KiB of output: what an answer may hold follows what was drawn."""
    with audited(place, LONG, LONG.source.replace(b"class Model(", b"class ModelNew(")) as on:
        state_is_kept(on)


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", 2], "ab", [["a"], ["b"]]])
def test_a_state_without_its_names_is_none(names: object) -> None:
    one = Tensor(TensorSpec("int8", (1,)), b"\0")
    with pytest.raises(ProtocolError, match="state"):
        State(names, [one, one])  # type: ignore[arg-type]  # as a hostile process may say it
