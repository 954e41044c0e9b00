"""One verification from the task's audit to the verdict. Nothing of the task or the candidate is executed here, and
nothing a worker says is a verdict: the broker owns the seeds, what is right, the comparison and the clock of record.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from kernels import ablation, auditing, compiling, gradients, own_work, timing
from kernels.bench import CandidateSide, Inputs, Judged, Patience, ReferenceSide, start, start_candidate
from kernels.borrowing import Borrowed
from kernels.candidate import Candidate, Refused, parse, static_findings
from kernels.cells import FULL, QUICK, Cell, cells
from kernels.correctness import Correctness, correct
from kernels.devices import Device, Keeper
from kernels.findings import Finding, Tier, of_probe
from kernels.hosting import MOST_BYTES, Ended, Place, Troubled, Worker
from kernels.messages import ProtocolError
from kernels.racing import Against, Baselines, agreed, confirmations, race
from kernels.seeds import new_secret
from kernels.statistics import Speed
from kernels.task import Task
from kernels.task_audit import TaskAudit, audit_task
from kernels.verdicts import PASSED, Stage, Verdict, Wrong
from kernels.without_gpu import Kind, Need, WithoutGpu, need
from kernels.without_gpu.interpreted import interpret
from kernels.without_gpu.lane import not_run
from sandboxes.contract import SandboxError

_CONFIRM_CELLS = 6
_NOT_QUALIFIED = Finding(
    "device_not_qualified",
    Tier.support,
    "our own corpus was not judged on this device with this code and this software: `forgehand kernel corpus --device "
    "cuda` does that, and shows whether a verdict here can be believed",
)
_REFERENCES = 3
_ANSWER_BYTES = 64 << 20


@dataclass(slots=True)
class Report:
    """What came out. `reasons`: one sentence each. `isolation`: what really surrounded the candidate.
    `seconds`: how long the verification took. `kind_of_device`: what it was run on, and `device` which one that was,
    where it is not the processor."""

    task: Task
    candidate: Candidate
    verdict: Verdict = Verdict.infra_error
    stage: Stage = Stage.parse
    reasons: list[str] = field(default_factory=list)
    wrong: Wrong | None = None
    line: int | None = None
    audit: TaskAudit | None = None
    compiled: compiling.Compiled | None = None
    correctness: Correctness | None = None
    gradients: gradients.Gradients | None = None
    checks: list[str] = field(default_factory=list)
    own_work: own_work.OwnWork | None = None
    launches: dict[str, int] | None = None
    timing: timing.Timing | None = None
    findings: list[Finding] = field(default_factory=list)
    isolation: str = ""
    seconds: float = 0.0
    without_gpu: WithoutGpu | None = None
    kind_of_device: str = "cpu"
    device: Device | None = None

    @property
    def passed(self) -> bool:
        return self.verdict in PASSED


Told = Callable[[Stage], None]
_log = logging.getLogger(__name__)
_BROKEN_OFF = (ProtocolError, Ended, Troubled, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
"""What odd answers of a worker may come to where nobody thought of them: no verdict, and no end of who verifies."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    reference: ReferenceSide
    init: Inputs
    audit: TaskAudit


