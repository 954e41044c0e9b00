"""Triton without a GPU: the candidate's kernels run in Triton's own interpreter, on the cells of any candidate."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from kernels import auditing
from kernels.bench import CandidateSide, Inputs, Judged, Patience, ReferenceSide
from kernels.cells import Cell
from kernels.correctness import correct
from kernels.findings import Finding, Tier
from kernels.hosting import Place
from kernels.verdicts import Stage, Verdict
from kernels.without_gpu.compiled import compile_launches
from kernels.without_gpu.facts import WithoutGpu, of_launches
from kernels.without_gpu.needs import Need
from kernels.without_gpu.progress import Probe, Progress, Told, start
from kernels.without_gpu.silenced import WITHOUT_EFFECT, kernels_matter

_SECONDS = 60.0
"""How long cells are taken up for; the one that is under way is ended."""
_AUDITED_CALL_S = 3.0
_NEVER = "races and what else depends on programs running at once; speed; anything of a real device"
_LIMITS = frozenset({Verdict.needs_gpu, Verdict.timeout, Verdict.oom})


def interpret(
    place: Place,
    progress: Progress,
    found: WithoutGpu,
    need: Need,
    reference: ReferenceSide,
    init: Inputs,
    distribution: str,
    cells: Sequence[Cell],
    told: Told,
    probe: Probe,
) -> NoReturn:
    """Always Judged: for what is wrong in itself, `needs_review` for kernels without effect, else `needs_gpu` at the
    stage that was reached. SandboxError."""
    with start(place, "interpreting") as worker:
        progress.isolation = worker.isolation
        candidate = CandidateSide(worker, progress.candidate, patience=Patience())
        try:
            candidate.asked("prepare", {"cuda": need.names_cuda}, (), lambda *_: None)
            if need.names_cuda:
                found.checked.append("what it puts on the device cuda stayed on the CPU, in a stand-in of ours")
            reason = _numbers(progress, found, candidate, reference, init, distribution, cells, told)
            _seen(progress, found, candidate)
            probe(candidate)
        except Judged as end:
            # To be loaded, nothing has to be interpreted.
            if end.verdict not in _LIMITS or (end.verdict is not Verdict.needs_gpu and end.stage is Stage.load):
                if end.verdict is Verdict.incorrect:
                    _seen(progress, found, candidate)
                raise
            reason = f"not judged under Triton's interpreter: {end.reason}"
            progress.stage = end.stage
            found.not_checked.append(f"its numbers beyond the stage {end.stage.value}: {end.reason}")
            if end.verdict is Verdict.needs_gpu:
                _seen(progress, found, candidate)
    told(Stage.compile)
    compile_launches(place, progress, found, reference, init, distribution)
    found.not_checked.append(_NEVER)
    if progress.correctness is not None and not found.launched:
        text = "right, but no Triton kernel was launched: something else computes it"
        progress.findings.append(Finding("no_kernel_launched", Tier.support, text, need.line))
    for one in progress.findings:
        if one.rule == WITHOUT_EFFECT:
            raise Judged(Verdict.needs_review, Stage.audit, one.evidence, line=one.line)
    raise Judged(Verdict.needs_gpu, progress.stage, reason)


def _numbers(
    progress: Progress,
    found: WithoutGpu,
    candidate: CandidateSide,
    reference: ReferenceSide,
    init: Inputs,
    distribution: str,
    cells: Sequence[Cell],
    told: Told,
) -> str:
    """Through the stages load, correct and audit. What can be said of it then."""
    told(Stage.load)
    candidate.load(init, train=progress.task.train)
    told(Stage.correct)
    progress.stage = Stage.correct
    began = time.monotonic()
    progress.correctness = tried = correct(reference, candidate, _while_time(cells, began), "correct")
    a_call = (time.monotonic() - began) / max(1, tried.cells + len(tried.left_out))
    count = f"{tried.passed} cells"
    if tried.cells + len(tried.left_out) < len(cells):
        count += f" of {len(cells)}, which were as many as {_SECONDS:g} s allow"
        found.not_checked.append(f"the other cells: {_SECONDS:g} s were over")
    found.checked.append(f"its numbers under Triton's interpreter, in {count}, and every address it used")
    if a_call > _AUDITED_CALL_S:
        found.not_checked.append(f"the audit: a cell takes {a_call:.1f} s under the interpreter")
    else:
        told(Stage.audit)
        progress.stage = Stage.audit
        progress.checks = auditing.audit(reference, candidate, distribution, "audit", progress.findings)
        found.checked.append(f"{len(progress.checks)} checks of the audit, under the interpreter")
        if not kernels_matter(reference, candidate, distribution, progress.findings):
            found.not_checked.append(
                "whether kernels matter at the declared shape: none is launched, or not for that alone"
            )
        elif all(one.rule != WITHOUT_EFFECT for one in progress.findings):
            found.checked.append("that its output is wrong when its kernels do nothing")
    return f"right in {count} under Triton's interpreter, which runs programs one after the other: no races, no speed"


def _while_time(cells: Iterable[Cell], began: float) -> Iterator[Cell]:
    for number, cell in enumerate(cells):
        if number and time.monotonic() - began > _SECONDS:
            return
        yield cell


def _seen(progress: Progress, found: WithoutGpu, candidate: CandidateSide) -> None:
    """Adds what the process says of its kernels' launches; nothing where it is gone."""
    try:
        launches = candidate.asked("launches", {}, (), lambda head, _: of_launches(head))
    except Judged:
        found.not_checked.append("which kernels were launched: the process is gone")
        return
    found.launched = list(launches.launched)
    found.not_checked += launches.notes
    progress.findings += [one for one in launches.findings if one not in progress.findings]
