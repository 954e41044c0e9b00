"""A task's reference and a candidate, each in a worker of its own, to be asked one question of a stage."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from kernels.auditing import Audit
from kernels.bench import CandidateSide, ReferenceSide, start, start_candidate
from kernels.broker import Broker, Report
from kernels.candidate import Candidate
from kernels.hosting import Place
from kernels.task import Task
from kernels.verdicts import Stage


@contextmanager
def asked(place: Place, task: Task, candidate: bytes) -> Iterator[tuple[ReferenceSide, CandidateSide]]:
    """Both with the same weights, the candidate asked as a broker asks it, in the stage `audit`."""
    with ExitStack() as stack:
        reference = start(place, task)
        stack.enter_context(reference.worker)
        init = reference.load()
        worker = stack.enter_context(start_candidate(place))
        broker = stack.enter_context(Broker(place))
        side = broker._asked(worker, Report(task, Candidate("c.py", candidate)), reference)
        side.load(init, train=task.train)
        side.set_state(reference.draw_state("asked"), "load")
        side.stage = Stage.audit
        yield reference, side


@contextmanager
def audited(place: Place, task: Task, candidate: bytes, distribution: str = "declared") -> Iterator[Audit]:
    """The same, as the checks of an audit want them."""
    with asked(place, task, candidate) as (reference, side):
        yield Audit(reference, side, distribution, "audit")
