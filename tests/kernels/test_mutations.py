"""The harness under test: between broker and candidate stands a wrapper that alters one value of one answer, and every
such value must be found, whichever trial, check or timed call it is in and wherever in the output it is.

The workers are real, and the candidate is the reference itself: what is wrong is what was planted.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from kernels.auditing import CHECKS, Audit
from kernels.baseline import Baseline, begin
from kernels.bench import CandidateSide, Inputs, Judged, ReferenceSide, start, start_candidate
from kernels.cells import QUICK, cells
from kernels.correctness import correct
from kernels.hosting import Place, Worker
from kernels.messages import Json, Tensor
from kernels.racing import Against, race
from kernels.session import Session
from kernels.task import Task
from kernels.tensors import DTYPES
from kernels.verdicts import Stage, Verdict

pytestmark = pytest.mark.xdist_group("kernel mutations")
TASK = Task(
    "mutations",
    b"""
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(24, 40)
        self.norm = nn.BatchNorm1d(40)

    def forward(self, x, y):
        z = self.norm(self.linear(x))
        return torch.tanh(z) * y, {"most": z.argmax(1), "any": z > 0}

def get_inputs():
    return [torch.randn(9, 24), torch.randn(9, 40)]

def get_init_inputs():
    return []
""",
)
OUTPUTS = 3
OFF: Sequence[Callable[[float], float]] = (
    lambda value: value + 0.01,
    lambda value: -value - 1,
    lambda value: math.nan,
    lambda value: math.inf,
    lambda value: 0.0 if abs(value) > 0.1 else value + 1e-3,
)
"""What is planted in place of a number of the size of 1."""


class Altered:
    """A worker whose answers come through here: the answer number `at` of those that have tensors is altered in its
    tensor `which` at the element that `dice` choose. `seen`: how many tensors each answer had, and to what."""

    def __init__(self, worker: Worker, at: int = -1, which: int = 0, seed: int = 0) -> None:
        self.worker, self.at, self.which = worker, at, which
        self.machine, self.device = worker.machine, worker.device
        self.dice = np.random.default_rng(seed)
        self.seen: list[tuple[str, int]] = []
        self.planted: str | None = None

    def ask(self, do: str, head: Json, tensors: Sequence[Tensor] = (), **how: Any) -> tuple[Json, Sequence[Tensor]]:
        answer, found = self.worker.ask(do, head, tensors, **how)
        if found:
            if len(self.seen) == self.at:
                self.planted = f"{do}: {found[self.which].spec}"
                found = [*found[: self.which], altered(found[self.which], self.dice), *found[self.which + 1 :]]
            self.seen.append((do, len(found)))
        return answer, found


def altered(tensor: Tensor, dice: np.random.Generator) -> Tensor:
    values = np.frombuffer(bytearray(tensor.data), DTYPES[tensor.spec.dtype].wire)
    place = int(dice.integers(len(values)))
    if DTYPES[tensor.spec.dtype].floating:
        values[place] = OFF[int(dice.integers(len(OFF)))](float(values[place]))
    else:
        values[place] = 1 - values[place]
    return Tensor(tensor.spec, values.tobytes())


class Bench:
    """Real workers at one task."""

    def __init__(self, place: Place) -> None:
        self.reference: ReferenceSide = start(place, TASK)
        self.init: Inputs = self.reference.load()
        self.reference.draw_state("task")
        self.workers = [start_candidate(place) for _ in range(2)]
        self.baseline: Baseline = begin(self.workers[0], TASK, self.init)
        begin(self.workers[1], TASK, self.init)

    def candidate(self, **plant: int) -> tuple[CandidateSide, Altered]:
        through = Altered(self.workers[1], **plant)
        return CandidateSide(through, self.baseline.side.candidate), through  # type: ignore[arg-type]  # it alters

    def close(self) -> None:
        for worker in (self.reference.worker, *self.workers):
            worker.close()


@pytest.fixture(scope="module")
def bench(place: Place) -> Iterator[Bench]:
    found = Bench(place)
    yield found
    found.close()


def found_wrong(do: Callable[[], object], through: Altered) -> Judged:
    with pytest.raises(Judged) as caught:
        do()
    assert through.planted is not None, "nothing was planted before it was judged"
    assert caught.value.verdict is Verdict.incorrect, (through.planted, caught.value.reason)
    return caught.value


def test_without_a_plant_all_is_right(bench: Bench) -> None:
    candidate, through = bench.candidate()
    tried = correct(bench.reference, candidate, cells(QUICK, (), ("contiguous",), None), "unharmed")
    assert tried.passed == tried.cells == len(through.seen) == QUICK
    assert set(through.seen) == {("call", OUTPUTS)}


@pytest.mark.parametrize("cell", range(QUICK))
def test_a_wrong_value_in_any_cell_is_found_there(bench: Bench, cell: int) -> None:
    for which in range(OUTPUTS):
        candidate, through = bench.candidate(at=cell, which=which, seed=100 * cell + which)
        asked = cells(QUICK, (), ("contiguous",), None)
        end = found_wrong(partial(correct, bench.reference, candidate, asked, f"planted {which}"), through)
        assert end.stage in (Stage.launch, Stage.correct)
        assert str(asked[cell]) in end.reason
        assert len(through.seen) == cell + 1, "it was found in that cell and in no later one"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_wrong_value_in_any_answer_of_an_audit_is_found(bench: Bench, check: Callable[[Audit], None]) -> None:
    def made(through_at: int = -1, which: int = 0) -> tuple[Callable[[], None], Altered]:
        candidate, through = bench.candidate(at=through_at, which=which, seed=7 * (through_at + 1) + which)
        candidate.set_state(bench.reference.draw_state(check.__name__), "load")
        candidate.stage = Stage.audit
        on = Audit(bench.reference, candidate, "normal", f"{check.__name__} {through_at}")
        return lambda: check(on), through

    do, through = made()
    do()
    assert through.seen, "the check asks for no output"
    for at, (_, tensors) in enumerate(through.seen):
        for which in range(tensors):
            do, planted = made(at, which)
            assert found_wrong(do, planted).stage is Stage.audit


def session(bench: Bench, candidate: CandidateSide, phase: str, output_bytes: int = 9 * 40 * 8) -> Session:
    state = bench.reference.draw_state(phase)
    candidate.stage = Stage.time
    candidate.set_state(state, "load")
    bench.baseline.set_state(state)
    return Session(bench.reference, bench.baseline, candidate, "normal", phase, output_bytes)


@pytest.mark.parametrize("output_bytes", [9 * 40 * 8, 12 << 20], ids=["at once", "in pieces"])
def test_a_wrong_value_in_any_output_of_any_timed_call_is_found(bench: Bench, output_bytes: int) -> None:
    calls = 7
    tensors = OUTPUTS * calls
    pieces = math.ceil(calls / 2) if output_bytes > 1 << 20 else 1
    for number in range(tensors):
        candidate, through = bench.candidate(seed=number)
        under_way = session(bench, candidate, f"timed {number}", output_bytes)
        under_way.block(calls)
        assert [count for _, count in through.seen].count(OUTPUTS * calls) == (1 if pieces == 1 else 0)
        assert sum(count for _, count in through.seen) == tensors, "every output is asked for"
        assert under_way.checked == under_way.calls == calls
        first = number // (OUTPUTS * (2 if pieces > 1 else calls))
        through.at = len(through.seen) + first
        through.which = number - first * OUTPUTS * (2 if pieces > 1 else calls)
        end = found_wrong(partial(under_way.block, calls), through)
        assert "timed call" in end.reason


def test_a_race_checks_every_timed_call_and_finds_what_is_planted_in_any_of_its_runs(bench: Bench) -> None:
    candidate, through = bench.candidate()
    against = Against(bench.baseline, bench.init)
    timed = race(bench.reference, against, candidate, "normal", "race")
    assert timed.checked == timed.calls == sum(count for _, count in through.seen) // OUTPUTS
    runs = len(through.seen)
    dice = np.random.default_rng(5)
    # Where a race ends varies with the machine; the least it has are the blocks and, of each clock, the runs.
    for at in [0, 1, 2, *(int(one) for one in dice.integers(3, min(runs, 24), size=5))]:
        candidate, planted = bench.candidate(at=at, which=int(dice.integers(OUTPUTS)), seed=at)
        found_wrong(partial(race, bench.reference, against, candidate, "normal", f"race {at}"), planted)


def test_outputs_of_many_tensors_come_in_more_pieces(bench: Bench) -> None:
    """So that what describes them fits into an answer's head."""
    candidate, through = bench.candidate()
    state = bench.reference.draw_state("many")
    candidate.set_state(state, "load")
    bench.baseline.set_state(state)
    under_way = Session(bench.reference, bench.baseline, candidate, "normal", "many", 9 * 40 * 8, 128)
    under_way.block(5)
    assert [count for _, count in through.seen] == [2 * OUTPUTS, 2 * OUTPUTS, OUTPUTS]


