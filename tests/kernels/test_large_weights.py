"""A reference holds little beside its weights, and no call changes them: copies are shared until they are written."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kernels
from kernels.bench import Inputs, ReferenceSide
from kernels.cells import Cell
from kernels.hosting import Place, Worker
from kernels.messages import Json
from kernels.task import Task
from settings import load_settings
from tests.engines import absent
from workers.kernel_place import kernel_python

pytestmark = pytest.mark.xdist_group("kernel tasks")
ROOM = Path(kernels.__file__).parent.parent
SOURCE = """
import ctypes
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, scale=2.0):
        super().__init__()
        self.scale = scale
        self.w = nn.Parameter(torch.randn(8, 64))
        self.register_buffer("b", torch.randn(64))
        {init}

    def forward(self, x):
        y = x * self.w * self.scale + self.b
        {change}
        return y

def get_inputs():
    return [torch.rand(8, 64)]

def get_init_inputs():
    return []
"""
Load = Callable[..., ReferenceSide]


@pytest.fixture(scope="module")
def load(place: Place) -> Iterator[Load]:
    """One worker for all: to start one takes longer than to ask it."""
    with Worker(place, "reference") as worker:

        def loaded(change: str, init: str = "pass") -> ReferenceSide:
            reference = ReferenceSide(worker, Task("own", SOURCE.format(change=change, init=init).encode()))
            reference.load()
            return reference

        yield loaded


def answers(reference: ReferenceSide, inputs: Inputs) -> list[bytes]:
    """What is right for inputs, as the task means it and in double precision."""
    found = reference.expect(inputs)
    assert found.precise
    return [bytes(one.data) for one in [found.native.leaves[0].tensor, *found.exact]]


def output(reference: ReferenceSide, inputs: Inputs, **how: Any) -> bytes:
    found = reference.call(inputs, **how)
    assert found is not None
    return bytes(found.output.leaves[0].tensor.data)


@pytest.mark.parametrize(
    ("change", "init"),
    [
        ("self.w.data.mul_(2)", "pass"),
        ("self.w.data[2:].zero_()", "pass"),
        ("self.w.data = torch.zeros(8, 64)", "pass"),
        ("self.w.detach().numpy()[:] = 7", "pass"),
        ("ctypes.memset(self.w.data_ptr(), 0, 64)", "pass"),
        ("self.w.untyped_storage().fill_(0)", "pass"),
        ("torch.from_dlpack(self.w.detach()).zero_()", "pass"),
        ("self.b.add_(1)", "pass"),
        ("self.b.numpy()[:] = 7", "pass"),
        ("self.kept[0].add_(1); y = y + self.kept[0]", "self.kept = [torch.zeros(64)]"),
        ("self.w.data.mul_(2)", "self.w = nn.Parameter(torch.from_numpy(self.w.detach().numpy().copy()))"),
        ("self.w.data.add_(1)", "self.w = nn.Parameter(torch.randn(1, 64).expand(8, 64))"),
        ("self.other.data.mul_(2)", "self.other = self.w"),
        ("self.other.data.mul_(2)", "self.other = nn.Parameter(self.w.data); self.w = self.other"),
    ],
)
def test_what_a_call_does_to_weights_does_not_stay(load: Load, change: str, init: str) -> None:
    reference = load(change, init)
    inputs = reference.draw(Cell(0, "declared"), "own")
    first = answers(reference, inputs)
    called = output(reference, inputs)
    assert called == first[0]
    assert output(reference, inputs, again=True) != called, "what the call did is there in its own copy"
    output(reference, inputs, rounded=True)
    reference.call(inputs, otherwise=["scale", 3.0])
    reference._ask("nearby", {"inputs": inputs.form, "times": 2}, inputs.tensors)
    reference.gradients(inputs, "contiguous", [0], [reference.expect(inputs).native.leaves[0].tensor], 1)
    reference.sensitivity(Cell(1, "normal"))
    reference.work(inputs)
    assert answers(reference, inputs) == first
    assert output(reference, inputs) == called


def test_drawn_weights_stay_away_from_what_was_copied_before(load: Load) -> None:
    """A call's model may be called again; a new state is for the next one."""
    reference = load("self.seen = self.w if not hasattr(self, 'seen') else self.seen")
    inputs = reference.draw(Cell(0, "declared"), "own")
    first = answers(reference, inputs)
    output(reference, inputs)
    reference.change_state("own", 1)
    one = answers(reference, inputs)
    reference.change_state("own", 2)
    two = answers(reference, inputs)
    reference.change_state("own", 1)
    assert answers(reference, inputs) == one
    assert len({first[0], one[0], two[0]}) == 3


@pytest.mark.parametrize(
    ("change", "of_state"),
    [
        ("y = self.w", True),
        ("y = self.w[2:]", True),
        ("y = self.b.view(8, 8)", True),
        ("y = self.w + 0", False),
        ("y = torch.from_numpy(self.w.detach().numpy())", True),
    ],
)
def test_an_output_that_is_a_view_of_weights_is_known(load: Load, change: str, of_state: bool) -> None:
    reference = load(change)
    assert reference.expect(reference.draw(Cell(0, "declared"), "own")).of_state is of_state


DRAWN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import torch
from torch.nn import Parameter
from kernels.worker import memory
from kernels.worker.drawing import around, set_state

