"""Who runs against whom: the baselines that a task has, kept for its next candidates, and the race itself.

The first race of a task's candidate is against a baseline that has run before; what is told as faster is confirmed by
one that is as fresh as the candidate's process is. Where memory lies differs from process to process, and the same
program may be some percent faster in one than in another: twice by luck is rarer than once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from kernels import timing
from kernels.baseline import Baseline, begin
from kernels.bench import CandidateSide, Inputs, ReferenceSide
from kernels.cells import Cell
from kernels.hosting import Worker
from kernels.task import Task

_KEPT = 3


class Baselines:
    """`worker` gives a worker into which nothing has come yet, and is waited for. Judged, SandboxError."""

    def __init__(self, worker: Callable[[], Worker]) -> None:
        self._worker = worker
        self._kept: dict[str, Baseline] = {}

    def __contains__(self, task: Task) -> bool:
        return task.digest in self._kept

    def of(self, task: Task, init: Inputs) -> Baseline:
        """The task's baseline, begun when it is asked for the first time."""
        known = self._kept.get(task.digest)
        if known is None:
            worker = self._worker()
            try:
                known = begin(worker, task, init)
            except BaseException:
                worker.close()
                raise
            for oldest in list(self._kept)[: 1 - _KEPT]:
                self._kept.pop(oldest).side.worker.close()
            self._kept[task.digest] = known
        return known

    @contextmanager
    def fresh(self, task: Task, init: Inputs) -> Iterator[Baseline]:
        """One that has run nothing, for one race."""
        with self._worker() as worker:
            yield begin(worker, task, init)

    def forget(self, task: Task) -> None:
        known = self._kept.pop(task.digest, None)
        if known is not None:
            known.side.worker.close()

    def close(self) -> None:
        while self._kept:
            self._kept.popitem()[1].side.worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def race(
    reference: ReferenceSide, baseline: Baseline, candidate: CandidateSide, distribution: str, phase: str
) -> timing.Timing:
    """Gives both the same new weights and times them. Judged."""
    state = reference.draw_state(phase)
    candidate.set_state(state, "load")
    baseline.set_state(state)
    expected = reference.expect(reference.draw(Cell(0, distribution), phase))
    size = sum(leaf.tensor.spec.bytes for leaf in expected.native.leaves)
    return timing.measure(reference, baseline, candidate, distribution, size, phase)
