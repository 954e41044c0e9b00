"""Tasks with one fault each, and healthy ones, audited by a real reference worker in a real box."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from kernels.bench import Inputs, Judged, ReferenceSide, blob
from kernels.cells import Cell
from kernels.hosting import Place, Worker
from kernels.report import of_audit
from kernels.task import Task
from kernels.task_audit import TaskAudit, audit_task, of_sizes
from kernels.verdicts import Verdict

pytestmark = pytest.mark.xdist_group("kernel tasks")
Audit = Callable[[Task], TaskAudit]


def model(
    forward: str, inputs: str = "[torch.rand(8, 64)]", *, init: str = "", parameters: str = "", given: str = "[]"
) -> Task:
    signature = f"self, {parameters}" if parameters else "self"
    return Task(
        "own",
        (
            f"import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
            f"class Model(nn.Module):\n    def __init__({signature}):\n        super().__init__()\n"
            + "".join(f"        {line}\n" for line in init.splitlines())
            + f"    def forward(self, x):\n        {forward}\n"
            f"def get_inputs():\n    return {inputs}\ndef get_init_inputs():\n    return {given}\n"
        ).encode(),
    )


@pytest.fixture(scope="module")
def audit(place: Place) -> Iterator[Audit]:
    """One worker for all: to start one takes longer than to audit a task."""
    with Worker(place, "reference") as worker:

        def audited(task: Task) -> TaskAudit:
            reference = ReferenceSide(worker, task)
            reference.load()
            return audit_task(reference)

        yield audited


@pytest.mark.parametrize(
    ("broken", "null"),
    [
        (model("return torch.relu(x)"), "an input passed through"),
        (model("return torch.clamp(x, -1, 1)"), "an input passed through"),
        (model("return F.leaky_relu(x, self.s)", init="self.s = s", parameters="s=0.01"), "an input passed through"),
        (model("return torch.relu(x - 2)"), "an output of zeros"),
        (model("return torch.softmax(x, 1).sum(1)"), "an output of ones"),
        (model("return torch.softmax(x, 1).mean(1, keepdim=True)"), "one constant for all inputs"),
        (model("y = x.max(1, keepdim=True).values; return F.gelu(y - y.mean(1, keepdim=True))"), "an output of zeros"),
        (model("return x.mean(0, keepdim=True).expand(8, 64)"), "the first row for all rows"),
        (model("return torch.arange(64.).repeat(8, 1) + 0 * x"), "the output for other inputs"),
        (model("return torch.relu(x - 2), x.sum() * 0"), "an output of zeros"),
    ],
)
def test_a_null_that_our_comparison_takes_makes_a_task_invalid(audit: Audit, broken: Task, null: str) -> None:
    found = audit(broken)
    assert f"{null} is right on the task's own inputs" in found.problems, found
    ours = [one for one in found.named if one.tolerance == "ours" and one.null == null]
    assert [(one.inputs, one.weights) for one in ours] == [("declared", "drawn")]


def test_a_null_that_some_draws_of_the_weights_let_pass_is_a_note(place: Place) -> None:
    """A bias that by chance lies where everything is cut off: the next weights are others."""
    cut = model("return torch.clamp(x + 4 * self.bias, 0, 10)", init="self.bias = nn.Parameter(torch.zeros(1, 1))")
    notes = []
    with Worker(place, "reference") as worker:
        for number in range(6):
            reference = ReferenceSide(worker, cut, secret=bytes([number]) * 32)
            reference.load()
            found = audit_task(reference)
            assert found.sound, (number, found.problems)
            notes += [one for one in found.notes if one.endswith("on the task's own inputs with some weights")]
    assert "an output of zeros is right on the task's own inputs with some weights" in notes


def test_what_one_answer_may_hold_and_take_is_the_askers_to_say(place: Place) -> None:
    slow = model("import time; time.sleep(1.5 if x.shape == (8, 64) else 0); return x * 2")
    inputs = Inputs({"k": "list", "items": [{"k": "tensor", "n": 0}]}, [blob(bytes(4096))])
    with Worker(place, "reference") as worker:
        reference = ReferenceSide(worker, slow, most_bytes=4096 + 8192)
        reference.load()
        # Bytes have no greater precision: the answer is the output, and once more what is exact of it.
        assert len(reference.expect(inputs).exact) == 1
        reference.most_bytes = 8191
        with pytest.raises(Judged, match="at most"):
            reference.expect(inputs)
        reference.most_bytes, reference.call_s = 1 << 20, 0.5
        assert len(reference.expect(inputs).exact) == 1
        with pytest.raises(Judged, match="in time"):
            reference.expect(reference.draw(Cell(0, "declared"), "slow"))


@pytest.mark.parametrize(
    ("loose", "null", "tolerance"),
    [
        (model("return torch.softmax(x, 1) * 1e-4"), "an output of zeros", "1e-4"),
        (model("return torch.softmax(x, 1) * 1e-2"), "an output of zeros", "1e-2"),
        (model("return x.sum(1) * 5e-3 + 5"), "one constant for all inputs", "1e-2"),
        (model("return x[:1] + 4e-5 * x"), "the first row for all rows", "1e-4"),
        (model("return x + 4e-5 * x * x"), "an input passed through", "1e-4"),
        (model("return 100 + 4e-3 * x"), "the output for other inputs", "1e-4"),
        # The weights that a constructor makes hide what drawn ones show.
        (model("return self.n(x).mean(1)", init="self.n = nn.LayerNorm(64)"), "an output of zeros", "1e-4"),
    ],
)
def test_what_only_a_fixed_tolerance_takes_is_said_and_makes_no_task_invalid(
    audit: Audit, loose: Task, null: str, tolerance: str
) -> None:
    found = audit(loose)
    assert found.sound, found.problems
    assert (null, tolerance, "declared", "own") in [
        (one.null, one.tolerance, one.inputs, one.weights) for one in found.degenerate
    ]
    assert (null in {one.null for one in found.named}) == (tolerance != "1e-2")


HEALTHY = {
    "matmul": model("return x @ x.T"),
    "linear": model("return torch.tanh(self.l(x))", init="self.l = nn.Linear(64, 32)"),
    "softmax": model("return torch.softmax(x, 1)"),
    "sum": model("return x.sum(1)"),
    "cumsum": model("return x.cumsum(1)"),
    "argmax": model("return x.argmax(1)"),
    "two outputs": model("return x.sum(1), [x * 2]"),
    "loss": model("return ((x - 0.5) ** 2).mean()", "[torch.rand(8, 64) * torch.rand(())]"),
    "batch norm": model("return self.n(x)", init="self.n = nn.BatchNorm1d(64)"),
    "mask": model("return x > 0.5"),
    "a size that hangs on values": model("return x[x > 0.5] * 3"),
    "one row": model("return x * 2", "[torch.rand(1, 64)]"),
    "relu of normal numbers": model("return torch.relu(x)", "[torch.randn(8, 64)]"),
    "half": model("return x.cumsum(1)", "[torch.rand(8, 64).half()]"),
    "indices": model(
        "return self.e[x]", "[torch.randint(0, 50, (8, 16))]", init="self.e = nn.Parameter(torch.randn(50, 4))"
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_task_is_sound_and_nothing_is_named(audit: Audit, name: str) -> None:
    found = audit(HEALTHY[name])
    assert found.sound, found.problems
    assert found.named == []
    assert found.call_s > 0
    assert found.largest > 0


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (model("return torch.dropout(x, 0.5, True)"), "hidden state or chance"),
        (model("self.n += 1; return x + self.n", init="self.n = 0"), "hidden state or chance"),
        (model("self.n += 1; return x + (self.n > 2)", init="self.n = 0"), "hidden state or chance"),
        (model("self.b.add_(1); return x * self.b", init="self.register_buffer('b', torch.ones(1))"), "hidden state"),
        (model("return torch.log(-1 - x)"), "not finite on its own inputs"),
        (model("return 'text'"), "no tensor"),
        (
            model("return self.w + 0 * x", init="self.w = nn.Parameter(torch.randn(8, 64))"),
            "the output for other inputs",
        ),
        (model("return x * 2 + 0 * self.w", init="self.w = nn.Parameter(torch.randn(64))"), "depends on no weight"),
    ],
)
def test_what_else_makes_a_task_invalid(audit: Audit, broken: Task, why: str) -> None:
    assert any(why in one for one in audit(broken).problems)


def test_state_that_does_not_show_in_outputs_is_no_fault(audit: Audit) -> None:
    found = audit(model("self.n += 1; return x * 2", init="self.n = 0"))
    assert found.sound, found.problems


LARGE = "[torch.rand(256, 256)]"
NORMAL = "[torch.randn(8, 64)]"
SLOPE = {"init": "self.s = s", "parameters": "s: float", "given": "[0.01]"}
EPS = {"init": "self.e = eps"}
BOUNDS = {"init": "self.a, self.b = a, b", "parameters": "a, b", "given": "[-2.0, 2.0]"}
FLAG = {"init": "self.f = flag", "parameters": "flag=True"}


@pytest.mark.parametrize(
    ("task", "unseen"),
    [
        (model("return F.leaky_relu(x, self.s)", NORMAL, **SLOPE), {}),
        (model("return F.layer_norm(x, (64,), eps=self.e)", **EPS, parameters="eps=1e-5"), {}),
        (
            model("return F.normalize(x, dim=1, eps=self.e)", **EPS, parameters="eps=1e-12"),
            {"eps": (1.5e-12, 5e-13)},
        ),
        (model("return torch.clamp(x, self.a, self.b)", NORMAL, **BOUNDS), {}),
        (
            model("return torch.sigmoid(torch.clamp(x, max=self.b))", NORMAL, init="self.b = b", parameters="b=50.0"),
            {"b": (75.0, 25.0)},
        ),
        (model("return x * 2 + self.s", init="self.s = s", parameters="s=0.0"), {}),
        (model("return x * (2 if self.f else 3)", **FLAG), {}),
        (model("return x * 2", **FLAG), {"flag": (False,)}),
        (model("return self.l(x)", init="self.l = nn.Linear(64, 4, bias=bias)", parameters="bias=True"), {}),
        (model("return self.l(x)", init="self.l = nn.Linear(64, n)", parameters="n", given="[4]"), None),
    ],
)
def test_a_parameter_whose_absence_no_input_shows_is_noted(
    audit: Audit, task: Task, unseen: dict[str, tuple[float, ...]] | None
) -> None:
    found = audit(task)
    assert found.sound, found.problems
    if unseen is None:
        assert found.scalars == [], "whole numbers are sizes"
        return
    assert found.scalars
    assert {one.name: one.unseen for one in found.scalars if one.unseen} == unseen
    assert [one for one in found.notes if "may be left out unseen" in one] == [
        f"no inputs that are drawn show whether {one.name} is {one.value:g} or {other:g}: it may be left out unseen"
        for one in found.scalars
        for other in one.unseen
    ]


def test_an_output_that_repeats_itself_along_a_dimension_is_noted(audit: Audit) -> None:
    found = audit(model("return x.sum(1, keepdim=True).expand(8, 32)"))
    assert found.sound, found.problems
    assert "output 0 does not change along its dimension 1" in found.notes


def test_a_call_that_is_too_short_to_be_timed_is_noted(audit: Audit) -> None:
    short, long = audit(model("return x * 2", "[torch.rand(2, 2)]")), audit(model("return (x @ x).sin()", LARGE))
    assert short.sound
    assert any("overhead_dominated" in one for one in short.notes)
    assert not any("overhead_dominated" in one for one in long.notes)


@pytest.mark.parametrize(
    ("size", "call_s", "words"),
    [(1 << 20, 1e-3, []), (1 << 20, 99e-6, ["99 microseconds"]), (1 << 28, 1.0, []), (3 << 28, 1.0, ["768 MiB"])],
)
def test_what_is_noted_of_sizes(size: int, call_s: float, words: list[str]) -> None:
    found = list(of_sizes(size, call_s))
    assert len(found) == len(words)
    assert all(word in note for word, note in zip(words, found, strict=True))


def test_half_precision_is_measured_and_no_fault(audit: Audit) -> None:
    found = audit(HEALTHY["matmul"])
    assert 1e-4 < found.half_error < 1e-2
    assert "ours" not in found.half_passes
    assert "1e-4" not in found.half_passes


def test_an_answer_that_is_too_large_is_the_tasks_fault(audit: Audit) -> None:
    with pytest.raises(Judged, match="MiB of tensors") as error:
        audit(model("return x.sum() + torch.zeros(300, 1 << 20)"))
    assert error.value.verdict is Verdict.invalid_task


def test_distributions_that_a_task_leaves_out_are_not_drawn(audit: Audit) -> None:
    roots = model("return torch.sqrt(x)")
    assert audit(roots).distributions == ["declared"]
    found = audit(replace(roots, distributions=("lognormal",)))
    assert found.distributions == ["lognormal"]
    assert found.sound, found.problems
    flat = audit(replace(model("return torch.clamp(x, min=0)"), distributions=("lognormal", "normal")))
    assert {(one.null, one.inputs) for one in flat.degenerate} == set()


def test_the_document_says_what_was_found(audit: Audit) -> None:
    told = of_audit(audit(model("return F.leaky_relu(x, self.s)", init="self.s = s", parameters="s=0.01")))
    assert told["verdict"] == "invalid_task"
    assert {"null": "an input passed through", "tolerance": "exact", "inputs": "declared", "weights": "own"} in told[
        "degenerate"
    ]
    assert told["scalars"] == [], "an invalid task is not asked for more"
    assert told["bfloat16"]["passes"] == ["1e-2"]
    assert 0.9 < told["largest"] <= 1
