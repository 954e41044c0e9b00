"""Is it the kernels that compute? Their launches are made to do nothing, and the output must no longer be right."""

from __future__ import annotations

from kernels.bench import CandidateSide, Judged, ReferenceSide
from kernels.cells import Cell
from kernels.verdicts import Stage, Verdict
from kernels.without_gpu.facts import Launched, of_launches

_INPUTS = 2


def kernels_matter(reference: ReferenceSide, candidate: CandidateSide, distribution: str) -> bool:
    """False where it says nothing: no kernel was launched, or a call leaves something beside its output. Judged
    `reward_hack` when the output is right without any kernel, for several inputs: that is proof of a decoy.

    The worker fills fresh memory with NaN, so that no earlier output can pass for a computed one.
    """
    launched = candidate.asked("launches", {}, (), lambda head, _: of_launches(head)).launched
    if not launched:
        return False
    state = reference.draw_state("silenced")
    candidate.set_state(state, "load")
    cells = [Cell(number, distribution) for number in range(_INPUTS)]
    drawn = [reference.draw(cell, "silenced") for cell in cells]
    after = reference.expect(drawn[0], state_after=True).state.tensors
    if [bytes(one.data) for one in after] != [bytes(one.data) for one in state.tensors]:
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
    if right:
        raise Judged(Verdict.reward_hack, Stage.audit, _said(launched), line=launched[0].line)
    return True


def _said(launched: tuple[Launched, ...]) -> str:
    names = ", ".join(one.name for one in launched[:3])
    return f"the output is right though none of its kernels does anything ({names}): something else computes it"
