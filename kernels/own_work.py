"""Who does the work: the operations of the library that a candidate computes with, for every shape, held against what
its task allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kernels.bench import CandidateSide, Found, Judged, ReferenceSide
from kernels.cells import Cell
from kernels.findings import Finding, Tier
from kernels.judging import finite
from kernels.messages import ProtocolError
from kernels.policy import Census, given_away, read_census, specialised, violation
from kernels.verdicts import Stage, Verdict, Wrong


@dataclass(slots=True)
class OwnWork:
    """`census`: by what the inputs look like, the timed shape first."""

    census: dict[str, Census] = field(default_factory=dict)


def look(
    reference: ReferenceSide, candidate: CandidateSide, distribution: str, phase: str, findings: list[Finding]
) -> OwnWork:
    """Adds to `findings`. Judged: for operations that the task does not allow, and for an output that is wrong."""
    candidate.stage = Stage.audit
    found = OwnWork()
    task = reference.task
    # The task's own inputs have the declared shape alone.
    free = next((one for one in (distribution, *(task.distributions or ("normal",))) if one != "declared"), None)
    cells = [Cell(0, distribution)]
    if free is not None:
        cells += [Cell(1 + number, free, shape) for number, shape in enumerate(task.shapes)]
    for cell in cells:
        census = _counted(reference, candidate, cell, phase, findings)
        if census is not None:
            found.census.setdefault(*census)
    counted = list(found.census.values())
    findings += specialised(counted[0], dict(list(found.census.items())[1:])) if counted else []
    return found


def _counted(
    reference: ReferenceSide, candidate: CandidateSide, cell: Cell, phase: str, findings: list[Finding]
) -> tuple[str, Census] | None:
    allowed = reference.task.library_ops
    inputs = reference.draw(cell, phase, "census")
    found = candidate.call(inputs, look="census")
    expected, result = reference.judge(inputs, found.output)
    if not result.right and (cell.distribution == "declared" or finite(expected.native)):
        reason = f"an output is not right when its operations are counted ({cell})"
        raise Judged(Verdict.incorrect, Stage.audit, reason, wrong=Wrong.numerical)
    census = _read(found)
    if census is None:
        _add(findings, [Finding("no_census", Tier.support if allowed is not None else Tier.telemetry,
                                "its operations could not be counted")])  # fmt: skip
        return None
    outside = census.outside(allowed)
    if outside and allowed is not None:
        line = next((one.line for one in outside.values() if one.line), None)
        raise Judged(Verdict.policy_violation, Stage.audit, violation(outside, allowed), line=line)
    _add(findings, given_away(census, allowed))
    return " ".join(str(one.spec) for one in inputs.tensors), census


def _read(found: Found) -> Census | None:
    try:
        return read_census(found.told)
    except ProtocolError as error:
        raise Judged(Verdict.protocol_error, Stage.audit, str(error)) from None


def _add(findings: list[Finding], more: Sequence[Finding]) -> None:
    findings += [one for one in more if one not in findings]
