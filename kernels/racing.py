"""Who runs against whom: the baselines that a task has, kept for its next candidates, and the race itself.

The headline is the faster of eager mode and torch.compile, so that a candidate is not praised for what a compiler does
by itself. The first race is against a baseline that has run before; what it found is confirmed by processes that are as
fresh as the candidate's. Where memory lies differs from process to process, and the same program may be some percent
faster in one than in another: twice by luck is rarer than once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from kernels import timing
from kernels.baseline import COMPILE_S, COMPILED, Baseline, begin
from kernels.bench import CandidateSide, Inputs, Judged, ReferenceSide, State
from kernels.cells import Cell
from kernels.hosting import Worker
from kernels.messages import Tensor
from kernels.roofline import CpuMachine
from kernels.session import Session, run
from kernels.statistics import Speed
from kernels.task import Task
from kernels.timing import Roofline, Size, Timing
from kernels.verdicts import Stage, Verdict

_KEPT = 3
_QUICK = "quick: only eager mode is a baseline"
_WARM_CALLS = 2
LITTLE = 1.1


@dataclass(frozen=True, slots=True)
class Against:
    """What a candidate races against: `baseline` is the fastest. `told`: name and seconds a call of all that were
    tried, `note`: why one of them was not, or is not among them."""

    baseline: Baseline
    init: Inputs
    told: Sequence[tuple[str, float]] = ()
    note: str = ""


@dataclass(slots=True)
class _Kept:
    """The baselines of one task. `rival`: the compiled one, with what was found out about it."""

    eager: Baseline
    rival: Baseline | None = None
    tried: bool = False
    told: list[tuple[str, float]] = field(default_factory=list)
    note: str = ""
    fastest: Baseline | None = None

    @property
    def worn(self) -> bool:
        return any(one is not None and one.side.worker.worn for one in (self.eager, self.rival))

    def close(self) -> None:
        for one in (self.eager, self.rival):
            if one is not None:
                one.side.worker.close()


class Baselines:
    """`worker` gives a worker into which nothing has come yet, and is waited for. Judged, SandboxError."""

    def __init__(self, worker: Callable[[], Worker]) -> None:
        self._worker = worker
        self._kept: dict[str, _Kept] = {}

    def __contains__(self, task: Task) -> bool:
        return task.digest in self._kept

    def against(self, reference: ReferenceSide, init: Inputs, distribution: str, *, quick: bool) -> Against:
        """The baseline of the reference's task, begun when it is asked for the first time. Not `quick`: the faster of
        eager mode and torch.compile."""
        kept = self._of(reference.task, init)
        if quick:
            return Against(kept.eager, init, note=_QUICK)
        if not kept.tried:
            kept.tried = True
            self._try_compiled(kept, reference, init, distribution)
        return Against(kept.fastest or kept.eager, init, tuple(kept.told), kept.note)

    def _of(self, task: Task, init: Inputs) -> _Kept:
        known = self._kept.get(task.digest)
        if known is not None and known.worn:
            self.forget(task)
            known = None
        if known is None:
            known = _Kept(self._begun(task, init))
            for oldest in list(self._kept)[: 1 - _KEPT]:
                self._kept.pop(oldest).close()
            self._kept[task.digest] = known
        return known

    def _begun(self, task: Task, init: Inputs, *, compiled: bool = False) -> Baseline:
        worker = self._worker()
        try:
            return begin(worker, task, init, compiled=compiled)
        except BaseException:
            worker.close()
            raise

    def _try_compiled(self, kept: _Kept, reference: ReferenceSide, init: Inputs, distribution: str) -> None:
        """Eager mode counts where the compiler fails, takes too long, or makes something that computes otherwise."""
        rival: Baseline | None = None
        try:
            rival = self._begun(reference.task, init, compiled=True)
            found = _compiled_against(kept.eager, rival, reference, distribution)
        except BaseException as end:
            if rival is not None:
                rival.side.worker.close()
            if not isinstance(end, Judged):
                raise
            why = f"took over {COMPILE_S:.0f} s" if "did not answer in time" in end.reason else end.reason
            kept.note = f"torch.compile is no baseline here: {why}"[:300]
            return
        kept.rival = rival
        kept.fastest = rival if found.speed is Speed.faster else kept.eager
        kept.told = [(kept.eager.name, found.baseline_s), (rival.name, found.candidate_s)]

    @contextmanager
    def fresh(self, task: Task, against: Against) -> Iterator[Against]:
        """The same with a process that has run nothing, for one race. A compiled one is kept: to compile takes long."""
        if against.baseline.way == COMPILED:
            yield against
            return
        with self._worker() as worker:
            yield replace(against, baseline=begin(worker, task, against.init))

    def forget(self, task: Task) -> None:
        known = self._kept.pop(task.digest, None)
        if known is not None:
            known.close()

    def close(self) -> None:
        while self._kept:
            self._kept.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _compiled_against(eager: Baseline, rival: Baseline, reference: ReferenceSide, distribution: str) -> Timing:
    """Compiles by the first calls, outside any clock, and races. Judged: incorrect when it computes another thing."""
    phase = "compiled"
    state, size = _weights(reference, eager, distribution, phase)
    rival.set_state(state)
    warm = Session(reference, eager, rival.side, distribution, f"{phase} warm", size.bytes, size.tensors)
    run(rival, warm.plan(_WARM_CALLS), warm.call_s, COMPILE_S)
    return timing.measure(reference, eager, rival.side, distribution, size, phase)


def _weights(reference: ReferenceSide, baseline: Baseline, distribution: str, phase: str) -> tuple[State, Size]:
    """New weights, which the baseline has now, and the size of one call's output."""
    state = reference.draw_state(phase)
    baseline.set_state(state)
    expected = reference.expect(reference.draw(Cell(0, distribution), phase))
    leaves = expected.native.leaves
    return state, Size(sum(leaf.tensor.spec.bytes for leaf in leaves), len(leaves))


