"""What a candidate is timed against: the reference's own source in a worker of the candidate's kind.

Two programs are compared, so what is around them must be the same: the same loader, the same process of a few requests,
nothing of the other. The reference worker, which has drawn inputs and computed in double precision, has another memory
behind it, and the same code took up to 1.5 times as long in the one as in the other. A baseline has no seed and no
expected value either; its outputs are what the reference says in its own precision, call by call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kernels.bench import CandidateSide, Inputs, Judged, Patience, State
from kernels.candidate import Candidate
from kernels.forms import Output
from kernels.hosting import Worker
from kernels.messages import Json, Tensor
from kernels.task import Task
from kernels.verdicts import Stage, Verdict

EAGER, COMPILED = "eager", "torch.compile"
COMPILE_S = 120.0
_AS_IT_IS = b"\n\nModelNew = Model\n"
# The module itself is compiled, not wrapped: its state keeps its names. The compiler needs torch.utils.cpp_extension as
# torch has it, in whose place a candidate finds a stand-in. One process, as the box has one core. Headers
# compiled ahead pay only where there are many kernels.
_AS_COMPILED = b"""

def ModelNew(*init):
    import importlib, os, sys, torch
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    sys.modules.pop("torch.utils.cpp_extension", None)
    importlib.import_module("torch.utils.cpp_extension")
    from torch._inductor import config
    config.cpp_cache_precompile_headers = False
    model = Model(*init)
    model.compile()
    return model
"""


@dataclass(slots=True)
class Baseline:
    """A baseline at work, asked as a candidate is; what fails is never the candidate's fault."""

    way: str
    side: CandidateSide

    @property
    def name(self) -> str:
        """As people read it. The processor's is one with one thread."""
        return self.way if self.side.worker.kind_of_device != "cpu" else f"{self.way}, one thread"

    def set_state(self, state: State) -> None:
        with _not_the_candidates():
            self.side.set_state(state, "load")

    def fill(self, inputs: Inputs, *, first: bool, places: int) -> None:
        with _not_the_candidates():
            self.side.fill(inputs, first=first, places=places)

    def take_mask(self, mask: Tensor) -> None:
        with _not_the_candidates():
            self.side.take_mask(mask)

    def time(self, plan: Sequence[Sequence[int]], timeout: float) -> list[float]:
        with _not_the_candidates():
            return self.side.time(plan, timeout)

    def idle(self, plan: Sequence[Sequence[int]]) -> None:
        """All that `time` does but the calls."""
        with _not_the_candidates():
            self.side.asked("idle", {"plan": list(plan)}, (), _nothing)

    def outputs(self, which: Sequence[int]) -> list[Output]:
        with _not_the_candidates():
            return self.side.outputs(which)


def begin(worker: Worker, task: Task, init: Inputs, *, compiled: bool = False) -> Baseline:
    """Loads the reference into a worker that has had nothing else. Judged: infra_error."""
    source = task.source + (_AS_COMPILED if compiled else _AS_IT_IS)
    way = COMPILED if compiled else EAGER
    patience = Patience(call_s=COMPILE_S) if compiled else Patience()
    side = CandidateSide(worker, Candidate(way, source), patience=patience)
    with _not_the_candidates():
        side.load(init, train=task.train)
    return Baseline(way, side)


def _nothing(head: Json, tensors: Sequence[Any]) -> None:
    """What an answer without contents says."""


@contextmanager
def _not_the_candidates() -> Iterator[None]:
    try:
        yield
    except Judged as end:
        raise Judged(Verdict.infra_error, Stage.time, f"the baseline: {end.reason}") from None
