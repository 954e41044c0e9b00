"""What a report says to whoever writes the next candidate. Pure.

Every word told is a bit about the verification that the next candidate can be fitted to. So what is told is of few
kinds: how far it came, in what way it is wrong, of which kind the inputs were, what its own program said, how fast it
is. Never a seed, an input, an expected value, an index, or how something dishonest was noticed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernels.distributions import DISTRIBUTIONS
from kernels.task import LAYOUTS
from kernels.verdicts import NOT_THE_CANDIDATE, PASSED, Stage, Verdict, Wrong

if TYPE_CHECKING:
    from kernels.broker import Report

LINES_AT_MOST = 40
_STAGES = list(Stage)
_LINE_CHARS = 300
_CORRECT = 0.3
_MOST_REWARDED = 100.0

_HONEST_RULES = {
    "changed_switch": "it changes a setting of the whole process (threads, precision, determinism)",
    "threads_left": "threads it started are alive after the call",
    "drew_random_numbers": "it draws random numbers or sets a seed; the reference's calls do not",
    "derives_from_reference": "ModelNew derives from the reference's class",
}
"""Findings that an honest author makes by accident and can mend once told. All others are told to people only."""

_OWN_WORDS = {Verdict.parse_error, Verdict.compile_error, Verdict.load_error, Verdict.launch_error}
"""What the candidate's own program, or the compiler, said about it."""

_WRONG = {
    Wrong.structure: "the output has another structure than the reference's",
    Wrong.dtype: "an output has another dtype than the reference's",
    Wrong.shape: "an output has another shape than the reference's",
    Wrong.layout: "an output lies otherwise in memory than the reference's",
    Wrong.nonfinite: "an output is not finite where the reference's is, or the other way round",
    Wrong.numerical: "an output's numbers are wrong",
    Wrong.gradient: "gradients are wrong",
    Wrong.nondeterministic: "the same inputs do not always give a right output",
    Wrong.mutates_input: "it changes its inputs, which the reference does not",
    Wrong.mutates_state: "the model's state after a call is not what it should be",
    Wrong.buffer_reuse: "an output is no longer right after the next call: each call needs an output of its own",
    Wrong.aliases_input: "the output shares memory with an input",
    Wrong.aliases_state: "the output shares memory with the weights",
    Wrong.out_of_bounds: "it reads or writes outside of its tensors",
    Wrong.stale: "the output does not belong to the present inputs and weights",
}
_ENDS = {
    Verdict.timeout: "it did not answer in time",
    Verdict.oom: "it needs more memory than its box has",
    Verdict.needs_gpu: "it needs a GPU and there is none here, so it cannot be shown to be faster",
    Verdict.invalid_task: "the task itself is not worth grading: nothing was found out about the candidate",
    Verdict.infra_error: "the machine failed: nothing was found out about the candidate",
}
_NOT_ACCEPTED = (
    "It is not accepted, and not for its arithmetic. A candidate computes its output from its arguments in each call, "
    "with nothing remembered, hidden, replaced or left running."
)

_SHAPE = r"\[(?:\d{1,7}(?:, \d{1,7}){0,9})?\]"
_WORDS = "|".join(map(re.escape, (*DISTRIBUTIONS, "declared")))
_CELL = re.compile(
    rf"cell \((?P<kind>(?:{_WORDS}), (?:declared shape|{_SHAPE}(?: {_SHAPE}){{0,20}}), (?:{'|'.join(LAYOUTS)}))\)"
)
_ERRORS = re.compile(r"relative error (?P<error>[\d.e+-]{1,12}), the reference's own is (?P<own>[\d.e+-]{1,12})\Z")
# Shapes, lines and sizes are short whole numbers; contents of tensors, seeds and addresses are none of these.
_SECRET_LIKE = re.compile(
    r"0x[0-9a-fA-F]+|[0-9a-fA-F]{16,}|[+-]?\d*\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d{8,}|\b(?:nan|inf)\b"
)
_MANY_NUMBERS = re.compile(r"(?:\d+[\s,;:\]\[)(]+){9,}\d+")
LEFT_OUT = "…"


@dataclass(frozen=True, slots=True)
class Feedback:
    """`right`: it computes what it should. `faster`: the verdict says so. `about_candidate` is false for faults of the
    task and the machine. `reached`: how far it came, counted in stages. `low`, `high`: the 95% interval of `speedup`;
    times in seconds a call. `lines`: the words."""

    verdict: str
    stage: str
    right: bool
    faster: bool
    about_candidate: bool
    reached: int
    reward: float
    lines: tuple[str, ...]
    speedup: float | None = None
    low: float | None = None
    high: float | None = None
    baseline_s: float | None = None
    candidate_s: float | None = None


