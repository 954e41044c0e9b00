"""Triton's compiler without a GPU: what each kernel that a candidate launches would be on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernels.bench import CandidateSide, Inputs, Judged, Patience, ReferenceSide
from kernels.cells import Cell
from kernels.hosting import Place
from kernels.messages import Json, ProtocolError, Tensor
from kernels.verdicts import Stage, Verdict
from kernels.without_gpu.facts import CompiledKernel, WithoutGpu
from kernels.without_gpu.progress import Progress, start
from kernels.without_gpu.ptx import census, findings, usage

COMPILE_S = 300.0
_MOST_TEXT = 64 << 20


@dataclass(frozen=True, slots=True)
class _Kernel:
    name: str
    line: int
    shared: int
    ptx: str
    log: str


def compile_launches(
    place: Place, progress: Progress, found: WithoutGpu, reference: ReferenceSide, init: Inputs, distribution: str
) -> None:
    """Adds the kernels and what their PTX shows. Judged `compile_error` where the compiler refuses one; whatever else
    goes wrong is said in `not_checked` and no more. SandboxError."""
    try:
        with start(place, "compiling_triton") as worker:
            candidate = CandidateSide(worker, progress.candidate, patience=Patience(), most_bytes=lambda: _MOST_TEXT)
            candidate.load(init, train=progress.task.train)
            candidate.stage = Stage.compile
            candidate.patience = Patience(call_s=COMPILE_S)
            inputs = reference.draw(Cell(0, distribution), "compile")
            head = {"inputs": inputs.form, "layout": "contiguous"}
            kernels, stopped = candidate.asked("compile", head, inputs.tensors, _read)
    except Judged as end:
        if end.verdict is Verdict.compile_error:
            raise
        found.not_checked.append(f"what Triton's compiler makes of it: {end.reason}")
        return
    declared = dtypes(progress)
    floor = progress.task.tolerance.floor or 0.0
    for one in kernels:
        used = next(iter(usage(one.log)), None)
        if used is None:
            found.not_checked.append(f"registers and spills of {one.name}: ptxas said nothing of them")
        else:
            spilled = used.spill_stores + used.spill_loads
            shared = max(one.shared, used.shared)
            found.kernels.append(CompiledKernel(one.name, used.target, used.registers, spilled, shared, one.line))
        new = findings(census(one.ptx), one.name, declared, floor, one.line)
        progress.findings += [finding for finding in new if finding not in progress.findings]
    if kernels:
        count = f"{len(kernels)} launch{'es' if len(kernels) > 1 else ''} as the declared shape makes them"
        found.checked.append(f"Triton's compiler and ptxas take {count}, for sm_90a")
    else:
        found.not_checked.append("what Triton's compiler makes of it: no kernel was launched")
    if stopped:
        found.not_checked.append(f"launches after what stopped a call that computes nothing: {stopped}")


def dtypes(progress: Progress) -> Sequence[str]:
    """Of the task's outputs, such as float32."""
    return [one.partition("[")[0] for one in progress.audit.output] if progress.audit else []


def _read(head: Json, tensors: Sequence[Tensor]) -> tuple[list[_Kernel], str]:
    listed, stopped = head.get("kernels"), head.get("stopped")
    if not isinstance(listed, list) or len(tensors) != 2 * len(listed) or not isinstance(stopped, str):
        raise ProtocolError("kernels without their text")
    found = []
    for number, one in enumerate(listed):
        match one:
            case {"name": str(name), "line": int(line), "shared": int(shared)}:
                ptx, log = (bytes(part.data).decode("utf-8", "replace") for part in tensors[2 * number :][:2])
                found.append(_Kernel(name[:200], line, shared, ptx, log))
            case _:
                raise ProtocolError("a kernel without its facts")
    return found, stopped[:500]
