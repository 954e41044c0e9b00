"""The agent's loop on a kernel: what it is told of one, how its candidates are verified, and what is told in the end.

The number that is told is never one the winner was chosen by. The best of many noisy measurements is better than it
really is, so a winner is verified once more, whole, by a broker, processes and a secret that have seen nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.optimising import Feedback, Outcome, Subject, Verify
from kernels import feedback
from kernels.broker import Broker, Report
from kernels.candidate import Candidate
from kernels.hosting import Place
from kernels.report import of_report
from kernels.task import Task
from kernels.timing import Timing
from kernels.verdicts import PASSED, Verdict
from sandboxes.contract import BoxLost
from workers.kernel_checks.exclusive import TimingLock, Turn

WINNERS_AT_MOST = 2
"""So many winners are verified again: to go on until one passes would be choosing by luck anew."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the last verification says: `gain`, why in words, and the documents of `kernels.report`. `source` is that of
    the candidate which was verified last; `report` is None when no candidate was faster in the first place."""

    gain: bool
    why: str
    source: str = ""
    turn: int = 0
    report: Mapping[str, Any] | None = None
    present: Mapping[str, Any] | None = None


def unfit(task: Task, candidate: str) -> str | None:
    """Why the loop cannot make this faster, None where it can. `candidate`: the name of the file the winner goes into.

    What only a GPU can run ends each turn as `needs_gpu` here: all of them would be paid for a sure "no gain".
    """
    if candidate.endswith(".cu"):
        return f"{candidate} is a CUDA source, and a model's candidates are Python files that define ModelNew"
    if task.device == "cuda":
        return (
            "it is for a GPU (device: cuda), on which the loop runs nothing: no candidate could be found to be faster"
        )
    return None


def subject_of(task: Task, present: Candidate | None) -> Subject:
    """What a model is told of a task and of the candidate that is there now."""
    shown = None if present is None else present.source.decode("utf-8", "replace")
    return Subject(task.name, task.source.decode("utf-8", "replace"), shown, tuple(_facts(task)))


def _facts(task: Task) -> list[str]:
    floor = "" if task.tolerance.floor is None else f", or {task.tolerance.floor:g} relative to its row"
    facts = [
        f"It runs on the {'GPU' if task.device == 'cuda' else 'CPU, on one thread'}.",
        "Inputs have the dtypes of get_inputs() and, unless said otherwise, its shapes, but other values: normal, "
        "uniform, large, sparse, whole numbers and more.",
        f"The model is in {'training' if task.train else 'evaluation'} mode.",
        f"An error may be {task.tolerance.ratio:g} times the reference's own rounding{floor}.",
    ]
    if task.library_ops is not None:
        allowed = ", ".join(sorted(task.library_ops)) or "none"
        facts.append(f"Of torch's own operations only these may compute: {allowed}.")
    if task.backward:
        facts.append("Its gradients are held to the reference's too.")
    if task.shapes:
        shapes = "; ".join(" ".join(str(list(one)) for one in case) for case in task.shapes[:16])
        facts.append(f"It must be right for these shapes too: {shapes}.")
    if task.layouts != ("contiguous",):
        facts.append(f"Inputs may lie in memory like this: {', '.join(task.layouts)}.")
    return facts


@dataclass(frozen=True, slots=True)
class Lane:
    """How verifications are made here. `folder` has the lock by which one at a time is timed on this machine. `pause`
    is called with seconds while that is waited for, and with 0 between stages; what it raises ends a verification.
    `turn` makes one to wait for where more machines than this have a share in it."""

    place: Place
    folder: Path
    pause: Callable[[float], object]
    turn: Callable[[], Turn] | None = None

    def verified(self, broker: Broker, task: Task, candidate: Candidate, *, quick: bool) -> Report:
        """The verdict on a candidate."""
        turn = self.turn() if self.turn is not None else None
        with TimingLock(self.folder, self.pause, turn=turn) as alone:
            return broker.verify(task, candidate, quick=quick, told=alone.of(broker))


def verifier(lane: Lane, broker: Broker, task: Task) -> Verify:
    """Quick verdicts, each with a secret and a process of its own, as far as a model may know them."""

    def verify(source: str) -> Feedback:
        report = lane.verified(broker, task, Candidate("candidate.py", source.encode()), quick=True)
        return Feedback.model_validate(asdict(feedback.of_report(report)))

    return verify


def settle(
    lane: Lane,
    task: Task,
    present: Candidate | None,
    outcome: Outcome,
    repro: str,
    *,
    told: Callable[[str], None] = lambda _: None,
) -> Settled:
    """Verifies the winners once more, and the present candidate beside them. `repro`: the command that does it again.

    Takes minutes. Nothing a candidate does is raised. BoxLost when the machine fails at one of them: without its
    verdict neither a gain nor that there is none can be told.
    """
    if not outcome.winners:
        return Settled(False, _nothing(outcome))
    last = Settled(False, "")
    with Broker(lane.place, several=True) as broker:
        beside = None
        if present is not None:
            told("the present candidate is verified in full")
            beside = _known(lane.verified(broker, task, present, quick=False), "the present candidate")
        for tried in outcome.winners[:WINNERS_AT_MOST]:
            told(f"turn {tried.number} is verified once more, in full")
            winner = Candidate("candidate.py", tried.source.encode())
            report = _known(lane.verified(broker, task, winner, quick=False), f"the candidate of turn {tried.number}")
            gain, why = judge(report, beside)
            last = Settled(
                gain, why, tried.source, tried.number, of_report(report, repro),
                None if beside is None else of_report(beside, repro),
            )  # fmt: skip
            if gain:
                return last
    return last


def _known(report: Report, whose: str) -> Report:
    if report.verdict is Verdict.infra_error:
        raise BoxLost(f"{whose} could not be verified in full", "; ".join(report.reasons))
    return report


def judge(winner: Report, present: Report | None) -> tuple[bool, str]:
    """Whether the winner is a gain, and why: faster than the baseline, and than the present candidate where that is
    right. Two intervals that do not touch say so; both are against the same baseline. Pure."""
    if winner.verdict is not Verdict.faster or winner.timing is None:
        return False, f"verified once more by a process that had seen nothing, it is {winner.verdict.value}"
    if present is None or present.verdict not in PASSED or present.timing is None:
        return True, _speed(winner.timing)
    said, there = _speed(winner.timing), _speed(present.timing)
    if _slowest(winner.timing, present.timing) >= 1:
        return False, f"it has {said} and the present candidate {there}: the intervals touch"
    return True, f"{said}; the present candidate has {there}"


def _speed(timing: Timing) -> str:
    found = timing.found
    return f"{found.ratio:.2f} times the baseline's speed, 95% interval [{found.low:.2f}, {found.high:.2f}]"


def _slowest(winner: Timing, present: Timing) -> float:
    """The winner's time at its slowest as a share of the present candidate's at its fastest. Where the two were held
    against different baselines, the baselines' own times have to stand between them."""
    same = 1.0 if winner.baseline == present.baseline else winner.baseline_s / present.baseline_s
    return present.found.high / winner.found.low * same


def _nothing(outcome: Outcome) -> str:
    tries = len(outcome.tries)
    return f"none of {tries} tries was faster than the baseline ({outcome.right} were right); {outcome.reason}"


def turns_of(outcome: Outcome) -> list[dict[str, Any]]:
    """The turns for a document: verdicts and times, no source. `return`: with what later turns made of it."""
    rewards = [0.0 if one.feedback is None else one.feedback.reward for one in outcome.tries]
    return [
        {
            "turn": one.number,
            "branch": one.branch,
            "idea": one.idea,
            "verdict": None if one.feedback is None else one.feedback.verdict,
            "stage": None if one.feedback is None else one.feedback.stage,
            "speedup": None if one.feedback is None else _rounded(one.feedback.speedup),
            "interval_95": None
            if one.feedback is None or one.feedback.low is None
            else [_rounded(one.feedback.low), _rounded(one.feedback.high)],
            "trouble": one.trouble or None,
            "reward": _rounded(reward),
            "return": _rounded(worth),
        }
        for one, reward, worth in zip(outcome.tries, rewards, feedback.returns(rewards), strict=True)
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
