"""What a report says to whoever writes the next candidate, and what it never says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.broker import Report
from kernels.candidate import Candidate
from kernels.cells import Cell
from kernels.compiling import Compiled
from kernels.correctness import Correctness
from kernels.feedback import LINES_AT_MOST, of_report, returns, reward, scrub
from kernels.findings import Finding, Tier
from kernels.seeds import new_secret, seed
from kernels.statistics import Interval, Speed
from kernels.task import Task
from kernels.timing import Timing
from kernels.verdicts import NOT_THE_CANDIDATE, PASSED, Stage, Verdict, Wrong

TASK = Task("rows", b"class Model: ...")
CANDIDATE = Candidate("mine.py", b"class ModelNew: ...")


def report(verdict: Verdict, stage: Stage = Stage.correct, **more: object) -> Report:
    made = Report(TASK, CANDIDATE, verdict=verdict, stage=stage)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def timing(ratio: float = 2.0) -> Timing:
    found = Interval(ratio * 0.97, ratio, ratio * 1.03)
    same = Interval(0.99, 1.0, 1.01)
    return Timing(
        Speed.faster, found, same, 0.02, baseline_s=4e-3, candidate_s=4e-3 / ratio, wall_s=2e-3, once_s=1e-4,
        clocks_checked=True, gain_outside=ratio, blocks=12, calls=100, checked=12, baseline="eager",
    )  # fmt: skip


def test_a_right_one_is_told_its_speed_with_interval_and_baseline() -> None:
    told = of_report(report(Verdict.faster, Stage.confirm, timing=timing(), correctness=Correctness(24, 24)))
    assert (told.verdict, told.right, told.faster, told.speedup) == ("faster", True, True, 2.0)
    text = "\n".join(told.lines)
    assert "2.000 times the baseline's speed, 95% interval [1.940, 2.060]" in text
    assert "baseline (eager) 4 ms a call, candidate 2 ms a call" in text
    assert "right in 24 cells" in text


def test_a_wrong_one_is_told_the_kind_of_its_inputs_and_its_error_only() -> None:
    cell = Cell(17, "normal", ((64, 1024), (7,)), "transposed")
    reason = (
        f"cell ({cell}): output is wrong, most of all at [3, 511] of [64, 1024]; relative error 0.031, "
        "the reference's own is 1.2e-07"
    )
    told = of_report(report(Verdict.incorrect, reasons=[reason], wrong=Wrong.numerical, correctness=Correctness(5, 4)))
    assert told.lines == (
        "an output's numbers are wrong",
        "inputs: normal, [64, 1024] [7], transposed",
        "relative error 0.031, the reference's own is 1.2e-07",
        "4 cells of inputs were right before it",
    )
    assert not told.right
    assert "511" not in "".join(told.lines)


@pytest.mark.parametrize(
    "reason",
    [
        "cell (normal, at 3 5 of [64], contiguous): expected 0.5312 got 0.1",
        "cell (none of ours, declared shape, contiguous): 0.5",
        "element 17 should be 0.1234567",
    ],
)
def test_a_reason_of_another_form_is_not_told(reason: str) -> None:
    assert of_report(report(Verdict.incorrect, reasons=[reason], wrong=Wrong.numerical)).lines == (
        "an output's numbers are wrong",
    )


@pytest.mark.parametrize("wrong", list(Wrong))
def test_each_way_of_being_wrong_has_its_words_and_the_audit_keeps_its_own(wrong: Wrong) -> None:
    found = report(Verdict.incorrect, Stage.audit, reasons=["the output is an earlier one though"], wrong=wrong)
    (line,) = of_report(found).lines
    assert line
    assert "though" not in line


def test_what_a_program_says_is_told_with_its_line_and_not_without_end() -> None:
    said = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (192x256 and 128x256)\n" + "more\n" * 100
    told = of_report(report(Verdict.launch_error, Stage.launch, reasons=[said], line=12))
    assert told.lines[0] == "line 12"
    assert told.lines[1] == "RuntimeError: mat1 and mat2 shapes cannot be multiplied (192x256 and 128x256)"
    assert len(told.lines) == LINES_AT_MOST + 1


def test_a_compiler_is_heard_with_its_lines() -> None:
    errors = ["line 9: fused.cpp:3:5: error: 'acc' was not declared in this scope"]
    found = report(
        Verdict.compile_error, Stage.compile, reasons=["the extension fused does not compile"], line=9,
        compiled=Compiled(errors=errors),
    )  # fmt: skip
    assert of_report(found).lines == ("line 9", "the extension fused does not compile", *errors)


@pytest.mark.parametrize(
    "verdict", [Verdict.reward_hack, Verdict.needs_review, Verdict.timing_inconsistent, Verdict.protocol_error]
)
def test_how_something_was_noticed_is_not_told(verdict: Verdict) -> None:
    findings = [
        Finding("replaced_function", Tier.hard, "torch.empty is another one than before"),
        Finding("suspicious_call", Tier.support, "it reads the frames of its callers", 7),
        Finding("changed_switch", Tier.support, "it changed torch.get_num_threads"),
    ]
    told = of_report(report(verdict, Stage.audit, reasons=["by the clock outside it is 0.3 s"], findings=findings))
    text = "\n".join(told.lines)
    assert "changed_switch" in text
    for hint in ("replaced", "suspicious", "frames", "clock outside", "torch.empty"):
        assert hint not in text.replace("nothing remembered, hidden, replaced or left running", "")


def test_a_fault_of_the_machine_is_no_word_about_the_candidate() -> None:
    for verdict in NOT_THE_CANDIDATE:
        told = of_report(report(verdict, reasons=["a box failed: /srv/secret"]))
        assert not told.about_candidate
        assert "nothing was found out" in told.lines[0]
        assert "srv" not in told.lines[0]


# Every reason a broker can give might hold any of these; none may be told.
SECRETS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr).filter(lambda one: len(one) > 3),
    st.integers(10**8, 2**63 - 1).map(str),
    st.binary(min_size=16, max_size=32).map(bytes.hex),
)


@given(
    verdict=st.just(Verdict.incorrect) | st.sampled_from(list(Verdict)),
    stage=st.just(Stage.correct) | st.sampled_from(list(Stage)),
    wrong=st.none() | st.sampled_from(list(Wrong)),
    secrets=st.lists(SECRETS, min_size=1, max_size=12),
    form=st.sampled_from(
        ["tensor([{}])", "expected {} here", "seed={}", "cell (normal, [{}], contiguous): {}", "x\n{}"]
    ),
)
def test_no_number_of_a_reason_is_ever_told(
    verdict: Verdict, stage: Stage, wrong: Wrong | None, secrets: list[str], form: str
) -> None:
    reasons = [form.replace("{}", ", ".join(secrets))]
    findings = [Finding("suspicious_call", Tier.support, secrets[0], 3)]
    found = report(verdict, stage, reasons=reasons, wrong=wrong, findings=findings, timing=timing())
    told = of_report(found)
    # What is told without any reason is what may be said anyway: speeds and fixed sentences.
    anyway = of_report(replace(found, reasons=[], findings=[]))
    words = "\n".join(line for line in told.lines if line not in anyway.lines)
    for secret in secrets:
        assert secret not in words


@given(trial=st.integers(0, 1000))
def test_no_seed_of_a_real_secret_is_told(trial: int) -> None:
    drawn = seed(new_secret(), "check", trial)
    assert str(drawn) not in scrub(f"ValueError: manual_seed({drawn}) and {drawn:#x}")


def test_a_list_of_small_numbers_is_not_told() -> None:
    assert re.search(r"\d", scrub("x = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]")) is None
    assert scrub("shape [4, 3, 256, 256], line 12") == "shape [4, 3, 256, 256], line 12"


def test_rewards_are_for_what_is_right() -> None:
    for verdict in Verdict:
        worth = reward(report(verdict, timing=timing(3.0)))
        assert worth == pytest.approx(3.3 if verdict in PASSED else 0.0)
    assert reward(report(Verdict.equal)) == pytest.approx(0.3)


@given(st.lists(st.floats(0, 100), max_size=8))
def test_a_turn_is_worth_what_it_led_to(rewards: list[float]) -> None:
    worth = returns(rewards, 0.4)
    assert len(worth) == len(rewards)
    for at, one in enumerate(worth):
        assert one == pytest.approx(sum(0.4**k * later for k, later in enumerate(rewards[at:])))
