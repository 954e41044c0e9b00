"""Workers that are kept for the next candidate end some day: no candidate's verdict is lost with them."""

import pytest

from kernels.bench import start_candidate
from kernels.broker import Broker
from kernels.candidate import Candidate
from kernels.hosting import Place, Worker
from kernels.task import Task
from kernels.verdicts import Verdict
from tests.kernels.test_racing import SOURCE

pytestmark = pytest.mark.xdist_group("kernels")
WRONG = Candidate("wrong.py", SOURCE.replace(b"class Model(", b"class ModelNew(").replace(b"- x", b"- 2 * x"))


def test_a_worker_is_worn_when_half_of_its_life_is_over(place: Place) -> None:
    with start_candidate(place) as fresh:
        assert not fresh.worn
    with Worker(place, "candidate", lifetime_s=60.0) as short:
        short._half -= 31
        assert short.worn


def test_worn_workers_are_replaced_before_a_verification_and_not_in_it(place: Place) -> None:
    task = Task("kept", SOURCE)
    with Broker(place, several=True) as broker:
        assert broker.verify(task, WRONG, quick=True).verdict is Verdict.incorrect
        kept = broker._references[task.digest].reference.worker
        assert broker._next is not None
        coming = broker._next.result()
        for worker in (kept, coming):
            worker._half = 0.0
            worker._box.close()  # as at the end of its life
        assert broker.verify(task, WRONG, quick=True).verdict is Verdict.incorrect
        assert broker._references[task.digest].reference.worker is not kept
