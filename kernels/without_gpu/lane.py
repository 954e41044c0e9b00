"""Which lane a candidate that needs a GPU takes where there is none. The broker's one way in."""

from __future__ import annotations

from typing import NoReturn

from kernels.bench import Judged
from kernels.candidate import Candidate, parse
from kernels.hosting import Place
from kernels.verdicts import Stage, Verdict
from kernels.without_gpu.facts import WithoutGpu
from kernels.without_gpu.needs import Kind, Need
from kernels.without_gpu.nvcc import compile_cuda
from kernels.without_gpu.progress import Progress
from kernels.without_gpu.sources import CudaSource, Sources, cuda_sources


def not_run(place: Place, progress: Progress, found: WithoutGpu | None, need: Need | None) -> NoReturn:
    """For what is never run here, `need` None when the task names the device. Always Judged. SandboxError."""
    if need is not None and found is not None and need.kind is Kind.cuda:
        compile_cuda(place, progress, found, need, _sources(progress.candidate))
    why = str(need) if need else "the task names the device cuda"
    raise Judged(
        Verdict.needs_gpu,
        Stage.policy_static,
        f"{why}: it was read and neither compiled nor run. A machine with a GPU is needed",
        line=need.line if need else None,
    )


def _sources(candidate: Candidate) -> Sources:
    if candidate.is_cuda:
        return Sources((CudaSource(candidate.name, candidate.source.decode("utf-8", "replace"), 1),))
    return cuda_sources(parse(candidate), candidate.name)