def test_a_whole_answer_for_another_call_is_found(bench: Bench) -> None:
    """Not a planted value but the right output of the call before: what a memory of earlier calls gives."""
    candidate, through = bench.candidate()
    under_way = session(bench, candidate, "stale")
    whole: Callable[..., tuple[Json, Sequence[Tensor]]] = through.ask

    def stale(do: str, head: Json, tensors: Sequence[Tensor] = (), **how: Any) -> tuple[Json, Sequence[Tensor]]:
        answer, found = whole(do, head, tensors, **how)
        return (answer, [*found[:OUTPUTS], *found[:-OUTPUTS]]) if do == "outputs" else (answer, found)

    through.ask = stale  # type: ignore[method-assign]  # the outputs are moved on by one call
    with pytest.raises(Judged) as caught:
        under_way.block(5)
    assert caught.value.verdict is Verdict.incorrect


def test_no_row_of_a_timed_call_was_in_another_one(bench: Bench) -> None:
    """Nor is a call's input the same as another's: a program that remembers rows has nothing to remember."""
    candidate, _ = bench.candidate()
    under_way = session(bench, candidate, "rows")
    plan = under_way.plan(40)
    for which, width in enumerate((24, 40)):
        rows = [
            row.tobytes()
            for call in plan
            for row in np.frombuffer(under_way.inputs(call).tensors[which].data, "<f4").reshape(9, width)
        ]
        assert len(set(rows)) == len(rows) == 40 * 9
    turn = under_way.block(40)
    assert len(turn.middle) == under_way.checked == 40


def test_inputs_of_the_tasks_own_kind_only_are_never_mixed_and_never_come_twice(bench: Bench) -> None:
    candidate, _ = bench.candidate()
    bench.reference.draw_state("whole")
    own = replace(bench.reference, task=replace(TASK, distributions=("declared",)))
    state = own.draw_state("whole")
    candidate.set_state(state, "load")
    bench.baseline.set_state(state)
    under_way = Session(own, bench.baseline, candidate, "declared", "whole", 9 * 40 * 8)
    seen: list[bytes] = []
    for _ in range(3):
        under_way.block(under_way.most)
        seen += [bytes(one.tensors[0].data) for one in under_way.pool]
    assert len(set(seen)) == len(seen) == under_way.checked == 3 * under_way.most
    assert all(one == two for one, two, _, _ in under_way.plan(under_way.most))
