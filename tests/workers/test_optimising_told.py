"""Which kernel is meant, what is a gain, and how it is told: no box, no model."""

from __future__ import annotations

import re
from typing import Any

import pytest

from codebase.kernel_entries import KernelEntry, Kernels, read_kernels
from kernels.broker import Report
from kernels.candidate import Candidate
from kernels.statistics import Interval, Speed
from kernels.task import Task, make_task
from kernels.timing import Timing
from kernels.verdicts import Verdict
from tests.workers.kernel_ground import REFERENCE
from workers.github.optimised import Told, gain, no_gain, title
from workers.kernel_requests import find
from workers.optimising import Settled, judge, subject_of

ENTRY = KernelEntry("rows", "kernels/rows_ref.py", "kernels/rows.py")
OTHERS = Kernels(
    ".forgehand.yml",
    (ENTRY, KernelEntry("twice", "a.py", "kernels/two.py"), KernelEntry("again", "b.py", "kernels/two.py")),
)


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("rows", ENTRY),
        ("kernels/rows.py", ENTRY),
        ("./kernels/rows.py", ENTRY),
        ("kernels/rows_ref.py", "names no kernel `kernels/rows_ref.py`. It names `rows`, `twice`, `again`."),
        ("kernels/two.py", "`kernels/two.py` is the candidate of several kernels: ask by name, `twice`, `again`"),
    ],
)
def test_which_kernel_is_meant(target: str, found: KernelEntry | str) -> None:
    told = find(target, OTHERS)
    assert told == found or (isinstance(found, str) and isinstance(told, str) and found in told)


def test_settings_that_cannot_be_read_are_said_with_their_line() -> None:
    broken = read_kernels({".forgehand.yml": b"test: x\nkernels:\n  - name: 3\n"}.get)
    told = find("rows", broken)
    assert isinstance(told, str)
    assert "(line 3)" in told


def report(verdict: Verdict, ratio: float, *, baseline: str = "eager", baseline_s: float = 4e-3) -> Report:
    found = Interval(ratio * 0.95, ratio, ratio * 1.05)
    made = Report(Task("rows", b""), Candidate("rows.py", b""), verdict=verdict)
    made.timing = Timing(
        Speed.faster, found, Interval(0.99, 1.0, 1.01), 0.02, baseline_s=baseline_s, candidate_s=baseline_s / ratio,
        wall_s=1e-3, once_s=1e-4, clocks_checked=True, gain_outside=1.2, blocks=12, calls=99, checked=12,
        baseline=baseline,
    )  # fmt: skip
    return made


FASTER, EQUAL, WRONG = Verdict.faster, Verdict.equal, Verdict.incorrect


@pytest.mark.parametrize(
    ("winner", "present", "gained", "why"),
    [
        (report(FASTER, 2.0), None, True, "2.00 times the baseline's speed, 95% interval [1.90, 2.10]"),
        (report(EQUAL, 1.0), None, False, "verified once more by a process that had seen nothing, it is equal"),
        (report(FASTER, 2.0), report(EQUAL, 1.0), True, "the present candidate has 1.00"),
        (report(FASTER, 2.0), report(FASTER, 1.95), False, "the intervals touch"),
        (report(FASTER, 2.0), report(FASTER, 3.0), False, "the intervals touch"),
        (report(FASTER, 2.0), report(WRONG, 9.0), True, "2.00 times"),  # what is wrong has no speed to beat
        # The baseline of the one took twice the time of the other's: 2.0 of a slow one is 1.0 of a quick one.
        (report(FASTER, 2.0, baseline="eager"), report(FASTER, 1.5, baseline="compiled", baseline_s=2e-3), False, ""),
        (report(FASTER, 4.0, baseline="eager"), report(FASTER, 1.5, baseline="compiled", baseline_s=2e-3), True, ""),
    ],
)
def test_a_gain_is_over_the_baseline_and_over_the_candidate_there_is(
    winner: Report, present: Report | None, gained: bool, why: str
) -> None:
    found = judge(winner, present)
    assert found[0] is gained
    assert why in found[1]