def race(reference: ReferenceSide, against: Against, candidate: CandidateSide, distribution: str, phase: str) -> Timing:
    """Gives both the same new weights and times them. Judged."""
    state, size = _weights(reference, against.baseline, distribution, phase)
    candidate.set_state(state, "load")
    found = timing.measure(reference, against.baseline, candidate, distribution, size, phase)
    roofline, changing = _physics(reference, distribution, phase)
    if roofline.machine.impossible(changing, found.candidate_s):
        raise Judged(
            Verdict.implausible_timing, Stage.time,
            f"it tells {found.candidate_s:.3g} s a call, in which this machine cannot even store the {changing} bytes "
            "of its output that other inputs change",
        )  # fmt: skip
    others = [one for one in against.told if one[0] != against.baseline.name]
    return replace(
        found, roofline=roofline, baselines=((found.baseline, found.baseline_s), *others), baseline_note=against.note
    )


def _physics(reference: ReferenceSide, distribution: str, phase: str) -> tuple[Roofline, int]:
    """What a call takes at least, and how many bytes of its output are other ones for other inputs."""
    inputs = [reference.draw(Cell(number, distribution), phase, "physics") for number in range(2)]
    told = reference.work(inputs[0])
    machine = CpuMachine(
        [(int(size), float(speed)) for size, speed in told["copied"]],
        float(told["stored"]),
        float(told["operations"]),
        int(told["cores"]),
    )
    one, two = (reference.expect(given).native.leaves for given in inputs)
    # How many tensors there are may depend on the inputs: of those that are not in both nothing is said.
    changing = sum(
        _changing(left.tensor, right.tensor) for left, right in zip(one, two, strict=False) if left.tensor.spec.elements
    )
    return Roofline(told["bytes"], told["work"], machine, machine.floor(told["bytes"], told["work"])), changing


def _changing(one: Tensor, two: Tensor) -> int:
    """Bytes of the elements in which two tensors of one description differ."""
    if one.spec != two.spec:
        return 0
    elements = [np.frombuffer(each.data, np.uint8).reshape(one.spec.elements, -1) for each in (one, two)]
    return int((elements[0] != elements[1]).any(axis=1).sum()) * elements[0].shape[1]


def agreed(first: Timing, second: Timing) -> Timing:
    """What two races say together: the second's numbers, and nothing where one says faster and the other slower."""
    if {first.speed, second.speed} == {Speed.faster, Speed.slower}:
        return replace(second, speed=Speed.ambiguous)
    return second


def confirmations(found: Timing, *, quick: bool) -> int:
    """How many races of other processes a first one needs. `faster` is never told on one race's word, and where it is
    by a little, on two. Of 600 simulated pairs of identical programs in processes that differ by 2% (a standard
    deviation), one race called 23% faster, two 6% and three 2% (evals.kernel_timing).
    What is slower by much is so by no luck, and a quick verification leaves it at that."""
    little = 1 / LITTLE < found.found.ratio < LITTLE
    match found.speed:
        case Speed.faster:
            return 2 if little else 1
        case Speed.slower:
            return 1 if little or not quick else 0
        case _:
            return 0
