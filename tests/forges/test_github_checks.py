"""forges.github.checks: when is a commit green?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.check_runs import CheckRun
from forges.github.checks import ChecksVerdict, OwnCheck, has_stalled, judge
from forges.github.ci import Snapshot, StatusContext

OWN, CI_APP = 1, 2
OURS = OwnCheck(OWN, "ours")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
SETTLE = timedelta(seconds=30)
HEAD = "a" * 40


def run(
    name: str,
    conclusion: str | None = "success",
    *,
    app: int = CI_APP,
    run_id: int = 1,
    at: datetime = LONG_AGO,
    status: str | None = None,
) -> CheckRun:
    return CheckRun(
        id=run_id,
        name=name,
        head_sha=HEAD,
        status=status or ("completed" if conclusion else "in_progress"),
        conclusion=conclusion,
        external_id=None,
        app_id=app,
        app_slug="ci",
        started_at=at,
        completed_at=at if conclusion else None,
        details_url=None,
        html_url="",
        title="",
        summary="",
        annotations_count=0,
    )


def status(context: str, state: str, at: datetime = LONG_AGO) -> StatusContext:
    return StatusContext(context, state, "", at)


def snapshot(*parts: CheckRun | StatusContext, required: set[str] | None = None, **other: Any) -> Snapshot:
    return Snapshot(
        head_sha=HEAD,
        runs=tuple(part for part in parts if isinstance(part, CheckRun)),
        statuses=tuple(part for part in parts if isinstance(part, StatusContext)),
        required=frozenset(required or ()),
        **other,
    )


def verdict(
    seen: Snapshot,
    head_since: datetime = LONG_AGO,
    base: Snapshot | None = None,
    expected: frozenset[str] = frozenset(),
) -> ChecksVerdict:
    return judge(
        seen, head_sha=HEAD, head_since=head_since, own=OURS, now=NOW, settle=SETTLE, base=base, expected=expected
    )


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (snapshot(run("a")), "green"),
        (snapshot(run("a"), run("b", "neutral"), run("c", "skipped")), "green"),
        (snapshot(status("ci/a", "success")), "green"),
        (snapshot(run("a"), status("ci/a", "success"), required={"a", "ci/a"}), "green"),
        (snapshot(run("a", "failure")), "red"),
        (snapshot(run("a", "timed_out")), "red"),
        (snapshot(run("a", "cancelled")), "red"),
        (snapshot(run("a", "startup_failure")), "red"),
        (snapshot(run("a", "something_new")), "red"),
        (snapshot(run("a"), status("ci/a", "failure")), "red"),
        (snapshot(run("a"), status("ci/a", "error")), "red"),
        (snapshot(run("a", "failure"), run("b", "action_required")), "red"),
        (snapshot(run("a", None)), "pending"),
        (snapshot(run("a", None, status="queued")), "pending"),
        (snapshot(run("a"), status("ci/a", "pending")), "pending"),
        (snapshot(run("a", "failure"), run("b", None)), "pending"),
        (snapshot(), "unknown"),
        (snapshot(run("ours", app=OWN)), "unknown"),
        (snapshot(run("ours", "failure", app=OWN), run("a")), "green"),
        (snapshot(run("ours", None, app=OWN), run("a")), "green"),
        (snapshot(run("a"), required={"a", "b"}), "blocked"),
        (snapshot(required={"b"}), "blocked"),
        (snapshot(run("ours", app=OWN), required={"ours"}), "unknown"),
        (snapshot(run("ours", None, app=OWN), run("a"), required={"ours"}), "green"),
        (snapshot(run("ours", app=OWN), run("a"), required={"ours", "c"}), "blocked"),
        (snapshot(run("ours", "failure"), run("a")), "red"),  # another App's of the same name
        # What our App verifies besides stands against the commit, and is no evidence of others for it.
        (snapshot(run("kernel", "failure", app=OWN), run("a")), "red"),
        (snapshot(run("kernel", "failure", app=OWN)), "red"),
        (snapshot(run("kernel", None, app=OWN), run("a")), "pending"),
        (snapshot(run("kernel", None, app=OWN)), "pending"),
        (snapshot(run("kernel", "action_required", app=OWN), run("a")), "blocked"),
        (snapshot(run("kernel", "neutral", app=OWN), run("a")), "green"),
        (snapshot(run("kernel", app=OWN), run("a"), required={"kernel"}), "green"),
        (snapshot(run("kernel", app=OWN)), "unknown"),
        (snapshot(run("a", "action_required")), "blocked"),
        (snapshot(run("a", "stale")), "blocked"),
        (snapshot(waiting_workflows=("CI",)), "blocked"),
        (snapshot(run("a"), waiting_workflows=("CI",)), "blocked"),
    ],
)
def test_states(seen: Snapshot, state: str) -> None:
    assert verdict(seen).state == state


def test_the_snapshot_of_another_commit_says_nothing() -> None:
    seen = Snapshot(head_sha="b" * 40, runs=(run("a"),))
    assert verdict(seen).state == "unknown"


def test_nothing_is_final_before_it_has_settled() -> None:
    lately = NOW - timedelta(seconds=29)
    assert verdict(snapshot(run("a", at=lately))).state == "pending"
    assert verdict(snapshot(run("a", "failure", at=lately))).state == "pending"
    assert verdict(snapshot(status("a", "success", lately))).state == "pending"
    assert verdict(snapshot(), head_since=lately).state == "pending"
    assert verdict(snapshot(run("a", at=NOW - SETTLE)), head_since=NOW - SETTLE).state == "green"


def test_our_own_progress_does_not_unsettle() -> None:
    assert verdict(snapshot(run("a"), run("ours", None, app=OWN, at=NOW))).state == "green"


def test_what_is_known_to_come_is_waited_for() -> None:
    coming = frozenset({"kernel"})
    waits = verdict(snapshot(run("a")), expected=coming)
    assert (waits.state, waits.reason, waits.pending) == ("pending", "not begun yet: kernel", coming)
    assert verdict(snapshot(run("a"), run("kernel", app=OWN)), expected=coming).state == "green"
    assert verdict(snapshot(run("a"), run("kernel", "failure", app=OWN)), expected=coming).state == "red"


def test_the_newest_run_of_a_name_counts_for_each_app_apart() -> None:
    assert verdict(snapshot(run("a", "failure", run_id=1), run("a", run_id=2))).state == "green"
    assert verdict(snapshot(run("a", run_id=2), run("a", "failure", run_id=1))).state == "green"
    assert verdict(snapshot(run("a", run_id=2), run("a", "failure", run_id=1, app=3))).state == "red"


def test_names_are_told() -> None:
    seen = snapshot(
        run("unit", "failure"), run("lint", "failure"), run("slow", None), status("cov", "error"), required={"docs"}
    )
    base = snapshot(run("lint", "failure"), run("unit"), run("ours", "failure", app=OWN))
    result = verdict(seen, base=base)
    assert result.failing == {"unit", "lint", "cov"}
    assert result.pending == {"slow"}
    assert result.missing_required == {"docs"}
    assert result.failing_on_base == {"lint"}
    assert result.required_known


def test_unreadable_requirements_are_told_too() -> None:
    seen = Snapshot(head_sha=HEAD, runs=(run("a"),), required=None)
    result = verdict(seen)
    assert (result.state, result.required_known) == ("green", False)


conclusions = st.sampled_from([None, "success", "failure", "neutral", "action_required", "stale", "odd"])
our_runs = st.lists(
    st.builds(run, st.just("ours"), conclusions, app=st.just(OWN), run_id=st.integers(1, 9)), max_size=3
)
our_kernels = st.lists(
    st.builds(run, st.just("kernel"), conclusions, app=st.just(OWN), run_id=st.integers(1, 9)), max_size=2
)
runs = st.lists(
    st.builds(
        run,
        st.sampled_from("abc"),
        conclusions,
        app=st.sampled_from([CI_APP, 3]),
        run_id=st.integers(1, 9),
        at=st.sampled_from([LONG_AGO, NOW]),
    ),
    max_size=6,
)
statuses = st.lists(
    st.builds(status, st.sampled_from("xyz"), st.sampled_from(["success", "failure", "pending", "error"])),
    max_size=3,
    unique_by=lambda each: each.context,
)


@given(runs, our_runs, our_kernels, statuses, st.sets(st.sampled_from(["a", "b", "ours", "x"])), st.booleans())
def test_green_takes_evidence(
    others: list[CheckRun],
    ours: list[CheckRun],
    kernels: list[CheckRun],
    some_statuses: list[StatusContext],
    required: set[str],
    waiting: bool,
) -> None:
    some_runs = [*others, *ours, *kernels]
    seen = snapshot(*some_runs, *some_statuses, required=required, waiting_workflows=("W",) if waiting else ())
    result = verdict(seen)
    if result.state == "green":
        assert others or some_statuses
        assert result.failing | result.pending | result.missing_required == frozenset()
        assert not waiting
        assert required <= {each.name for each in some_runs} | {each.context for each in some_statuses}
        assert all(each.state == "success" for each in some_statuses)
    if result.state == "red":
        assert result.failing
        assert not result.pending
    # Our own account changes nothing, whatever it says, but for being there when it is required.
    left = required - {each.name for each in ours}
    rest = snapshot(*others, *kernels, *some_statuses, required=left, waiting_workflows=seen.waiting_workflows)
    assert verdict(rest) == result
    # What we verify besides makes nothing better.
    if kernels and result.state == "green":
        without = snapshot(*others, *some_statuses, required=left, waiting_workflows=seen.waiting_workflows)
        assert verdict(without).state == "green"


def sets(*words: str) -> list[frozenset[str]]:
    return [frozenset(word) for word in words]


@pytest.mark.parametrize(
    ("history", "stalled"),
    [
        ([], False),
        (sets("ab"), False),
        (sets("ab", "ab"), False),
        (sets("ab", "ab", "ab"), True),
        (sets("ab", "ab", "a"), False),
        (sets("ab", "a", "a"), False),
        (sets("ab", "a", "a", "a"), True),
        (sets("a", "b", "c"), True),
        (sets("abc", "abcd", "ab"), False),
        (sets("abc", "ab", "abc", "ab"), True),
        (sets("abc", "ab", "abc", "a"), False),
    ],
)
def test_stalled(history: list[frozenset[str]], stalled: bool) -> None:
    assert has_stalled(history) is stalled


@given(st.lists(st.frozensets(st.sampled_from("abcdef")), max_size=12))
def test_repair_goes_on_only_while_it_gets_better(history: list[frozenset[str]]) -> None:
    """Repair that stops when told has at most two tries more than the failing set could shrink."""
    lived = next((n for n in range(1, len(history) + 1) if has_stalled(history[:n])), len(history))
    assert lived <= (len(history[0]) if history else 0) * 2 + 3


def test_more_patience_on_request() -> None:
    assert not has_stalled(sets("a", "a", "a"), tries=3)
    assert has_stalled(sets("a", "a", "a", "a"), tries=3)
