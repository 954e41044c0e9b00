"""The two error rates the lane stands on, from its own decision over simulated machines."""

import json

import numpy as np
import pytest

from evals.kernel_timing import Clock, Machine, as_document, picture, rates


@pytest.mark.parametrize("dwell", [10, 100, 1000])
def test_under_two_percent_of_drift_identical_programs_are_not_faster(dwell: int) -> None:
    found = rates(Machine(dwell), 1.0, 500, seed=dwell)
    assert found.words["faster"] < 0.01
    assert found.words["slower"] < 0.01
    assert found.words["equal"] > 0.9
    assert found.in_a_row > 0.01, "the machine is one on which a measurement in a row is wrong"


@pytest.mark.parametrize("dwell", [10, 100, 1000])
def test_a_gain_of_five_percent_is_seen(dwell: int) -> None:
    found = rates(Machine(dwell), 1.05, 300, seed=dwell)
    assert found.words["faster"] > 0.95
    assert found.confirmed > 0.95


def test_where_processes_differ_confirmation_is_what_helps() -> None:
    """No number of blocks shows that one process has its memory in a better place than another."""
    found = rates(Machine(100, 0.02), 1.0, 300)
    assert found.words["faster"] > 0.03
    assert found.confirmed < found.words["faster"] / 2
    assert found.twice <= found.confirmed


def test_a_loss_is_no_gain() -> None:
    found = rates(Machine(100), 0.9, 60)
    assert found.words["slower"] > 0.95
    assert found.words["faster"] == 0


def test_the_document_and_the_picture_have_every_rate() -> None:
    found = [rates(Machine(100), gain, 12) for gain in (1.0, 1.05)]
    document = json.loads(json.dumps(as_document(found, 1.0)))
    assert [one["gain"] for one in document["rates"]] == [1.0, 1.05]
    for one in document["rates"]:
        words = [one[name] for name in ("faster", "equal", "slower", "ambiguous")]
        assert sum(words) == pytest.approx(1, abs=1e-3)
        assert one["sessions"] == 12
    drawing = picture(found)
    assert drawn_bars(drawing) == 2, "of the same program, in turns and in a row"
    assert "12 sessions" in drawing


def drawn_bars(drawing: str) -> int:
    return drawing.count("<rect")


def test_a_clock_keeps_its_level_for_a_while() -> None:
    dice = np.random.default_rng(1)
    clock = Clock(Machine(dwell=1000), dice)
    times = np.array(clock.calls(1e-3, 3000))
    assert abs(times.mean() / 1e-3 - 1) < 0.1
    assert (times > 0).all()
    jitter = np.median(np.abs(np.diff(times))) / 1e-3
    assert 0.004 < jitter < 0.02, "from call to call it is jitter and not the level that changes"