class Broker:
    """Verifies candidates at one place. The reference workers of the last few tasks are kept for their next candidates,
    a candidate's never.

    `several`: more candidates will follow, so the next worker's box is made while one is at work: importing torch is
    most of what a small verification takes. `patience`: how long a candidate may take. `machine`: where the box of the
    last candidate is; empty before there was one. All boxes of one are on the same. `keeper`: of the devices, where the
    place has any.
    """

    def __init__(
        self, place: Place, *, several: bool = False, patience: Patience | None = None, keeper: Keeper | None = None
    ) -> None:
        self._place = replace(place, together=place.together or secrets.token_hex(8))
        self._several, self._patience = several, patience or Patience()
        self._keeper = keeper
        self._borrowed: Borrowed | None = None
        self.machine = ""
        self._references: dict[str, _Prepared] = {}
        self._threads = ThreadPoolExecutor(2)
        self._next: Future[Worker] | None = None
        self._baselines = Baselines(self._taken)
        self._compiler = compiling.CompileService(place)

    def verify(self, task: Task, candidate: Candidate, *, quick: bool, told: Told = lambda _: None) -> Report:
        """The verdict on a candidate. Never raises for what a task, a candidate or a box does."""
        report = Report(task, candidate, kind_of_device=self._place.device)
        began = time.monotonic()
        try:
            with self._on_its_device(report):
                self._verify(report, quick=quick, told=told)
        except Judged as end:
            report.verdict, report.stage, report.wrong, report.line = end.verdict, end.stage, end.wrong, end.line
            report.reasons.append(end.reason)
        except SandboxError as error:
            report.verdict = Verdict.infra_error
            report.reasons.append(f"a box failed: {error}")
        except _BROKEN_OFF as error:
            _log.exception("a verification broke off")
            report.verdict = Verdict.infra_error
            report.reasons.append(f"the verification broke off ({type(error).__name__}): {str(error)[:300]}")
        if report.verdict is Verdict.infra_error:
            self._forget(task)
        report.seconds = time.monotonic() - began
        return report

    def audit(self, task: Task) -> TaskAudit:
        """The audit of a task alone; a reference that fails is a problem of the task. SandboxError, and Judged for a
        fault of the machine."""
        try:
            self._borrow()
            return self._prepared(task).audit
        except Judged as end:
            if end.verdict is not Verdict.invalid_task:
                raise
            return TaskAudit(problems=[end.reason])

    def close(self) -> None:
        """Ends all workers."""
        self._baselines.close()
        for prepared in self._references.values():
            prepared.reference.worker.close()
        self._references.clear()
        if self._next is not None:
            try:
                self._next.result().close()
            except (Judged, SandboxError):
                self._next = None  # it never was there
        self._threads.shutdown()
        if self._borrowed is not None:
            self._borrowed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _verify(self, report: Report, *, quick: bool, told: Told) -> None:
        told(Stage.parse)
        needed = _static(report)
        # A CUDA source by itself is compiled and never run: nothing says how it is called.
        beside = self._place.device != "cpu" and not report.candidate.is_cuda
        missing = None if beside else needed
        if missing is not None:
            report.without_gpu = WithoutGpu(missing.kind)
        interpretable = missing is not None and missing.kind is Kind.triton
        if not beside and not interpretable and (missing is not None or report.task.device == "cuda"):
            not_run(self._place, report, report.without_gpu, missing)
        if missing is None:
            self._expect_another()
        prepared = self._prepared(report.task)
        # A secret of its own for each verification: what one candidate was asked, no other is.
        reference = replace(prepared.reference, secret=new_secret())
        report.audit = prepared.audit
        if not report.audit.sound:
            raise Judged(Verdict.invalid_task, Stage.parse, "; ".join(report.audit.problems))
        distribution = report.audit.distributions[0]
        if missing is not None and report.without_gpu is not None:
            tried = _cells(report.task, quick=quick)
            interpret(
                self._place, report, report.without_gpu, missing, reference, prepared.init, distribution, tried, told,
                lambda candidate: _probe(report, candidate),
            )  # fmt: skip
        if compiling.builds(report.candidate):
            told(Stage.compile)
            report.compiled = compiling.Compiled()
            self._compiler.compile(
                report.candidate,
                prepared.init,
                self._taken,
                report.compiled,
                report.findings,
                self._patience,
                self._arch,
            )
        with self._taken() as worker:
            if report.task not in self._baselines:
                self._expect_another()
            candidate = self._asked(worker, report, reference)
            report.isolation, self.machine = worker.isolation, worker.machine
            told(Stage.load)
            candidate.load(prepared.init, train=report.task.train)
            told(Stage.correct)
            report.stage = Stage.correct
            report.correctness = correct(reference, candidate, _cells(report.task, quick=quick), "correct")
            if report.task.backward:
                asked = gradients.cells_of(report.audit.distributions, report.task.shapes, quick=quick)
                report.gradients = gradients.check(reference, candidate, asked, "gradients")
            told(Stage.audit)
            report.stage = Stage.audit
            report.checks = auditing.audit(reference, candidate, distribution, "audit", report.findings)
            report.own_work = own_work.look(reference, candidate, distribution, "own work", report.findings)
            _probe(report, candidate)
            # On a device a kernel of Triton's may be there without being seen in the text.
            if beside or (report.compiled and report.compiled.artefacts):
                self._ablated(report, prepared, reference, distribution, needed.line if needed else None)
            told(Stage.time)
            report.stage = Stage.time
            candidate.stage = Stage.time
            against = self._baselines.against(reference, prepared.init, distribution, quick=quick)
            self._wait_for_the_next()
            report.timing = race(reference, against, candidate, distribution, "time")
            _probe(report, candidate)
        first = report.timing.speed
        for _ in range(confirmations(report.timing, quick=quick)):
            told(Stage.confirm)
            report.stage = Stage.confirm
            confirmed = self._confirmed(report, prepared, reference, against, distribution)
            report.timing = agreed(report.timing, confirmed)
            if report.timing.speed is not first:
                break
        if self._borrowed is not None and not self._borrowed.qualified:
            report.findings.append(_NOT_QUALIFIED)
        _conclude(report, report.timing)

    @contextmanager
    def _on_its_device(self, report: Report) -> Iterator[None]:
        borrowed = self._borrow()
        if borrowed is None:
            yield
            return
        report.device = borrowed.device
        with borrowed.looked_after():
            yield

    def _borrow(self) -> Borrowed | None:
        if self._borrowed is None and self._place.device != "cpu":
            self._borrowed = Borrowed(self._place, self._keeper)
        return self._borrowed

    @property
    def _arch(self) -> str | None:
        """What CUDA sources are compiled for."""
        return self._borrowed.device.architecture or None if self._borrowed else None

    def _ablated(
        self, report: Report, prepared: _Prepared, reference: ReferenceSide, distribution: str, line: int | None
    ) -> None:
        """In processes of its own: what it keeps of a kernel that was made to fail is nothing to be timed with. `line`:
        where the candidate says that it has kernels, if no extension says it."""
        line = next((one.line for one in report.compiled.extensions), line) if report.compiled else line

        def asked() -> CandidateSide:
            return self._asked(self._taken(), report, reference)

        report.launches = ablation.ablate(
            reference, asked, prepared.init, distribution, "ablation", line, report.findings
        )

    def _confirmed(
        self, report: Report, prepared: _Prepared, reference: ReferenceSide, against: Against, distribution: str
    ) -> timing.Timing:
        """The same once more with a process that has seen nothing: this is the number that is told."""
        with self._taken() as worker, self._baselines.fresh(report.task, against) as fresh:
            candidate = self._asked(worker, report, reference)
            candidate.load(prepared.init, train=report.task.train)
            correct(reference, candidate, cells(_CONFIRM_CELLS, (), ("contiguous",), [distribution]), "confirm")
            self._wait_for_the_next()
            candidate.stage = Stage.time
            found = race(reference, fresh, candidate, distribution, "confirm time")
            _probe(report, candidate)
            return found

    def _asked(self, worker: Worker, report: Report, reference: ReferenceSide) -> CandidateSide:
        def most() -> int:
            # Other shapes may have larger outputs than the audit has seen.
            return MOST_BYTES if reference.task.shapes else min(MOST_BYTES, _ANSWER_BYTES + 8 * reference.largest)

        built = report.compiled.artefacts if report.compiled else ()
        return CandidateSide(worker, report.candidate, patience=self._patience, most_bytes=most, artefacts=built)

    def _prepared(self, task: Task) -> _Prepared:
        known = self._references.get(task.digest)
        if known is not None and known.reference.worker.worn:
            self._forget(task)
            known = None
        if known is None:
            reference = start(self._place, task)
            try:
                init = reference.load()
                known = _Prepared(reference, init, audit_task(reference))
            except BaseException:
                reference.worker.close()
                raise
            for oldest in list(self._references)[: 1 - _REFERENCES]:
                self._references.pop(oldest).reference.worker.close()
            self._references[task.digest] = known
        return known

    def _forget(self, task: Task) -> None:
        self._baselines.forget(task)
        known = self._references.pop(task.digest, None)
        if known is not None:
            known.reference.worker.close()

    def _expect_another(self) -> None:
        if self._next is None:
            self._next = self._threads.submit(start_candidate, self._place)

    def _wait_for_the_next(self) -> None:
        """A worker that imports torch beside a clock is noise."""
        if self._next is not None:
            wait([self._next])

    def _taken(self) -> Worker:
        """A worker into which nothing of any candidate has come."""
        self._expect_another()
        coming, self._next = self._next, None
        if coming is None:
            raise AssertionError("one was asked for just now")
        worker = coming.result()
        if self._several:
            self._expect_another()
        if worker.worn:
            worker.close()
            return self._taken()
        return worker


