"""Honest candidates, verified up to the first clock."""

import itertools
import json
import sys

import pytest

from evals.kernel_honest import Outcome, as_document, honest, main, rounds
from kernels.hosting import Place
from kernels.verdicts import Stage, Verdict
from settings import load_settings
from tests.engines import absent
from workers.kernel_place import kernel_python, make_place


@pytest.fixture(scope="module")
def place() -> Place:
    settings = load_settings()
    if kernel_python(settings.kernel_home) is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    return make_place(settings)


def test_they_are_the_corpuss_own_and_those_of_a_task_come_together() -> None:
    found = honest("")
    assert len(found) >= 30
    assert not any(one.on_device for one in found)
    tasks = [one.task.digest for one in found]
    assert sum(one != other for one, other in itertools.pairwise(tasks)) + 1 == len(set(tasks))
    assert [one.name for one in honest("linear_tanh/tiled")] == ["linear_tanh/tiled"]


@pytest.mark.xdist_group("kernels")
def test_each_is_verified_in_full_and_not_timed(place: Place) -> None:
    found = list(rounds(place, honest("linear_tanh/tiled"), 2, 1))
    assert [(one.name, one.verdict, one.stage) for one in found] == [
        ("linear_tanh/tiled", Verdict.ambiguous, Stage.time)
    ] * 2
    assert all(one.cells == 72 and 0 < one.closest < 1 for one in found), found


WRONG = Outcome("a/b", Verdict.incorrect, Stage.correct, 3, 1.5, ["cell (large): output is wrong"])
RIGHT = Outcome("a/c", Verdict.ambiguous, Stage.time, 72, 0.4, ["not timed"])


def test_what_was_called_wrong_is_named_with_its_reason() -> None:
    assert as_document([RIGHT, WRONG]) == {
        "verifications": 2,
        "cells": 75,
        "closest": 0.4,
        "called_wrong": [
            {"name": "a/b", "verdict": "incorrect", "stage": "correct", "reasons": ["cell (large): output is wrong"]}
        ],
    }


@pytest.mark.parametrize(("one", "status"), [(WRONG, 1), (RIGHT, 0)])
def test_the_command_says_so_and_fails(
    one: Outcome, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("evals.kernel_honest.rounds", lambda *_: iter([one]))
    monkeypatch.setattr("evals.kernel_honest.make_place", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["kernel_honest", "--json"])
    assert main() == status
    assert json.loads(capsys.readouterr().out)["verifications"] == 1
