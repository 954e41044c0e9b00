"""What an audit and a census ask beside the inputs that are drawn: never outside of what a task is defined for, and of
every input."""

from dataclasses import replace

import pytest

from kernels import own_work
from kernels.auditing import NotMade, memory_beside_is_left, new_content_is_seen, rows_in_another_order_are_seen
from kernels.bench import Judged
from kernels.broker import Broker
from kernels.candidate import Candidate
from kernels.findings import Finding, Tier
from kernels.hosting import Place
from kernels.task import Task
from kernels.verdicts import Stage, Verdict, Wrong
from sandboxes.contract import SandboxSpec
from tests.kernels.sides import asked, audited

pytestmark = pytest.mark.xdist_group("kernels")
SOURCE = """
import torch
import torch.nn as nn
import torch.nn.functional as F

class Model(nn.Module):
    def forward(self, x, y):
        {forward}

def get_inputs():
    return [torch.rand(64, 32), torch.rand(16, 16)]

def get_init_inputs():
    return []
"""
HEAVY = "return x * 2 + torch.tanh(y @ y @ y).sum()"
KEPT = """
        key = (float(x.flatten()[0]), float(y.flatten()[0]))
        if getattr(self, "key", None) != key[1]:
            self.key, self.kept = key[1], torch.tanh(y @ y @ y).sum()
        return x * 2 + self.kept
"""
BETWEEN = "assert 0 <= x.min() and x.max() <= 1; return torch.log1p(x) * y.mean()"


def task(forward: str, *distributions: str) -> Task:
    return Task("own", SOURCE.format(forward=forward).encode(), distributions=distributions or None)


def candidate(forward: str) -> bytes:
    return task(forward).source.replace(b"class Model(", b"class ModelNew(")


def test_what_is_kept_of_one_input_is_seen_though_another_is_larger(place: Place) -> None:
    with audited(place, task(HEAVY), candidate(KEPT), "uniform") as on, pytest.raises(Judged) as told:
        new_content_is_seen(on)
    assert told.value.wrong is Wrong.stale
    assert "input 1 has one new element" in told.value.reason


def test_the_candidate_is_called_with_nothing_that_its_task_does_not_allow(place: Place) -> None:
    """Probabilities, of which the elements of another draw are some too; it is right, and raises for all others."""
    with audited(place, task(BETWEEN, "declared", "uniform"), candidate(BETWEEN)) as on:
        new_content_is_seen(on)
        rows_in_another_order_are_seen(on)


def test_what_the_reference_refuses_the_candidate_is_not_asked(place: Place) -> None:
    """Each row is the same: one with another element is none of the task's inputs."""
    same = "assert (y == y[:1]).all() and (x == x[:1]).all(); return x * 2 + y.sum()"
    source = task(same, "declared", "normal")
    source = replace(source, source=source.source.replace(b"[torch.rand(64, 32), torch.rand(16, 16)]",
                     b"[torch.rand(1, 32).repeat(64, 1), torch.rand(1, 16).repeat(16, 1)]"))  # fmt: skip
    with audited(place, source, candidate(same)) as on:
        new_content_is_seen(on)


def test_where_only_the_tasks_own_inputs_are_allowed_none_are_made_of_them(place: Place) -> None:
    with audited(place, task(BETWEEN, "declared"), candidate(BETWEEN)) as on:
        drawn = on.made
        new_content_is_seen(on)
        assert on.made == drawn + 2, "two draws and no more"
        with pytest.raises(NotMade):
            rows_in_another_order_are_seen(on)


def test_memory_that_could_not_be_watched_is_not_said_to_be_left_alone(place: Place) -> None:
    avoids = "assert not torch._C._len_torch_dispatch_stack(); return x * 2 + torch.tanh(y @ y @ y).sum()"
    with audited(place, task(HEAVY), candidate(avoids), "uniform") as on:
        with pytest.raises(NotMade):
            memory_beside_is_left(on)
        assert [(one.rule, one.tier) for one in on.findings] == [("no_bands", Tier.support)]


def test_memory_without_contents_has_no_bands_and_the_rest_has(place: Place) -> None:
    """A tensor of the kind `meta` has a shape and no memory: nothing lies around it."""
    sized = "shape = torch.empty_like(x, device='meta').mul(2).shape; return (x * 2).reshape(shape) + y.sum()"
    with audited(place, task("return x * 2 + y.sum()"), candidate(sized), "uniform") as on:
        memory_beside_is_left(on)
        assert on.findings == []
    beyond = "z = torch.zeros(64, 32); import ctypes; "
    beyond += "torch.empty(4, device='meta'); ctypes.memset(z.data_ptr() + z.nbytes, 0, 8); return x * 2 + y.sum() + z"
    with audited(place, task("return x * 2 + y.sum()"), candidate(beyond), "uniform") as on:
        with pytest.raises(Judged) as told:
            memory_beside_is_left(on)
        assert told.value.wrong is Wrong.out_of_bounds


SHAPES = tuple(((rows, 32), (16, 16)) for rows in range(1, 7))


def test_operations_are_counted_for_every_shape(place: Place) -> None:
    own = replace(task("return x * x * y.sum()"), shapes=SHAPES, library_ops=("aten::mul", "aten::sum"))
    other = candidate("return (x.pow(2) if x.shape[0] == 6 else x * x) * y.sum()")
    with asked(place, own, other) as (reference, side), pytest.raises(Judged) as told:
        own_work.look(reference, side, "uniform", "own work", [])
    assert told.value.verdict is Verdict.policy_violation


def test_other_shapes_are_drawn_as_the_task_allows(place: Place) -> None:
    findings: list[Finding] = []
    own = replace(task(BETWEEN, "declared", "uniform"), shapes=SHAPES[:1])
    inside = "assert -1 <= x.min() and x.max() <= 1; return torch.log1p(x) * y.mean()"
    own = replace(own, source=own.source.replace(BETWEEN.encode(), inside.encode()))
    with asked(place, own, candidate(inside)) as (reference, side):
        found = own_work.look(reference, side, "declared", "own work", findings)
    assert list(found.census) == ["float32[64, 32] float32[16, 16]", "float32[1, 32] float32[16, 16]"]


def test_an_output_that_is_not_finite_is_counted_and_not_judged(place: Place) -> None:
    own = replace(task("return torch.log(x) * y.abs().mean()"), shapes=SHAPES[:1])
    other = candidate("return torch.log(torch.where(x > 0, x, 0)) * y.abs().mean()")
    with asked(place, own, other) as (reference, side):
        assert len(own_work.look(reference, side, "declared", "own work", []).census) == 2


def test_what_nobody_thought_of_is_no_verdict_and_no_end(place: Place) -> None:
    class Odd:
        name = "odd"

        def create(self, spec: SandboxSpec, *, name: str) -> object:
            if "reference" in name:
                raise ValueError("operands could not be broadcast together")
            return place.backend.create(spec, name=name)

    with Broker(replace(place, backend=Odd())) as broker:  # type: ignore[arg-type]  # it makes boxes and no more
        report = broker.verify(task(HEAVY), Candidate("c.py", candidate(HEAVY)), quick=True)
    assert (report.verdict, report.stage) == (Verdict.infra_error, Stage.parse)
    assert report.reasons == ["the verification broke off (ValueError): operands could not be broadcast together"]