shapes = [(), (1,), (0, 4), (3_000_001,), (3000, 700), (1, 2_500_000), (2, 3, 500_003), (2, 1 << 20)]
numbered = [torch.arange(torch.Size(shape).numel()).reshape(shape) for shape in shapes]
cut = []
for one in [*numbered, numbered[4].T]:
    parts = list(memory.pieces(one))
    cut.append([max(part.numel() for part in parts) <= memory.PIECE,
                bool((torch.cat([part.reshape(-1) for part in parts]) == one.reshape(-1)).all()),
                all(part.untyped_storage().data_ptr() == one.untyped_storage().data_ptr() for part in parts)])

model = torch.nn.Module()
torch.manual_seed(0)
model.matrix = Parameter(torch.randn(3000, 700, dtype=torch.float64) * 0.02)
model.turned = Parameter(torch.randn(700, 3000).t() * 3)
model.long = Parameter(torch.ones(2_500_001))
model.short = Parameter(torch.randn(2000, 700).bfloat16())
model.scalar = Parameter(torch.ones(()))
model.same = Parameter(torch.full((3000, 400), 0.1))
model.empty = Parameter(torch.zeros(0, 4))
before = {name: value.detach().clone() for name, value in model.named_parameters()}
drawn_around = around(model)
untouched = all(bool((value == before[name]).all()) for name, value in model.named_parameters())

def drawn(seed):
    set_state(model, torch.Generator().manual_seed(seed), drawn_around)
    return {name: value.detach().double().clone() for name, value in model.named_parameters()}

one, other, again = drawn(1), drawn(2), drawn(1)
print(json.dumps({"cut": cut, "untouched": untouched, "weights": {name: {
    "mean": float(value.mean()), "std": float(value.std(correction=0)), "least": float(value.min()),
    "most": float(value.max()), "different": value.unique().numel(), "of": value.numel(),
    "left": int((value == before[name].double()).sum()),
    "again": bool((again[name] == value).all()), "other": bool((other[name] != value).any()),
} for name, value in one.items() if value.numel()}}))
"""

HELD = """
import json, sys
sys.path.insert(0, sys.argv[1])
import torch
from kernels.messages import Tensor
from kernels.tensors import TensorSpec
from kernels.worker.device import PROCESSOR
from kernels.worker.reference import Reference
SIDE = 8192
SOURCE = b'''
import torch
class Model(torch.nn.Module):
    def __init__(self, scale=2.0):
        super().__init__()
        self.linear = torch.nn.Linear(8192, 8192)
        self.scale = scale
    def forward(self, x):
        return torch.sigmoid(self.linear(x)) * self.scale
def get_inputs():
    return [torch.rand(2, 8192)]
def get_init_inputs():
    return []
'''
torch.set_num_threads(1)

def held():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM:"))

operations, begin, most = Reference(PROCESSOR).operations(), held(), {}
def ask(name, tensors=(), **head):
    found = operations[name]({"most": 1 << 30, **head}, tensors)
    most[name] = (held() - begin) / (SIDE * SIDE * 4)
    return found

ask("load", [Tensor(TensorSpec("uint8", (len(SOURCE),)), SOURCE)], train=True)
drawn = {"distribution": "normal", "shapes": None}
form, inputs = ask("inputs", seed=1, **drawn)
for how in ({}, {"again": True}, {"rounded": True}, {"otherwise": ["scale", 3.0]}):
    ask("call", inputs, **form, **how)
ask("state", seed=1, quiet=True)
ask("sensitivity", seed=2, other=3, **drawn)
ask("work", inputs, **form)
ask("load", [Tensor(TensorSpec("uint8", (len(SOURCE),)), SOURCE)], train=True)
before = max(most.values())
ask("expect", inputs, **form)
ask("nearby", inputs, **form, times=2)
print(json.dumps([before, max(most.values())]))
"""


def told(program: str) -> Any:
    """What a program prints that has the worker's modules, run as the worker is but in no box."""
    folder = kernel_python(load_settings().kernel_home)
    if folder is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    done = subprocess.run(
        [str(folder / "bin/python"), "-I", "-c", program, str(ROOM)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_weights_that_are_drawn_in_pieces_are_drawn_whole() -> None:
    found: Json = told(DRAWN)
    assert found["cut"] == [[True, True, True]] * 9
    assert found["untouched"], "to look at weights changes none"
    weights = found["weights"]
    assert set(weights) == {"matrix", "turned", "long", "short", "same", "scalar"}
    spreads = {"matrix": 0.02, "turned": 3, "long": 0.25, "short": 1, "same": 1 / 400**0.5}
    for name, spread in spreads.items():
        one, centre = weights[name], 1 if name == "long" else 0
        assert one["mean"] == pytest.approx(centre, abs=0.005 * spread), name
        assert one["std"] == pytest.approx(0.997 * spread, rel=0.005), "as a normal one that ends at three"
        assert one["least"] == pytest.approx(centre - 3 * spread, rel=0.01), name
        assert one["most"] == pytest.approx(centre + 3 * spread, rel=0.01), name
    assert all(one["left"] < 1e-2 * one["of"] for one in weights.values()), "every element is another"
    assert weights["matrix"]["different"] > 0.99 * weights["matrix"]["of"], "no piece is drawn twice"
    assert all(one["again"] and one["other"] for one in weights.values())


def test_what_is_held_beside_large_weights() -> None:
    """Once for the model and once for a copy that is changed; and with the double precision, which is twice as large,
    three times at most. What else there is takes less than once more 256 MiB."""
    before, most = told(HELD)
    assert before < 2.9
    assert most < 3.9
