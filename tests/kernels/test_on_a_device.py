"""A verification on a device beside the processor. The device is simulated (tests/kernels/simulated): what a GPU does
with a kernel is not shown here, but everything that our workers and the broker have to do about a device is."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from kernels.bench import Judged
from kernels.borrowing import Borrowed
from kernels.broker import Broker, Report
from kernels.candidate import Candidate
from kernels.devices import Device
from kernels.hosting import Place, Worker
from kernels.report import of_report
from kernels.task import Task
from kernels.verdicts import Stage, Verdict, Wrong
from sandboxes import Backend, Box, SandboxSpec
from tests.kernels.places import simulated_device, with_a_device

pytestmark = pytest.mark.xdist_group("kernels on a device")

UUID = "GPU-00000000-0000-0000-0000-000000000001"
SOURCE = b"""
import torch

class Model(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.linear = torch.nn.Linear(n, n)

    def forward(self, x):
        return torch.tanh(self.linear(torch.ops.sim.spin(x, 4000)))

def get_inputs():
    return [torch.randn(32, 64)]

def get_init_inputs():
    return [64]
"""
TASK = Task("on a device", SOURCE, device="cuda")
SAME = SOURCE.replace(b"class Model(", b"class ModelNew(")
FASTER = SAME.replace(b"spin(x, 4000)", b"spin(x, 1000)")


@dataclass
class Kept:
    """Keeps account in memory."""

    refused: str | None = None
    is_qualified: bool = True
    taken: list[str] = field(default_factory=list)
    given_back: int = 0
    quarantined: list[str] = field(default_factory=list)

    def take(self, device: Device) -> str | None:
        self.taken.append(device.uuid)
        return self.refused

    def give_back(self) -> None:
        self.given_back += 1

    def quarantine(self, device: Device, why: str) -> None:
        self.quarantined.append(why)

    def qualified(self, device: Device) -> bool:
        return self.is_qualified


@pytest.fixture
def keeper() -> Kept:
    return Kept()


Verify = Callable[..., Report]


@pytest.fixture
def verify(beside: Place, keeper: Kept) -> Iterator[Verify]:
    with Broker(beside, keeper=keeper) as broker:

        def verified(source: bytes, task: Task = TASK) -> Report:
            return broker.verify(task, Candidate("candidate.py", source), quick=True)

        yield verified


def test_the_device_is_looked_at_by_a_worker_of_ours(beside: Place) -> None:
    with Worker(beside, "checking_device") as worker:
        found, _ = worker.ask("check", {}, timeout=120)
    assert (found["uuid"], found["name"], found["problems"]) == (UUID, "simulated device", [])
    assert found["software"].startswith("torch ")


def test_every_worker_says_on_which_device_it_computes(beside: Place, place: Place) -> None:
    with Worker(beside, "reference") as reference, Worker(beside, "candidate") as candidate:
        assert (reference.device, candidate.device) == (UUID, UUID)
    with Worker(place, "candidate") as on_the_processor:
        assert on_the_processor.device == ""


def test_what_a_device_takes_is_what_is_timed(verify: Verify, keeper: Kept) -> None:
    """Its work goes on after the call has returned: who does not wait for it measures the call alone."""
    found = verify(FASTER)
    assert found.verdict in (Verdict.faster, Verdict.ambiguous), found.reasons  # the latter on a busy machine
    timing = found.timing
    assert timing is not None
    assert timing.found.low > 1.5
    assert timing.baseline_s > 4e-3
    assert 1e-3 < timing.candidate_s < 4e-3
    assert timing.baseline == "eager"
    assert (keeper.taken, keeper.quarantined) == ([UUID], [])
    told = of_report(found, "again")
    assert told["device"] == "sim"
    assert told["hardware"]["uuid"] == UUID


def test_the_same_program_is_not_faster(verify: Verify) -> None:
    found = verify(SAME)
    assert found.passed, found.reasons
    assert found.verdict is not Verdict.faster, found.reasons


def test_work_after_the_answer_is_in_the_time(verify: Verify) -> None:
    """As on a stream of its own: the answer is there and the device works on."""
    late = SAME.replace(
        b"return torch.tanh(self.linear(torch.ops.sim.spin(x, 4000)))",
        b"found = torch.tanh(self.linear(x))\n        torch.ops.sim.spin(x, 4000)\n        return found",
    )
    found = verify(late)
    assert found.passed, found.reasons
    assert found.verdict is not Verdict.faster, found.reasons
    assert found.timing is not None
    assert found.timing.candidate_s > 4e-3


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ((b"torch.tanh(self", b"torch.sigmoid(self"), Wrong.numerical),
        ((b"4000)))", b"4000))).cpu()"), Wrong.structure),
        ((b"4000)))", b"4000))).double()"), Wrong.dtype),
    ],
)
def test_a_wrong_answer_is_one_on_a_device_too(verify: Verify, change: tuple[bytes, bytes], wrong: Wrong) -> None:
    found = verify(SAME.replace(*change))
    assert (found.verdict, found.wrong) == (Verdict.incorrect, wrong), found.reasons


def test_an_answer_from_before_is_found(verify: Verify) -> None:
    kept = SAME.replace(
        b"        return torch.tanh",
        b"        self.n = getattr(self, 'n', 0) + 1\n"
        b"        if self.n > 40:\n            return self.kept\n        self.kept = torch.tanh",
    ).replace(b"4000)))", b"4000)))\n        return self.kept")
    found = verify(kept)
    assert found.verdict is Verdict.incorrect, found.reasons


def test_gradients_are_held_against_the_references(verify: Verify) -> None:
    plain = SOURCE.replace(b"torch.ops.sim.spin(x, 4000)", b"x")
    task = Task("gradients", plain, device="cuda", backward=True)
    own = plain.replace(b"class Model(", b"class ModelNew(")
    found = verify(own, task)
    assert found.gradients is not None
    assert found.gradients.compared > 0
    assert found.passed, "torch computes gradients on a device with a thread of its own, which is nobody's"
    cut = own.replace(b"self.linear(x)", b"self.linear(x.detach())")
    lost = verify(cut, task)
    assert (lost.verdict, lost.wrong) == (Verdict.incorrect, Wrong.gradient), lost.reasons


def test_an_error_on_the_device_is_the_candidates_and_the_device_is_looked_at(verify: Verify, keeper: Kept) -> None:
    """It is told when the device is waited for, not by the call."""
    found = verify(SAME.replace(b"spin(x, 4000)", b"fault(x)"))
    assert (found.verdict, found.stage) == (Verdict.launch_error, Stage.launch)
    assert "illegal memory access" in found.reasons[0]
    assert keeper.quarantined == []
    assert verify(FASTER).passed, "the next one has a process of its own"


def test_a_device_that_was_never_qualified_has_a_person_look(verify: Verify, keeper: Kept) -> None:
    keeper.is_qualified = False
    found = verify(FASTER)
    assert found.verdict is Verdict.needs_review
    assert "device_not_qualified" in [one.rule for one in found.findings]
    assert found.timing is not None, "the numbers are told all the same"


def test_nothing_is_run_on_a_device_that_is_refused(verify: Verify, keeper: Kept) -> None:
    keeper.refused = "it is quarantined since noon"
    found = verify(FASTER)
    assert found.verdict is Verdict.infra_error
    assert found.reasons == [f"the device simulated device ({UUID}): it is quarantined since noon"]
    assert keeper.given_back > 0
    keeper.refused = None
    assert verify(FASTER).passed


@pytest.fixture
def failing(tmp_path: Path) -> tuple[Place, Callable[[], None]]:
    """A place of the same kind, and what makes its device fail for processes that start from then on."""
    own = tmp_path / "device"
    shutil.copytree(simulated_device(), own, symlinks=True)
    package = next(own.glob("lib/*/site-packages/simulated_device"))
    return with_a_device(own, tmp_path / "boxes"), lambda: (package / "sick").touch()


def test_nothing_is_run_on_a_device_that_is_not_well(failing: tuple[Place, Callable[[], None]], keeper: Kept) -> None:
    place, fail = failing
    fail()
    with Broker(place, keeper=keeper) as broker:
        found = broker.verify(TASK, Candidate("candidate.py", FASTER), quick=True)
    assert found.verdict is Verdict.infra_error
    assert "multiplies matrices of small whole numbers wrongly" in found.reasons[0]
    assert "its memory does not keep what is written to it" in found.reasons[0]
    assert len(keeper.quarantined) == 1


class Counting:
    """A backend's boxes, counted as they come and go."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.seen: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def create(self, spec: SandboxSpec, name: str) -> Box:
        box = self._backend.create(spec, name=name)
        self.seen.append(f"+{name}")
        close = box.close

        def closed() -> None:
            self.seen.append(f"-{name}")
            close()

        box.close = closed  # type: ignore[method-assign]
        return box


def test_a_device_is_held_longer_than_a_box_lives(beside: Place, keeper: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Counting(beside.backend)
    borrowed = Borrowed(replace(beside, backend=cast(Backend, backend)), keeper)
    with borrowed.looked_after():
        assert len(backend.seen) == 1
    with monkeypatch.context() as later:
        later.setattr(Worker, "worn", True)
        with borrowed.looked_after():
            first, second, gone = backend.seen
    assert (first[0], second[0], gone) == ("+", "+", f"-{first[1:]}"), "the next is there before the last is gone"
    with borrowed.looked_after():
        assert len(backend.seen) == 3
    borrowed.close()
    assert backend.seen[3:] == [f"-{second[1:]}"]
    assert (keeper.taken, keeper.given_back) == ([UUID], 1), "meanwhile nobody else could have it"


def test_another_device_than_the_one_that_is_held_is_no_sign_of_health(
    beside: Place, keeper: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    borrowed = Borrowed(beside, keeper)
    monkeypatch.setattr(borrowed, "device", replace(borrowed.device, uuid="GPU-another"))
    with pytest.raises(Judged, match=f"has {UUID}: it cannot be looked at") as end, borrowed.looked_after():
        raise Judged(Verdict.launch_error, Stage.correct, "it broke")
    borrowed.close()
    assert (end.value.verdict, keeper.quarantined) == (Verdict.infra_error, [])


def test_a_device_that_fails_meanwhile_costs_the_candidate_nothing(
    failing: tuple[Place, Callable[[], None]], keeper: Kept
) -> None:
    place, fail = failing

    def told(stage: Stage) -> None:
        if stage is Stage.load:
            fail()

    with Broker(place, keeper=keeper) as broker:
        broken = Candidate("candidate.py", SAME.replace(b"spin(x, 4000)", b"fault(x)"))
        found = broker.verify(TASK, broken, quick=True, told=told)
    assert found.verdict is Verdict.infra_error
    assert "Nothing is run on it any more until a person has looked at it" in found.reasons[0]
    assert len(keeper.quarantined) == 1
    assert keeper.given_back == 1