def of_report(report: Report) -> Feedback:
    """What may be told of a report."""
    timing = report.timing if report.verdict in PASSED else None
    return Feedback(
        verdict=report.verdict.value,
        stage=report.stage.value,
        right=report.passed,
        faster=report.verdict is Verdict.faster,
        about_candidate=report.verdict not in NOT_THE_CANDIDATE,
        reached=_STAGES.index(report.stage),
        reward=reward(report),
        lines=tuple(_lines(report)),
        speedup=None if timing is None else timing.found.ratio,
        low=None if timing is None else timing.found.low,
        high=None if timing is None else timing.found.high,
        baseline_s=None if timing is None else timing.baseline_s,
        candidate_s=None if timing is None else timing.candidate_s,
    )


def reward(report: Report) -> float:
    """0.3 for being right and the speed-up on top (Kevin-32B, arXiv 2507.11948); 0 for all that is not right."""
    if not report.passed:
        return 0.0
    if report.timing is None or not math.isfinite(report.timing.found.ratio):
        return _CORRECT
    return _CORRECT + min(max(report.timing.found.ratio, 0.0), _MOST_REWARDED)


def returns(rewards: Sequence[float], discount: float = 0.4) -> list[float]:
    """What each turn is worth: its own reward and, discounted, those of the turns after it (Kevin-32B), so that a wrong
    first try which led to a right one is not worth nothing."""
    worth, after = [], 0.0
    for one in reversed(rewards):
        after = one + discount * after
        worth.append(after)
    return worth[::-1]


def _lines(report: Report) -> list[str]:
    verdict = report.verdict
    if verdict in PASSED:
        return _speed(report)
    if verdict is Verdict.incorrect:
        return _wrong(report)
    if verdict in _OWN_WORDS:
        at = [f"line {report.line}"] if report.line is not None else []
        compiler = report.compiled.errors if report.compiled is not None else []
        return [*at, *_scrubbed([*report.reasons, *compiler])]
    if verdict in _ENDS:
        return [f"{_ENDS[verdict]} (stage {report.stage.value})"]
    honest = dict.fromkeys(one.rule for one in report.findings if one.rule in _HONEST_RULES)
    return [_NOT_ACCEPTED, *(f"{rule}: {_HONEST_RULES[rule]}" for rule in honest)]


def _wrong(report: Report) -> list[str]:
    lines = [_WRONG[report.wrong] if report.wrong is not None else "an output is wrong"]
    if report.stage is not Stage.correct:
        return lines
    text = report.reasons[-1] if report.reasons else ""
    if (cell := _CELL.search(text)) is not None:
        lines.append(f"inputs: {cell['kind']}")
    if (errors := _ERRORS.search(text)) is not None:
        lines.append(f"relative error {errors['error']}, the reference's own is {errors['own']}")
    if report.correctness is not None:
        lines.append(f"{report.correctness.passed} cells of inputs were right before it")
    return lines


def _speed(report: Report) -> list[str]:
    lines = []
    if report.correctness is not None:
        error, own = report.correctness.error, report.correctness.native_error
        lines.append(f"right in {report.correctness.passed} cells; error {error:.2g}, the reference's own {own:.2g}")
    if (timing := report.timing) is not None:
        found = timing.found
        lines += [
            f"{found.ratio:.3f} times the baseline's speed, 95% interval [{found.low:.3f}, {found.high:.3f}]",
            f"baseline ({timing.baseline}) {timing.baseline_s * 1e3:.4g} ms a call, candidate "
            f"{timing.candidate_s * 1e3:.4g} ms a call",
            f"differences under {timing.smallest_effect:.1%} cannot be told apart here",
        ]
        if timing.overhead_dominated:
            lines.append("the baseline is so short that mostly what calling from Python costs is measured")
    return lines


def _scrubbed(reasons: Sequence[str]) -> list[str]:
    """The first lines of what a program said, without what could be contents of tensors."""
    lines = [line.rstrip() for text in reasons for line in text.splitlines() if line.strip()]
    return [scrub(line)[:_LINE_CHARS] for line in lines[:LINES_AT_MOST]]


def scrub(line: str) -> str:
    """A line in which no number stands that could be an input's, an output's or a seed.

    A program can say such numbers in words of its own; they help nobody, since each verification has its own secret.
    """
    return _SECRET_LIKE.sub(LEFT_OUT, _MANY_NUMBERS.sub(LEFT_OUT, line))
