"""A candidate worker whose Triton kernels run in Triton's own interpreter: one program after the other, with numpy.

What that shows is numbers and addresses: no races, no speed. Where the interpreter itself is known to be wrong or
cannot go on, the question is given back unanswered (trouble `gpu`), never answered against the candidate.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"  # read when a kernel is defined, and once when Triton is imported

import torch

from kernels.messages import Json, Tensor
from kernels.worker import cuda_on_cpu, guarding
from kernels.worker.candidate import Candidate
from kernels.worker.conversation import Answer, Operation, Trouble, converse
from kernels.worker.device import PROCESSOR
from kernels.worker.program import FILE
from kernels.worker.triton_launches import Seen, candidate_line, first_configuration
from kernels.worker.watching import Watch

_OPERATIONS = ("load", "state", "call")


class CannotInterpret(Exception):
    """The interpreter would go wrong here without a word."""


def _refuse_narrow_floats(seen: Seen) -> None:
    """Brain floats and 8-bit ones are kept as integers by the interpreter and are computed with as such: measured with
    Triton 3.9.0, 1 + 1 in bfloat16 is NaN, a maximum of negative ones the wrong one, `tl.dot` off by 1e10."""
    import numpy as np
    from triton.runtime import interpreter

    tl = interpreter.tl
    narrow = {tl.bfloat16, tl.float8e5, tl.float8e5b16, tl.float8e4nv, tl.float8e4b8, tl.float8e4b15}

    def check(*handles: Any) -> None:
        for handle in handles:
            if getattr(handle, "dtype", None) is not None and handle.dtype.scalar in narrow:
                line = candidate_line()
                text = f"Triton's interpreter computes wrongly with {handle.dtype.scalar}"
                seen.end("gpu", text, line)
                raise CannotInterpret(text)

    def guarded(method: Callable[..., Any], count: int) -> Callable[..., Any]:
        def called(self: Any, *args: Any, **kwargs: Any) -> Any:
            if np.where not in args:  # to choose among bits is no arithmetic
                check(*args[:count])
            return method(self, *args, **kwargs)

        return called

    builder = interpreter.InterpreterBuilder
    counts = {"binary_op": 2, "unary_op": 1, "ternary_op": 3, "create_fma": 3, "create_dot": 2, "create_dot_scaled": 4}
    for name, count in counts.items():
        setattr(builder, name, guarded(getattr(builder, name), count))
    for kind in (interpreter.ReduceOps, interpreter.ScanOps):
        apply = kind.apply_impl

        def applied(self: Any, given: Any, apply: Callable[..., Any] = apply) -> Any:
            check(*(one.handle for one in given))
            return apply(self, given)

        kind.apply_impl = applied


def _remember_definitions(seen: Seen) -> None:
    from triton.runtime import interpreter

    from kernels.worker.triton_launches import line_of

    kind = interpreter.InterpretedFunction
    made, called = kind.__init__, kind.__call__

    def init(self: Any, fn: Any, **kwargs: Any) -> None:
        made(self, fn, **kwargs)
        if fn.__code__.co_filename == FILE:
            seen.defined[fn.__name__[:200]] = line_of(fn)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.called.add(self.fn.__name__)
        return called(self, *args, **kwargs)

    kind.__init__, kind.__call__ = init, call


def unanswerable(error: BaseException | None) -> str | None:
    """Why an error says nothing about the candidate: it came out of a kernel's body, which the interpreter reads
    otherwise than the compiler does, out of Triton's own Python, or names a device that is missing. None when the
    candidate's own line outside of kernels raised it."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    if not chain:
        return None
    trace, file = chain[-1].__traceback__, FILE
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        trace = trace.tb_next
    text = f"{type(chain[-1]).__name__}: {chain[-1]}"[:500]
    if any(type(one).__name__ == "InterpreterError" for one in chain) or "/triton/" in file or "/guarding" in file:
        return text
    return text if any(word in text for word in ("CUDA", "cuda", "NVIDIA")) else None


class Interpreted:
    """The operations of a candidate worker, with what was seen of its kernels."""

    def __init__(self, candidate: Candidate, seen: Seen) -> None:
        self._candidate, self._seen, self._cuda = candidate, seen, False

    def operations(self) -> dict[str, Operation]:
        own = dict(self._candidate.operations())
        return (
            own
            | {name: self._around(own[name]) for name in _OPERATIONS}
            | {
                "prepare": self._prepare,
                "silence": self._silence,
                "launches": self._launches,
            }
        )

    def _prepare(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """Before `load`. `cuda`: whether the candidate names that device."""
        self._cuda = head["cuda"]
        return {}, ()

    def _silence(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """`silent`: from here on launches do nothing, or do again what they should."""
        self._seen.silent = head["silent"]
        return {}, ()

    def _around(self, operation: Operation) -> Operation:
        def asked(head: Json, tensors: Sequence[Tensor]) -> Answer:
            try:
                if self._cuda:
                    with cuda_on_cpu.CudaOnCpu():
                        found = operation(head, tensors)
                else:
                    found = operation(head, tensors)
            except Trouble as trouble:
                why = None if self._seen.ended else unanswerable(trouble.__context__)
                if why is not None:
                    raise Trouble("gpu", f"Triton's interpreter does not go on: {why}", trouble.line) from None
                if self._seen.ended is None:
                    raise
            if self._seen.ended is not None:
                raise Trouble(*self._seen.ended)
            return found

        return asked

    def _launches(self, head: Json, _: Sequence[Tensor]) -> Answer:
        return self._seen.facts(), ()


def main() -> None:
    """Serves the broker until it hangs up."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    seen = Seen()
    from triton.runtime import autotuner, driver

    cuda_on_cpu.install()
    driver.set_active(cuda_on_cpu.Driver())
    guarding.install(seen)
    _refuse_narrow_floats(seen)
    _remember_definitions(seen)
    autotuner.Autotuner.run = first_configuration(autotuner.Autotuner.run, seen)
    converse(Interpreted(Candidate(Watch(FILE, PROCESSOR), PROCESSOR), seen).operations())
    os._exit(0)  # nothing of the candidate's that waits for the end gets a turn
