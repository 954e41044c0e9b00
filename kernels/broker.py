"""One verification from the task's audit to the verdict. Nothing of the task or the candidate is executed here, and
nothing a worker says is a verdict: the broker owns the seeds, what is right, the comparison and the clock of record.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from kernels import auditing, timing
from kernels.bench import CandidateSide, Judged, ReferenceSide, start, start_candidate
from kernels.candidate import Candidate, Refused, needs_gpu, parse, static_findings
from kernels.cells import FULL, QUICK, Cell, cells
from kernels.correctness import Correctness, correct
from kernels.findings import Finding, Tier, of_probe
from kernels.hosting import Place
from kernels.messages import ProtocolError
from kernels.statistics import Speed
from kernels.task import Task
from kernels.task_audit import TaskAudit, audit_task
from kernels.verdicts import PASSED, Stage, Verdict, Wrong
from sandboxes.contract import SandboxError

_CONFIRM_CELLS = 6


@dataclass(slots=True)
class Report:
    """What came out. `reasons`: one sentence each. `isolation`: what really surrounded the candidate."""

    task: Task
    candidate: Candidate
    verdict: Verdict = Verdict.infra_error
    stage: Stage = Stage.parse
    reasons: list[str] = field(default_factory=list)
    wrong: Wrong | None = None
    line: int | None = None
    audit: TaskAudit | None = None
    correctness: Correctness | None = None
    checks: list[str] = field(default_factory=list)
    timing: timing.Timing | None = None
    findings: list[Finding] = field(default_factory=list)
    isolation: str = ""

    @property
    def passed(self) -> bool:
        return self.verdict in PASSED


Told = Callable[[Stage], None]


def verify(task: Task, candidate: Candidate, place: Place, *, quick: bool, told: Told = lambda _: None) -> Report:
    """The verdict on a candidate, on the CPU. Never raises for what a task, a candidate or a box does."""
    report = Report(task, candidate)
    try:
        _verify(report, place, quick=quick, told=told)
    except Judged as end:
        report.verdict, report.stage, report.wrong, report.line = end.verdict, end.stage, end.wrong, end.line
        report.reasons.append(end.reason)
    except SandboxError as error:
        report.verdict = Verdict.infra_error
        report.reasons.append(f"a box failed: {error}")
    return report


def audit(task: Task, place: Place) -> TaskAudit:
    """The audit of a task alone. Judged when its reference fails, SandboxError."""
    reference = start(place, task)
    with reference.worker:
        reference.load()
        reference.draw_state("task")
        return audit_task(reference)


def _verify(report: Report, place: Place, *, quick: bool, told: Told) -> None:
    told(Stage.parse)
    gpu = _static(report)
    if gpu is not None or report.task.device == "cuda":
        why = f"{gpu[0]} (line {gpu[1]})" if gpu else "the task names the device cuda"
        raise Judged(
            Verdict.needs_gpu,
            Stage.policy_static,
            f"{why}: it was read and not run. A machine with a GPU is needed, and its lane is not built yet",
            line=gpu[1] if gpu else None,
        )
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        # Importing torch is most of what a worker's start takes: both at once.
        coming: Future[CandidateSide] = threads.submit(start_candidate, place, report.candidate)
        stack.callback(_close_when_there, coming)
        reference = stack.enter_context(_worker_of(start(place, report.task)))
        init = reference.side.load()
        reference.side.draw_state("task")
        report.audit = audit_task(reference.side)
        if not report.audit.sound:
            raise Judged(Verdict.invalid_task, Stage.parse, "; ".join(report.audit.problems))
        candidate = coming.result()
        report.isolation = candidate.worker.isolation
        told(Stage.load)
        candidate.load(init, train=report.task.train)
        told(Stage.correct)
        report.stage = Stage.correct
        report.correctness = correct(reference.side, candidate, _cells(report.task, quick=quick), "correct")
        told(Stage.audit)
        report.stage = Stage.audit
        distribution = report.audit.distributions[0]
        report.checks = auditing.audit(reference.side, candidate, distribution, "audit")
        _probe(report, candidate)
        told(Stage.time)
        report.stage = Stage.time
        report.timing = _timed(reference.side, candidate, distribution, "time")
        _probe(report, candidate)
        candidate.worker.close()
        if report.timing.speed is Speed.faster:
            told(Stage.confirm)
            report.stage = Stage.confirm
            report.timing = _confirmed(report, place, reference.side, distribution)
    _conclude(report, report.timing)


def _static(report: Report) -> tuple[str, int] | None:
    """What the candidate needs a GPU for. Judged when it cannot be read as a candidate."""
    try:
        tree = parse(report.candidate)
    except Refused as error:
        raise Judged(Verdict.parse_error, Stage.parse, error.text, line=error.line) from None
    report.findings += static_findings(tree)
    return needs_gpu(tree)


def _cells(task: Task, *, quick: bool) -> tuple[Cell, ...]:
    return cells(QUICK if quick else FULL, task.shapes, task.layouts, task.distributions)


def _probe(report: Report, candidate: CandidateSide) -> None:
    """Adds what the candidate's process shows. Judged for proof."""
    seen = candidate.probe()
    try:
        found = [one for one in of_probe(seen) if one not in report.findings]
    except ProtocolError as error:
        raise Judged(Verdict.protocol_error, candidate.stage, str(error)) from None
    report.findings += found
    for one in found:
        if one.tier is Tier.hard:
            raise Judged(Verdict.reward_hack, candidate.stage, one.evidence, line=one.line)