def _static(report: Report) -> Need | None:
    """What the candidate needs a GPU for. Judged when it cannot be read as a candidate."""
    if report.candidate.is_cuda:
        return Need(Kind.cuda, "it is a CUDA source", 1)
    try:
        tree = parse(report.candidate)
    except Refused as error:
        raise Judged(Verdict.parse_error, Stage.parse, error.text, line=error.line) from None
    report.findings += static_findings(tree)
    return need(tree)


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


def _conclude(report: Report, timed: timing.Timing) -> None:
    report.verdict = Verdict(timed.speed.value)
    ratio = f"{timed.found.ratio:.3f} times the baseline's speed [{timed.found.low:.3f}, {timed.found.high:.3f}]"
    report.reasons.append(f"right in {report.correctness.passed if report.correctness else 0} cells; {ratio}")
    if not timed.clocks_checked and timed.speed is Speed.ambiguous:
        report.reasons.append("this machine is too busy to hold the two clocks against each other")
    elif timed.found.low > 1 + timed.smallest_effect and timed.speed is Speed.ambiguous:
        report.reasons.append(f"by the slower of two clocks it is only {timed.gain_outside:.3f} times as fast")
    if timed.overhead_dominated:
        report.reasons.append("the baseline takes under 0.1 ms: mostly what calling from Python costs is measured")
    looked = [one for one in report.findings if one.tier is Tier.support]
    if looked:
        report.verdict = Verdict.needs_review
        report.line = looked[0].line
        report.reasons += [f"a person should look: {one.evidence}" for one in looked]
