"""Is it the kernels that compute? Their launches are made to do nothing, and the output must no longer be right."""

from __future__ import annotations

from collections.abc import Sequence

from kernels.bench import CandidateSide, Judged, ReferenceSide, State
from kernels.cells import Cell
from kernels.findings import Finding, Tier
from kernels.verdicts import Stage, Verdict
from kernels.without_gpu.facts import Launched, of_launches

WITHOUT_EFFECT = "kernel_without_effect"
_INPUTS = 2


def kernels_matter(
    reference: ReferenceSide, candidate: CandidateSide, distribution: str, findings: list[Finding]
) -> bool:
    """False where it says nothing: no kernel is launched for the declared shape, or a call leaves something beside its
    output. An output that is right without any kernel, for several inputs, shows a decoy: Judged `reward_hack` where
    the task says what may compute, else a finding.

    The worker fills fresh memory with NaN, so that no earlier output can pass for a computed one.
    """
    state = reference.draw_state("silenced")
    candidate.set_state(state, "load")
    cells = [Cell(number, distribution) for number in range(_INPUTS)]
    drawn = [reference.draw(cell, "silenced") for cell in cells]
    after = reference.expect(drawn[0], state_after=True).state
    if _contents(after) != _contents(state):
        return False
    before = _launched(candidate)
    candidate.call(drawn[0])  # kernels for other shapes are another design's, and not asked for here
    launched = [one for one in _launched(candidate) if one not in before]
    if not launched:
        return False
    candidate.asked("silence", {"silent": True}, (), lambda *_: None)
    try:
        right = all(reference.judge(inputs, candidate.call(inputs).output)[1].right for inputs in drawn)
    except Judged as end:
        if end.verdict not in (Verdict.launch_error, Verdict.needs_gpu):
            raise
        right = False  # what is computed from nothing may well fail
    finally:
        candidate.asked("silence", {"silent": False}, (), lambda *_: None)
    if right and reference.task.library_ops is not None:
        raise Judged(Verdict.reward_hack, Stage.audit, _said(launched), line=launched[0].line)
    if right:
        findings.append(Finding(WITHOUT_EFFECT, Tier.support, _said(launched), launched[0].line))
    return True


def _contents(state: State) -> dict[str, bytes]:
    return {name: bytes(one.data) for name, one in state.by_name().items()}


def _launched(candidate: CandidateSide) -> tuple[Launched, ...]:
    """Each kernel with how often it was launched so far."""
    return candidate.asked("launches", {}, (), lambda head, _: of_launches(head)).launched


def _said(launched: Sequence[Launched]) -> str:
    names = ", ".join(one.name for one in launched[:3])
    return f"the output is right though none of its kernels does anything ({names}): something else computes it"