def _timed(reference: ReferenceSide, candidate: CandidateSide, distribution: str, phase: str) -> timing.Timing:
    candidate.stage = Stage.time
    candidate.set_state(reference.draw_state(phase), "load")
    inputs = reference.draw(Cell(0, distribution), phase)
    size = sum(leaf.tensor.spec.bytes for leaf in reference.expect(inputs).native.leaves)
    return timing.measure(reference, candidate, distribution, size, phase)


def _confirmed(report: Report, place: Place, reference: ReferenceSide, distribution: str) -> timing.Timing:
    """The same once more with a process that has seen nothing: this is the number that is told."""
    candidate = start_candidate(place, report.candidate)
    with candidate.worker:
        candidate.load(reference.load(), train=report.task.train)
        few = cells(_CONFIRM_CELLS, (), ("contiguous",), [distribution])
        correct(reference, candidate, few, "confirm")
        found = _timed(reference, candidate, distribution, "confirm time")
        _probe(report, candidate)
        return found


def _conclude(report: Report, timed: timing.Timing) -> None:
    report.verdict = Verdict(timed.speed.value)
    ratio = f"{timed.found.ratio:.3f} times the baseline's speed [{timed.found.low:.3f}, {timed.found.high:.3f}]"
    report.reasons.append(f"right in {report.correctness.passed if report.correctness else 0} cells; {ratio}")
    if not timed.clocks_checked:
        report.reasons.append("this machine is too busy to hold the two clocks against each other")
    if timed.overhead_dominated:
        report.reasons.append("the baseline takes under 0.1 ms: mostly what calling from Python costs is measured")
    looked = [one for one in report.findings if one.tier is Tier.support]
    if looked:
        report.verdict = Verdict.needs_review
        report.line = looked[0].line
        report.reasons += [f"a person should look: {one.evidence}" for one in looked]


@dataclass(frozen=True, slots=True)
class _Open:
    side: ReferenceSide

    def __enter__(self) -> _Open:
        return self

    def __exit__(self, *_: object) -> None:
        self.side.worker.close()


def _worker_of(side: ReferenceSide) -> _Open:
    return _Open(side)


def _close_when_there(coming: Future[CandidateSide]) -> None:
    try:
        coming.result().worker.close()
    except (Judged, SandboxError):
        return  # it never was there; whoever waited for it was told
