"""Launches of Triton kernels made to fail, left out and answered for. Triton itself does all that leads to a launch,
compiling for a device included; but there is none, and in its driver's place stands one that writes what kernels would.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kernels.ablation import MODES, Tried, concluded, read_tried
from kernels.forms import read
from kernels.hosting import Place
from kernels.package import worker_zip

pytestmark = pytest.mark.xdist_group("kernels for a GPU")

KERNELS = """
import torch
import triton
import triton.language as tl

@triton.jit
def doubled(x):
    return x * 2.0

@triton.jit
def twice(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, doubled(tl.load(x_ptr + at, mask=at < n)), mask=at < n)

@triton.jit
def other(x_ptr):
    tl.store(x_ptr, 0.0)

def timed(call, quantiles):
    call()
    return [1.0, 1.0, 1.0]

@triton.autotune([triton.Config({"BLOCK": size}) for size in (16, 32)], key=["n"], do_bench=timed)
@triton.heuristics({"EVEN": lambda given: given["n"] % 2 == 0})
@triton.jit
def tuned(x_ptr, out_ptr, n, EVEN: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.load(x_ptr + at, mask=at < n) * 2.0, mask=at < n)

class ModelNew(torch.nn.Module):
    def forward(self, x):
        out = torch.full_like(x, float("nan"))
        twice[(1,)](x, out, 16, BLOCK=16)
        return [x.sum().item(), out.sum().item()]

class FallsBack(torch.nn.Module):
    def forward(self, x):
        out = torch.full_like(x, float("nan"))
        try:
            twice[(1,)](x, out, 16, BLOCK=16)
        except Exception:
            out = x * 2
        return [x.sum().item(), out.sum().item()]

class Decoy(torch.nn.Module):
    def forward(self, x):
        return [x.sum().item(), (x * 2).sum().item()]
"""

BEGIN = """
import json, linecache, sys, types
sys.path.insert(0, "/tmp/worker.zip")
import torch
from kernels.worker import cuda_on_cpu
from kernels.worker.candidate import Candidate
from kernels.worker.device import PROCESSOR
from kernels.worker.extensions import Ablated, Extensions, Mode
from kernels.worker.program import FILE, load
from kernels.worker.watching import Watch

candidate = Candidate(Watch(FILE, PROCESSOR), PROCESSOR)
ours = candidate._extensions = Extensions(FILE, device=sys.argv[1])
made = load(open("/tmp/c.py", "rb").read(), "candidate")

class Launcher:
    def __init__(self, src, metadata):
        pass

    def __call__(self, x, y, z, stream, function, packed, metadata, entered, left, *args):
        args[1].copy_(args[0] * 2)

class Driver(cuda_on_cpu.Driver):
    launcher_cls = Launcher

    def __init__(self):
        super().__init__()
        self.utils.load_binary = lambda *_: (1, 2, 16, 0, 1024)
        self.utils.unload_module = lambda *_: None

def stand_in():
    from triton.runtime import driver
    driver.set_active(Driver())

def tried(call):
    try:
        found = call()
        return None if found is None else type(found).__name__
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""

WITHOUT_A_DRIVER = """
loaded = ours.loaded[0]
x, out = torch.ones(16), torch.zeros(16)
launch = lambda: made.twice[(1,)](x, out, 16, BLOCK=16)
taken = made.twice.run
told = {"real": tried(launch), "counted": dict(loaded.calls)}
for mode in (Mode.fail, Mode.skip):
    with ours.mode(mode):
        told[mode.name] = [
            tried(launch), tried(lambda: taken(x, out, 16, grid=(1,), warmup=False, BLOCK=16)),
            tried(lambda: made.tuned[(1,)](x, out, 16)), dict(loaded.calls),
        ]
    loaded.calls.clear()
told["functions"], told["whole"], told["after"] = loaded.functions, ours.whole, tried(launch)
print(json.dumps(told))
"""

LAUNCHED = """
stand_in()
loaded = ours.loaded[0]
x, out = torch.ones(16), torch.zeros(16)
compiled = made.twice[(1,)](x, out, 16, BLOCK=16)
by_itself = compiled[(1, 1, 1)]
ways = {
    "run": lambda: made.twice[(1,)](x, out, 16, BLOCK=16),
    "compiled": lambda: by_itself(x, out, 16, 16),
    "tuned": lambda: made.tuned[(1,)](x, out, 16),
    "warmup": lambda: made.twice.warmup(x, out, 16, BLOCK=16, grid=(1,)),
}
told = {"real": out.tolist(), "counted": dict(loaded.calls)}
for mode in (Mode.fail, Mode.skip, Mode.spoil, Mode.real):
    for name, launch in ways.items():
        out.zero_()
        loaded.calls.clear()
        loaded.filled = 0
        with ours.mode(mode):
            raised = tried(launch)
        calls = sum(loaded.calls.values())
        told[f"{mode.name} {name}"] = [raised, out.tolist()[0], x.tolist()[0], calls, loaded.filled]
print(json.dumps(told))
"""

