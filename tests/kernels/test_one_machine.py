"""Baseline and candidate of a verification are on one machine, or nothing is timed."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from kernels import timing
from kernels.broker import Broker
from kernels.cases import read_cases
from kernels.hosting import Place
from kernels.verdicts import PASSED, Stage, Verdict
from sandboxes.contract import NO_NAMES, Backend, Box, SandboxError, SandboxSpec
from sandboxes.machine import this_machine

pytestmark = pytest.mark.xdist_group("kernels")
CASE = next(one for one in read_cases() if one.name == "linear_tanh/fused")


@dataclass
class Cluster:
    """Boxes of the backend it stands before. `nodes`: what their machines are called in turn; None: what they are."""

    backend: Backend
    nodes: list[str] | None = None
    specs: list[SandboxSpec] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.backend.name

    def create(self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = NO_NAMES) -> Box:
        self.specs.append(spec)
        box = self.backend.create(spec, name=name, labels=labels)
        if self.nodes:
            box._machine = self.nodes[len(self.specs) % len(self.nodes)]  # type: ignore[attr-defined]
        return box

    def attach(self, name: str) -> Box | None:
        return self.backend.attach(name)

    def reap(self, keep: Callable[[], Container[str]]) -> Sequence[str]:
        return self.backend.reap(keep)

    def enforcement(self) -> Mapping[str, str]:
        return self.backend.enforcement()


def test_all_boxes_of_a_broker_are_wanted_together_and_those_of_two_are_not(place: Place) -> None:
    words: list[set[str | None]] = []
    for _ in range(2):
        cluster = Cluster(place.backend)
        stages: list[tuple[Stage, str]] = []
        with Broker(replace(place, backend=cluster)) as broker:
            told = lambda stage, broker=broker, stages=stages: stages.append((stage, broker.machine))  # noqa: E731
            report = broker.verify(CASE.task, CASE.candidate, quick=True, told=told)
        assert report.verdict in PASSED, report
        assert len(cluster.specs) >= 3, "a reference's, a candidate's, a baseline's"
        assert (Stage.time, this_machine()) in stages
        words.append({one.together for one in cluster.specs})
    assert [len(one) for one in words] == [1, 1]
    assert None not in words[0] | words[1]
    assert words[0].isdisjoint(words[1])


def test_boxes_that_came_to_two_machines_all_the_same_are_a_fault_of_the_machine_and_no_speed(place: Place) -> None:
    with Broker(replace(place, backend=Cluster(place.backend, ["node-1", "node-2"]))) as broker:
        report = broker.verify(CASE.task, CASE.candidate, quick=True)
    assert report.verdict is Verdict.infra_error
    assert report.timing is None
    assert "its box is on node-" in report.reasons[-1]


def test_nothing_is_asked_of_workers_on_two_machines() -> None:
    _cannot_be_timed(("node-1", ""), ("node-2", ""), "on node-2 and the baseline's on node-1")


def test_nothing_is_asked_of_workers_on_two_devices_of_a_machine() -> None:
    _cannot_be_timed(("node", "GPU-1"), ("node", "GPU-2"), "on node, GPU-2 and the baseline's on node, GPU-1")


def _cannot_be_timed(one: tuple[str, str], other: tuple[str, str], why: str) -> None:
    there, here = (
        SimpleNamespace(worker=SimpleNamespace(machine=name, device=device), stage=None)
        for name, device in (one, other)
    )
    nobody: Any = None
    baseline: Any = SimpleNamespace(side=there)
    candidate: Any = here
    with pytest.raises(SandboxError, match=why):
        timing.measure(nobody, baseline, candidate, "declared", timing.Size(4, 1), "time")
