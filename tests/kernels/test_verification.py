"""From the task's audit to the verdict, with real workers in real boxes. The corpus has more cases; here are those that
show that each stage is there, and what happens when workers fail."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kernels.auditing import CHECKS
from kernels.broker import Broker
from kernels.candidate import Candidate
from kernels.cases import Case, read_cases
from kernels.hosting import Place
from kernels.task import Task
from kernels.verdicts import PASSED, Stage, Verdict, Wrong
from sandboxes import SandboxUnavailable

pytestmark = pytest.mark.xdist_group("kernels")
CASES: Mapping[str, Case] = {one.name: one for one in read_cases()}


def task(body: str, *, name: str = "own") -> Task:
    source = f"import torch\nimport torch.nn as nn\n{body}\n"
    return Task(name, source.encode())


def model(forward: str, inputs: str, *, init: str = "", head: str = "") -> Task:
    return task(
        f"{head}\nclass Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n{init}"
        f"    def forward(self, x):\n        {forward}\n"
        f"def get_inputs():\n    return {inputs}\ndef get_init_inputs():\n    return []"
    )


@pytest.mark.parametrize("name", ["linear_tanh/fused", "softmax/by_hand"])
def test_an_honest_candidate_passes(broker: Broker, name: str) -> None:
    report = broker.verify(CASES[name].task, CASES[name].candidate, quick=True)
    assert report.verdict in PASSED, report
    assert report.isolation == "bubblewrap"
    assert report.correctness is not None
    assert report.correctness.passed == report.correctness.cells >= 20
    assert report.correctness.error < 1e-4
    assert report.checks == [check.__name__ for check in CHECKS]
    assert report.timing is not None
    assert report.timing.checked >= 12


@pytest.mark.parametrize(
    ("name", "verdict", "stage", "wrong"),
    [
        ("linear_tanh/no_class", Verdict.parse_error, Stage.parse, None),
        ("linear_tanh/derived", Verdict.load_error, Stage.load, None),
        ("linear_tanh/early_exit", Verdict.launch_error, Stage.launch, None),
        ("linear_tanh/forged_message", Verdict.protocol_error, Stage.launch, None),
        ("linear_tanh/brain_float", Verdict.incorrect, Stage.correct, Wrong.numerical),
        ("linear_tanh/one_row", Verdict.incorrect, Stage.correct, Wrong.shape),
        ("linear_tanh/stale_memory", Verdict.incorrect, Stage.correct, Wrong.nonfinite),
        ("linear_tanh/one_buffer", Verdict.incorrect, Stage.audit, Wrong.buffer_reuse),
        ("linear_tanh/object_cache", Verdict.incorrect, Stage.audit, Wrong.stale),
        ("linear_tanh/written_over_input", Verdict.incorrect, Stage.audit, Wrong.mutates_input),
        ("linear_tanh/patched_clock", Verdict.reward_hack, Stage.audit, None),
        ("linear_tanh/patched_method", Verdict.reward_hack, Stage.audit, None),
        ("linear_tanh/first_calls_only", Verdict.incorrect, Stage.time, Wrong.stale),
        ("batch_norm/no_running_statistics", Verdict.incorrect, Stage.audit, Wrong.mutates_state),
    ],
)
def test_each_stage_catches_what_is_its(
    broker: Broker, name: str, verdict: Verdict, stage: Stage, wrong: Wrong | None
) -> None:
    report = broker.verify(CASES[name].task, CASES[name].candidate, quick=True)
    assert (report.verdict, report.stage, report.wrong) == (verdict, stage, wrong), report.reasons
    assert report.reasons


def test_a_machine_that_gives_no_box_says_nothing_about_the_candidate(place: Place) -> None:
    class Nowhere:
        name = "nowhere"

        def create(self, *_: object, **__: object) -> object:
            raise SandboxUnavailable("no box can be made", "on purpose")

    case = CASES["linear_tanh/fused"]
    with Broker(replace(place, backend=Nowhere())) as broker:  # type: ignore[arg-type]  # it makes no box at all
        report = broker.verify(case.task, case.candidate, quick=True)
        assert (report.verdict, report.correctness) == (Verdict.infra_error, None)
        gpu = Candidate("k.py", b"import cupy\nclass ModelNew: ...")
        report = broker.verify(case.task, gpu, quick=True)
    assert (report.verdict, report.line) == (Verdict.needs_gpu, 1), "it is read before any box is asked for"


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (model("return torch.relu(x)", "[torch.rand(64, 64)]"), "an input passed through is right"),
        (model("return torch.nn.functional.hardtanh(x)", "[torch.rand(64, 64)]"), "an input passed through is right"),
        (model("return torch.clamp(x, max=-9) + 9", "[torch.rand(64, 64)]"), "an output of zeros is right"),
        (model("return torch.softmax(x, 1).sum(1)", "[torch.rand(64, 64)]"), "is right"),
        (model("return torch.dropout(x, 0.5, True)", "[torch.randn(64, 64)]"), "hidden state or chance"),
        (
            model("self.n += 1; return x + self.n", "[torch.randn(64, 64)]", init="        self.n = 0\n"),
            "hidden state or chance",
        ),
        (model("return torch.log(-1 - x * x)", "[torch.randn(64, 64)]"), "not finite"),
        (model("return torch.zeros(3).nosuch()", "[torch.randn(4)]"), "the reference fails"),
        (model("return x", "[torch.randn(4)]", head="raise ValueError('broken')"), "broken"),
        (model("return 'text'", "[torch.randn(4)]"), "no tensor"),
    ],
)
def test_a_task_that_is_not_worth_grading(broker: Broker, broken: Task, problem: str) -> None:
    audit = broker.audit(broken)
    assert not audit.sound
    assert any(problem in one for one in audit.problems), audit


@pytest.mark.parametrize(
    ("name", "own_error"), [("linear_tanh", 1e-5), ("momentum_step", 1e-5), ("top_of_rows", 1e-5), ("rms_brain", 1e-2)]
)
def test_our_own_tasks_are_sound(broker: Broker, name: str, own_error: float) -> None:
    """Four that differ; of the others the corpus shows it, whose honest candidates would get invalid_task."""
    found = next(one.task for one in CASES.values() if one.task.name == name)
    audit = broker.audit(found)
    assert audit.sound, audit
    assert audit.precise
    assert audit.native_error < own_error


def test_a_broken_task_is_no_verdict_on_the_candidate(broker: Broker) -> None:
    degenerate = model("return torch.relu(x)", "[torch.rand(64, 64)]")
    candidate = Candidate("c.py", b"class ModelNew: ...")
    report = broker.verify(degenerate, candidate, quick=True)
    assert report.verdict is Verdict.invalid_task
    assert "passed through" in report.reasons[0]


def test_layouts_and_shapes_that_a_task_declares_are_tried(broker: Broker) -> None:
    own = replace(
        model("return x * 2 + 1", "[torch.randn(16, 8)]"),
        shapes=(((1, 8),), ((7, 3),)),
        layouts=("contiguous", "offset", "transposed"),
    )
    flat = (
        b"import torch\nclass ModelNew(torch.nn.Module):\n  def forward(self, x):\n"
        b"    return torch.as_strided(x, x.shape, (x.shape[1], 1)) * 2 + 1\n"
    )
    report = broker.verify(own, Candidate("c.py", flat), quick=True)
    assert report.verdict is Verdict.incorrect, report
    assert "transposed" in report.reasons[0]


def test_nothing_is_left_of_it(place: Place) -> None:
    case = CASES["linear_tanh/early_exit"]
    with Broker(place) as broker:
        broker.verify(case.task, case.candidate, quick=True)
    assert list(place.backend.reap(lambda: ())) == []


def test_a_worker_zip_in_the_box_is_no_way_to_the_next_candidate(broker: Broker) -> None:
    """A candidate that overwrites the loader has done so in its own box."""
    case = CASES["linear_tanh/fused"]
    spoiling = case.candidate.source + b"\nopen('worker.zip', 'wb').write(b'')\n"
    assert broker.verify(case.task, Candidate("c.py", spoiling), quick=True).verdict in PASSED
    assert broker.verify(case.task, case.candidate, quick=True).verdict in PASSED