ABLATED = """
stand_in()
from kernels.messages import Tensor
from kernels.tensors import TensorSpec
given = Tensor(TensorSpec("float32", (16,)), torch.ones(16).numpy().tobytes())
form = {"k": "list", "items": [{"k": "tensor", "n": 0}]}
told = {}
for kind in ("ModelNew", "FallsBack", "Decoy"):
    candidate._model = getattr(made, kind)()
    told[kind] = {
        mode: candidate._ablate({"inputs": form, "mode": mode}, [given])[0] for mode in ("fail", "skip", "spoil")
    }
print(json.dumps(told))
"""

HIDDEN = """
from kernels.worker.gates import Loaded, ways
from triton.tools.tensor_descriptor import TensorDescriptor

def real(pair, descriptor, read, more):
    pair[1].zero_()
    descriptor.base.add_(1)

given = [torch.ones(4, 4) for _ in range(5)]
described = TensorDescriptor(given[2], [4, 4], [4, 1], [4, 4])
endless = [given[4]]
endless.append(endless)
loaded = Loaded("own", ["real"], ())
ways("real", real, loaded)[Mode.spoil]((given[0], given[1]), described, given[3], more=endless)
print(json.dumps([[one[0, 0].item() for one in given], loaded.calls, loaded.filled]))
"""

ON_THE_CPU = """
told = {"loaded": len(ours.loaded)}
from triton.runtime.jit import JITFunction
told["run"] = JITFunction.run.__module__
print(json.dumps(told))
"""


def told(place: Place, program: str, device: str = "cuda") -> Any:
    with place.backend.create(place.spec(600), name="triton-gates") as box:
        for path, content in {"worker.zip": worker_zip(), "c.py": KERNELS.encode()}.items():
            box.write(f"/tmp/{path}", content)
        result = box.run([str(place.python), "-I", "-c", BEGIN + program, device], timeout=300)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_a_launch_is_counted_made_to_fail_and_left_out_before_a_driver_is_asked_for(place: Place) -> None:
    found = told(place, WITHOUT_A_DRIVER)
    assert "0 active drivers" in found["real"], "in earnest it is Triton's own, which finds no device"
    assert found["after"] == found["real"]
    assert found["counted"] == {}
    failed = ["Ablated: twice is made to fail", "Ablated: twice is made to fail", "Ablated: tuned is made to fail"]
    assert found["fail"] == [*failed, {"twice": 2, "tuned": 1}]
    assert found["skip"] == [None, None, None, {"twice": 2, "tuned": 3}], "two configurations are tried, and one taken"
    assert found["functions"] == ["twice", "other", "tuned"], "what a kernel calls is none that is launched"
    assert found["whole"]


def test_what_a_launch_leaves_in_each_mode_however_it_is_made(place: Place) -> None:
    found = told(place, LAUNCHED)
    assert found["real"] == [2.0] * 16
    assert found["counted"] == {}
    for way in ("run", "compiled", "tuned"):
        name = "tuned" if way == "tuned" else "twice"
        nothing = None if way == "compiled" else "CompiledKernel"
        assert found[f"fail {way}"] == [f"Ablated: {name} is made to fail", 0, 1, 1, 0]
        assert found[f"skip {way}"] == [None, 0, 1, 3 if way == "tuned" else 1, 0]
        assert found[f"spoil {way}"] == [nothing, 12345, 1, 1, 1], "what was written to is filled, what was read stays"
        assert found[f"real {way}"] == [nothing, 2, 1, 0, 0]
    assert all(found[f"{mode} warmup"] == ["CompiledKernel", 0, 1, 0, 0] for mode in (*MODES, "real")), "no launch"


@pytest.mark.parametrize(
    ("kind", "rules", "proof"),
    [("ModelNew", ["unused_function"], False), ("FallsBack", ["fallback_proved"], True), ("Decoy", ["decoy"], False)],
)
def test_what_is_concluded_of_triton_kernels_is_what_is_of_compiled_functions(
    answers: Mapping[str, Any], kind: str, rules: list[str], proof: bool
) -> None:
    tried: dict[str, Tried] = {}
    for mode in MODES:
        answered, output, seen = read_tried(answers[kind][mode], ())
        right = answered and output == read(answers["Decoy"]["fail"]["output"], ())
        tried[mode] = Tried(seen.called, seen.filled, right, seen.whole, seen.calls)
    launched = 0 if kind == "Decoy" else 1
    assert all(one.calls == {"triton.twice": launched, "triton.other": 0, "triton.tuned": 0} for one in tried.values())
    said = concluded(tried, (), 3)
    assert [one.finding.rule for one in said] == rules
    assert any(one.proof for one in said) is proof


@pytest.fixture(scope="module")
def answers(place: Place) -> Mapping[str, Any]:
    found: Mapping[str, Any] = told(place, ABLATED)
    return found


def test_what_was_written_to_is_filled_in_tuples_and_behind_descriptors_too(place: Place) -> None:
    assert told(place, HIDDEN) == [[1, 12345, 12345, 1, 1], {"real": 1}, 1]


def test_on_the_cpu_triton_is_left_alone(place: Place) -> None:
    assert told(place, ON_THE_CPU, "cpu") == {"loaded": 0, "run": "triton.runtime.jit"}
