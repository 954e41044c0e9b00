"""A worker in which a candidate's Triton kernels are compiled for a GPU that is not there, and none is launched.

The model is called once: every launch stops after the compiler, which gets its signature, its constants and its options
as a device would have it. What the call returns is never looked at: nothing was computed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from kernels.messages import Json, Tensor
from kernels.tensors import TensorSpec
from kernels.worker import cuda_on_cpu
from kernels.worker.candidate import Candidate
from kernels.worker.conversation import Answer, Operation, Trouble, converse
from kernels.worker.device import PROCESSOR
from kernels.worker.program import FILE
from kernels.worker.triton_launches import Seen, candidate_line, first_configuration, line_of
from kernels.worker.watching import Watch

_MOST_KERNELS = 64
_ASSEMBLER_S = 120


class Compiled:
    """What came out for each launch that was compiled: facts, PTX and what the assembler says of it."""

    def __init__(self, candidate: Candidate, seen: Seen) -> None:
        self._candidate, self._seen = candidate, seen
        self._kernels: dict[str, tuple[Json, str]] = {}

    def operations(self) -> dict[str, Operation]:
        own = dict(self._candidate.operations())
        return {"load": self._load, "state": own["state"], "compile": self._compile}

    def keep(self, fn: Any, kernel: Any) -> None:
        if kernel is not None and len(self._kernels) < _MOST_KERNELS:
            facts = {"name": fn.__name__[:200], "line": line_of(fn), "shared": int(kernel.metadata.shared)}
            self._kernels.setdefault(kernel.hash, (facts, kernel.asm["ptx"]))

    def _load(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        with cuda_on_cpu.CudaOnCpu():
            return self._candidate.operations()["load"](head, tensors)

    def _compile(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """One call with inputs. Answers with the kernels: for each its facts, and as tensors of bytes PTX and log."""
        stopped = ""
        try:
            with cuda_on_cpu.CudaOnCpu():
                self._candidate.operations()["call"](head, tensors)
        except Trouble as trouble:
            # Nothing was computed, so that whatever a program makes of its results may fail: no fault of its own.
            stopped = trouble.text[:500]
        if self._seen.ended is not None:
            raise Trouble(*self._seen.ended)
        listed, parts = [], []
        for facts, ptx in self._kernels.values():
            listed.append(facts)
            parts += [_bytes(ptx), _bytes(_assembled(ptx))]
        return {"kernels": listed, "stopped": stopped, "notes": self._seen.notes}, parts


def _bytes(text: str) -> Tensor:
    data = text.encode()
    return Tensor(TensorSpec("uint8", (len(data),)), data)


def _assembled(ptx: str) -> str:
    """What ptxas says of registers and spills; empty where it could not be run again."""
    from triton.backends.nvidia.compiler import get_ptxas

    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError, subprocess.TimeoutExpired):
        source = Path(folder, "kernel.ptx")
        source.write_text(ptx, "utf-8")
        argv = [get_ptxas(90).path, "-v", "--gpu-name=sm_90a", str(source), "-o", str(Path(folder, "kernel.cubin"))]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_ASSEMBLER_S, check=False)
        return done.stdout + done.stderr
    return ""


def _failed(error: BaseException) -> tuple[str, int | None]:
    """What the compiler says, without the source it quotes, and the line that it means."""
    node = getattr(error, "node", None)
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
        node = getattr(cause, "node", None) or node
    text = str(getattr(cause, "error_message", None) or cause) or type(cause).__name__
    text = text.partition("\n\nRepro command")[0]
    return f"{type(cause).__name__}: {text}"[:2000], getattr(node, "lineno", None)


def install(seen: Seen, compiled: Compiled) -> None:
    """Has every launch end after the compiler. Before any candidate is there."""
    from triton.compiler.errors import CompilationError
    from triton.runtime import autotuner, driver, jit
    from triton.runtime.errors import OutOfResources, PTXASError

    driver.set_active(cuda_on_cpu.Driver())
    run = jit.JITFunction.run

    def compile_only(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        try:
            kernel = run(self, *args, grid=grid, warmup=True, **kwargs)
        except (CompilationError, PTXASError, OutOfResources) as error:
            text, line = _failed(error)
            if line is not None:
                line += line_of(self.fn) - 1
            seen.end("compile", f"Triton does not compile {self.fn.__name__}: {text}", line or candidate_line())
            raise
        compiled.keep(self.fn, kernel)
        return None

    jit.JITFunction.run = compile_only
    autotuner.Autotuner.run = first_configuration(autotuner.Autotuner.run, seen)


def main() -> None:
    """Serves the broker until it hangs up."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    os.environ["TRITON_CACHE_DIR"] = tempfile.mkdtemp()
    cuda_on_cpu.install()
    seen = Seen()
    compiled = Compiled(Candidate(Watch(FILE, PROCESSOR), PROCESSOR), seen)
    install(seen, compiled)
    converse(compiled.operations())
    os._exit(0)  # nothing of the candidate's that waits for the end gets a turn