def test_a_model_is_told_what_a_candidate_is_held_to() -> None:
    options = {
        "shapes": [[[7, 64]]],
        "layouts": ["contiguous", "transposed"],
        "mode": "eval",
        "tolerance": {"ratio": 4},
    }
    subject = subject_of(make_task("rows", REFERENCE.encode(), options), Candidate("rows.py", b"class ModelNew: ..."))
    facts = " ".join(subject.facts)
    for part in (
        "CPU, on one thread",
        "evaluation mode",
        "4 times the reference's own rounding",
        "[7, 64]",
        "transposed",
    ):
        assert part in facts
    assert (subject.reference, subject.present) == (REFERENCE, "class ModelNew: ...")
    assert "seed" not in facts


def document(verdict: str, speedup: float) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "timing": {
            "speedup": speedup, "interval_95": [speedup - 0.1, speedup + 0.1], "baseline": "eager, one thread",
            "baseline_s": 4e-3, "candidate_s": 4e-3 / speedup,
        },
        "correctness": {"passed": 72, "cells": 72, "error": 2e-7, "native_error": 1e-7},
        "isolation": "bubblewrap",
        "device": "cpu",
        "repro": "forgehand kernel check rows",
    }  # fmt: skip


def turn(number: int, verdict: str | None, speedup: float | None = None, idea: str = "fuse") -> dict[str, Any]:
    around = None if speedup is None else [speedup - 0.1, speedup + 0.1]
    return {"turn": number, "idea": idea, "verdict": verdict, "speedup": speedup, "interval_95": around}


HOSTILE = "`x` | @maria closes #1 <img src=x> <!-- forgehand:pull --> [a](http://evil.example)"


def test_a_pull_request_says_verdict_numbers_and_how_to_do_it_again() -> None:
    settled = Settled(True, "2.00 times", "...", 2, document("faster", 2.0), document("equal", 1.0))
    text = gain(Told(ENTRY, "a" * 40, [turn(1, "incorrect"), turn(2, "faster", 2.3, HOSTILE)], settled))
    assert "| Verdict | `faster` |" in text
    assert "| Speed-up, 95% interval | 2.00 times [1.90, 2.10], against `eager, one thread` |" in text
    assert "| The candidate before | `equal`, 1.00 times [0.90, 1.10] |" in text
    assert "2.3" not in text  # the number it was chosen by is not told
    assert "```sh\nforgehand kernel check rows\n```" in text
    assert title(Told(ENTRY, "", [], settled)) == "Make the kernel rows faster"
    assert_quiet(text)


def test_no_gain_lists_what_was_tried() -> None:
    settled = Settled(False, "the intervals touch", "...", 2, document("faster", 1.1), document("faster", 1.1))
    text = no_gain(Told(ENTRY, "a" * 40, [turn(1, None, idea=""), turn(2, "faster", 1.1, HOSTILE)], settled))
    assert text.startswith("**No gain found** for the kernel `rows`")
    assert "| 1 | - | no candidate | - |" in text
    assert "1.10 times [1.00, 1.20]" in text
    assert_quiet(text)


def test_many_turns_fit_a_comment() -> None:
    turns = [turn(number, "equal", 1.0, HOSTILE * 20) for number in range(1, 101)]
    assert len(no_gain(Told(ENTRY, "a" * 40, turns, Settled(False, "none was faster")))) <= 30_000


def assert_quiet(text: str) -> None:
    """Nothing of a model's words is outside of a code span, and none breaks a table."""
    outside = re.sub(r"(`+)(?:(?!\1).|\n)+?\1", "", text)
    for alive in ("@maria", "<img", "<!--", "](http"):
        assert alive not in outside
    rows = [line for line in text.splitlines() if line.startswith("| ") and "maria" in line]
    assert all(line.endswith(" |") for line in rows)
