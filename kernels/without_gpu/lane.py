"""Which lane a candidate that needs a GPU takes where there is none. The broker's one way in."""

from __future__ import annotations

from typing import NoReturn

from kernels.bench import Judged
from kernels.verdicts import Stage, Verdict
from kernels.without_gpu.needs import Kind, Need


def refuse(need: Need | None) -> NoReturn:
    """For what can only be read here; None when it is the task that names the device."""
    why = str(need) if need else "the task names the device cuda"
    raise Judged(
        Verdict.needs_gpu,
        Stage.policy_static,
        f"{why}: it was read and neither compiled nor run. A machine with a GPU is needed",
        line=need.line if need else None,
    )


def interpreted(need: Need | None) -> bool:
    """Whether the reference is needed, because the candidate's numbers can be looked at."""
    return need is not None and need.kind is Kind.triton
