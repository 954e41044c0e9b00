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


def conclusion(verdict: Verdict, *, claims_speed: bool = True, for_gpu: bool = False) -> Conclusion:
    """The check run's conclusion. `claims_speed`: the kernel is to be faster, not only right. `for_gpu`: the task is.

    Where a check is required, GitHub takes neutral for passed. So nothing is neutral that a candidate can bring about
    to escape being verified: what needs a GPU though its task needs none, a machine that fails again and again.

    Source of the words: https://docs.github.com/en/rest/checks/runs, `conclusion`; of what a required check takes:
    https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches
    """
    if verdict in PASSED and not claims_speed:
        return "success"
    match verdict:
        case Verdict.faster:
            return "success"
        case Verdict.equal | Verdict.ambiguous | Verdict.invalid_task:
            return "neutral"
        case Verdict.needs_gpu:
            return "neutral" if for_gpu else "action_required"
        case Verdict.needs_review | Verdict.infra_error:
            return "action_required"
    return "failure"
