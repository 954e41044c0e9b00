"""The last word on the loop's winners: what a machine that fails at one of them lets be said."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NoReturn

import pytest

from agent.optimising import Outcome, Try
from agent.optimising.contract import End
from kernels.broker import Broker, Report
from kernels.candidate import Candidate
from kernels.hosting import Place
from kernels.task import Task, make_task
from kernels.verdicts import Verdict
from sandboxes.contract import Box, BoxLost, SandboxSpec, SandboxUnavailable
from tests.agent.optimising.verdicts import feedback
from tests.workers.kernel_ground import REFERENCE
from tests.workers.test_optimising_told import report
from workers.optimising import Lane, settle

TASK = make_task("rows", REFERENCE.encode(), {})


class NoMachine:
    """A backend on a host that can make no boxes."""

    name = "none"

    def create(self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = {}) -> Box:
        raise SandboxUnavailable("no box", "the machine is full")

    def attach(self, name: str) -> NoReturn:
        raise AssertionError(name)

    def reap(self, keep: object) -> list[str]:
        return []

    def enforcement(self) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True)
class Known(Lane):
    """Verifications whose outcome stands in the candidate: `# faster 2.0`. `asked`: whose were made, in order."""

    asked: list[str] = field(default_factory=list)

    def verified(self, broker: Broker, task: Task, candidate: Candidate, *, quick: bool) -> Report:
        assert not quick
        verdict, *ratio = candidate.source.decode().rpartition("# ")[2].split()
        self.asked.append(verdict)
        return report(Verdict(verdict), float(ratio[0]) if ratio else 1.0)


def lane(folder: Path) -> Known:
    return Known(Place(NoMachine(), PurePosixPath("/none/python")), folder, threading.Event().wait)


def outcome(*sources: str) -> Outcome:
    """Turns that each were faster at a glance, the first the most."""
    tries = [
        Try(number, 1, "fuse", source, feedback("faster", 9.0 - number)) for number, source in enumerate(sources, 1)
    ]
    return Outcome(tuple(tries), None, End.turns, "all turns were taken")


def present(said: str) -> Candidate:
    return Candidate("rows.py", f"class ModelNew: ...  # {said}".encode())


def test_the_second_winner_is_tried_where_the_first_is_no_gain(tmp_path: Path) -> None:
    here = lane(tmp_path)
    settled = settle(here, TASK, present("equal 1.0"), outcome("a # slower 0.5", "b # faster 2.0"), "again")
    assert (settled.gain, settled.turn, here.asked) == (True, 2, ["equal", "slower", "faster"])


def test_a_present_candidate_that_could_not_be_verified_is_not_beaten(tmp_path: Path) -> None:
    here = lane(tmp_path)
    with pytest.raises(BoxLost, match="the present candidate could not be verified in full"):
        settle(here, TASK, present("infra_error"), outcome("a # faster 2.0"), "again")
    assert here.asked == ["infra_error"]


def test_a_winner_that_could_not_be_verified_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(BoxLost, match="the candidate of turn 1 could not be verified in full"):
        settle(lane(tmp_path), TASK, None, outcome("a # infra_error", "b # slower 0.5"), "again")


def test_a_real_machine_without_boxes_says_so(tmp_path: Path) -> None:
    nowhere = lane(tmp_path)
    real = Lane(nowhere.place, nowhere.folder, nowhere.pause)
    with pytest.raises(BoxLost, match=r"turn 1 could not be verified in full: .*the machine is full"):
        settle(real, TASK, None, outcome("class ModelNew: ..."), "again")
