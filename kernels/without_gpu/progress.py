"""What the lanes without a GPU are handed by the broker, and how they start a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kernels.bench import CandidateSide, Judged
from kernels.candidate import Candidate
from kernels.correctness import Correctness
from kernels.findings import Finding
from kernels.hosting import Ended, Place, Role, Worker
from kernels.task import Task
from kernels.task_audit import TaskAudit
from kernels.verdicts import Stage, Verdict


class Progress(Protocol):
    """What a verification fills in as it goes: the broker's report."""

    task: Task
    candidate: Candidate
    stage: Stage
    audit: TaskAudit | None
    correctness: Correctness | None
    checks: list[str]
    findings: list[Finding]
    isolation: str


Told = Callable[[Stage], None]
Probe = Callable[[CandidateSide], None]


def start(place: Place, role: Role) -> Worker:
    """A worker of this lane. Judged, SandboxError."""
    try:
        return Worker(place, role)
    except Ended as end:
        raise Judged(Verdict.infra_error, Stage.load, f"the worker ({role}) does not start: {end.text}") from None
