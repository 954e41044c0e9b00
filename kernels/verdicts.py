"""The verdicts on a kernel, a closed list, and what each means for a pull request's check. Pure.

Faults of the machine share no value with faults of the candidate: a worker that could not be started says nothing about
the kernel it was to run.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Conclusion = Literal["success", "failure", "neutral", "action_required"]


class Stage(StrEnum):
    """How far a verification came, in this order."""

    parse = "parse"
    policy_static = "policy_static"
    compile = "compile"
    load = "load"
    launch = "launch"
    correct = "correct"
    audit = "audit"
    time = "time"
    confirm = "confirm"


class Verdict(StrEnum):
    """What is said about a candidate. `reward_hack` needs dynamic proof or physics, never a text's looks."""

    parse_error = "parse_error"
    policy_violation = "policy_violation"
    compile_error = "compile_error"
    load_error = "load_error"
    launch_error = "launch_error"
    timeout = "timeout"
    oom = "oom"
    protocol_error = "protocol_error"
    incorrect = "incorrect"
    implausible_timing = "implausible_timing"
    timing_inconsistent = "timing_inconsistent"
    reward_hack = "reward_hack"
    needs_review = "needs_review"
    needs_gpu = "needs_gpu"
    slower = "slower"
    equal = "equal"
    ambiguous = "ambiguous"
    faster = "faster"
    invalid_task = "invalid_task"
    infra_error = "infra_error"


class Wrong(StrEnum):
    """In what way an `incorrect` candidate is wrong."""

    structure = "structure"
    dtype = "dtype"
    shape = "shape"
    layout = "layout"
    nonfinite = "nonfinite"
    numerical = "numerical"
    gradient = "gradient"
    nondeterministic = "nondeterministic"
    mutates_input = "mutates_input"
    mutates_state = "mutates_state"
    buffer_reuse = "buffer_reuse"
    aliases_input = "aliases_input"
    aliases_state = "aliases_state"
    out_of_bounds = "out_of_bounds"
    stale = "stale"


PASSED = frozenset({Verdict.faster, Verdict.equal, Verdict.slower, Verdict.ambiguous})
"""The candidate computes what it should; these say how fast."""
NOT_THE_CANDIDATE = frozenset({Verdict.invalid_task, Verdict.infra_error})
"""Nothing was found out about the candidate."""
_NEUTRAL = NOT_THE_CANDIDATE | {Verdict.ambiguous, Verdict.needs_gpu}


def conclusion(verdict: Verdict, *, claims_speed: bool = True) -> Conclusion:
    """The check run's conclusion. `claims_speed`: the pull request says that the kernel is faster.

    Source of the words: https://docs.github.com/en/rest/checks/runs, `conclusion`.
    """
    if verdict in _NEUTRAL:
        return "neutral"
    if verdict is Verdict.needs_review:
        return "action_required"
    if verdict is Verdict.faster:
        return "success"
    if verdict is Verdict.equal:
        return "neutral" if claims_speed else "success"
    return "failure"
