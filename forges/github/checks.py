"""Is the head commit green? A judgement over a snapshot, without I/O.

Green takes evidence: something besides ourselves has reported on this very commit, everything that must report has,
nothing is still running, and the last of it came some time ago (workflows appear one after another after a push). What
our own App checks besides can stand against a commit, and alone does not make it green.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from .check_runs import CheckRun
from .ci import Snapshot

State = Literal["green", "red", "pending", "unknown", "blocked"]

_PASSING = frozenset({"success", "neutral", "skipped"})
_NEEDS_SOMEBODY = frozenset({"action_required", "stale"})


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """The check run in which our App tells of the work itself. It says nothing new to us and does not count."""

    app_id: int
    name: str


@dataclass(frozen=True, slots=True)
class ChecksVerdict:
    """`state`: green and red are final for this commit; pending: look again later; unknown: CI said nothing at all, or
    the snapshot is of another commit; blocked: nothing will change unless a person does something.

    `failing` names what fails so far, also while pending. `failing_on_base` is the part that fails without us.
    """

    state: State
    reason: str
    failing: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    missing_required: frozenset[str] = frozenset()
    action_required: frozenset[str] = frozenset()
    failing_on_base: frozenset[str] = frozenset()
    required_known: bool = True


def judge(
    snapshot: Snapshot,
    *,
    head_sha: str,
    head_since: datetime,
    own: OwnCheck,
    now: datetime,
    settle: timedelta,
    base: Snapshot | None = None,
    expected: frozenset[str] = frozenset(),
) -> ChecksVerdict:
    """Return the verdict on the commit `head_sha`, the head since `head_since` (aware, as `now`).

    `settle` is how long nothing may have changed before a verdict is final. `base` is a snapshot of the commit the work
    started from. `expected`: names of what is known to be on its way.
    """
    if snapshot.head_sha != head_sha:
        return ChecksVerdict("unknown", f"the snapshot is of {snapshot.head_sha}, the head is {head_sha}")
    runs = newest_runs(snapshot, own)
    seen = {run.name for run in runs} | {status.context for status in snapshot.statuses}
    # Where our own check is required, it is not us we wait for.
    ourselves = {run.name for run in snapshot.runs if _is(run, own)}
    failing = failing_names(snapshot, own)
    pending = frozenset(
        {run.name for run in runs if run.status != "completed"}
        | {status.context for status in snapshot.statuses if status.state == "pending"}
    )
    coming = expected - seen
    missing = (snapshot.required or frozenset()) - seen - ourselves
    blocking = frozenset(
        {run.name for run in runs if run.status == "completed" and run.conclusion in _NEEDS_SOMEBODY}
        | set(snapshot.waiting_workflows)
    )
    settled = now - _last_change(snapshot, runs, head_since) >= settle
    others = [run for run in runs if run.app_id != own.app_id]
    reported = bool(others or snapshot.statuses or blocking)
    state, reason = _decide(reported, pending, coming, failing, missing, blocking, settled)
    return ChecksVerdict(
        state=state,
        reason=reason,
        failing=failing,
        pending=pending | coming,
        missing_required=frozenset(missing),
        action_required=blocking,
        failing_on_base=failing & failing_names(base, own) if base is not None else frozenset(),
        required_known=snapshot.required is not None,
    )


def _decide(
    reported: bool,
    pending: frozenset[str],
    coming: frozenset[str],
    failing: frozenset[str],
    missing: frozenset[str],
    blocking: frozenset[str],
    settled: bool,
) -> tuple[State, str]:
    if pending:
        return "pending", f"still running: {_list(pending)}"
    if coming:
        return "pending", f"not begun yet: {_list(coming)}"
    if not settled:
        return "pending", "the checks changed too recently to be settled"
    if failing:
        return "red", f"failing: {_list(failing)}"
    if blocking:
        return "blocked", f"waiting for a person: {_list(blocking)}"
    if missing:
        return "blocked", f"required but never reported: {_list(missing)}"
    if not reported:
        return "unknown", "no check or status but our own was reported for this commit"
    return "green", "everything that reported has passed"


def newest_runs(snapshot: Snapshot, own: OwnCheck) -> tuple[CheckRun, ...]:
    """Return the newest run of every App and name but `own`."""
    newest: dict[tuple[int | None, str], CheckRun] = {}
    for run in sorted(snapshot.runs, key=lambda run: run.id):
        if not _is(run, own):
            newest[run.app_id, run.name] = run
    return tuple(newest.values())


def failing_names(snapshot: Snapshot, own: OwnCheck) -> frozenset[str]:
    """Return the names of what has failed. A conclusion this code has never heard of counts as a failure."""
    runs = {
        run.name
        for run in newest_runs(snapshot, own)
        if run.status == "completed" and run.conclusion not in _PASSING | _NEEDS_SOMEBODY
    }
    return frozenset(runs | {each.context for each in snapshot.statuses if each.state not in ("success", "pending")})


def _is(run: CheckRun, own: OwnCheck) -> bool:
    return (run.app_id, run.name) == (own.app_id, own.name)


def _last_change(snapshot: Snapshot, runs: Sequence[CheckRun], head_since: datetime) -> datetime:
    times = [head_since, *(status.updated_at for status in snapshot.statuses)]
    for run in runs:
        times += [time for time in (run.started_at, run.completed_at) if time is not None]
    return max(times)


def has_stalled(history: Sequence[frozenset[str]], *, tries: int = 2) -> bool:
    """Say whether repair should stop: none of the last `tries` failing sets is smaller than the smallest before them.

    `history` holds the failing set of each final verdict, oldest first: the first from before any repair.
    """
    if len(history) <= tries:
        return False
    best_before = min(len(failing) for failing in history[:-tries])
    return all(len(failing) >= best_before for failing in history[-tries:])


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
