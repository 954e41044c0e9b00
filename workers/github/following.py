"""The pull request and CI as they are now: merged, closed, pushed to by others, green, red."""

from datetime import UTC, datetime, timedelta

from agent import Annotation, Failure
from forges.github.checks import ChecksVerdict, OwnCheck, failing_names, judge, newest_runs
from forges.github.ci import Snapshot
from forges.github.pulls import PullRequest
from store import Stage
from workers import kernel_requests
from workers.decisions import EndTask, Move
from workers.github import showing
from workers.github.desk import Desk
from workers.workshop import TaskContext

LOG_CHARS = 8_000
ANNOTATIONS_AT_MOST = 30
FAILURES_AT_MOST = 8


def pull_request(context: TaskContext, desk: Desk) -> PullRequest:
    """The task's pull request. Raises EndTask when it has been merged or closed."""
    task = context.task()
    pull = desk.repository(context).pulls.get(task.pull_number or 0)
    if pull.merged:
        raise EndTask(Stage.DONE, f"pull request #{pull.number} was merged")
    if pull.state != "open":
        raise EndTask(Stage.CANCELLED, f"pull request #{pull.number} was closed without being merged")
    return pull


def others_pushed(context: TaskContext, desk: Desk, pull: PullRequest) -> bool:
    """Takes over commits somebody else added to the branch. EndTask when our own are gone from it.

    False also when GitHub still shows the head of before our own push.
    """
    task = context.task()
    head = task.head_sha or ""
    if pull.head_sha == head:
        return False
    mirror = desk.mirror(context)
    mirror.fetch(f"+refs/heads/{pull.head_ref}:refs/heads/{pull.head_ref}")
    there = mirror.resolve(f"refs/heads/{pull.head_ref}")
    if mirror.is_ancestor(there, head):
        return False
    if not mirror.is_ancestor(head, there):
        raise EndTask(
            Stage.NEEDS_HUMAN,
            f"the branch `{pull.head_ref}` was rewritten by somebody else: my commit {head[:12]} is no longer in it",
        )
    context.tell("pushed_by_others", sha=there)
    context.record(head_sha=there)
    # Our proof is of our commit, not of theirs: with a head we have not proven no draft is made ready.
    context.remember(pushed_sha=there, head_since={"sha": there, "at": context.now()}, ci_history=[], verdict=None)
    return True


def look(context: TaskContext, desk: Desk) -> tuple[Snapshot, ChecksVerdict]:
    """What CI says of the task's head, and the verdict on it."""
    task = context.task()
    repository, head = desk.repository(context), task.head_sha or ""
    snapshot = repository.ci.snapshot(head, target=task.base_branch or "")
    own = _own(context, desk)
    base = (
        repository.ci.snapshot(task.base_sha or "", target=task.base_branch or "")
        if failing_names(snapshot, own)
        else None
    )
    since = task.data.get("head_since", {"at": task.stage_since})["at"]
    verdict = judge(
        snapshot,
        head_sha=head,
        head_since=datetime.fromtimestamp(since, UTC),
        own=own,
        now=datetime.fromtimestamp(context.now(), UTC),
        settle=timedelta(seconds=context.settings.ci_settle_s),
        base=base,
        expected=kernel_requests.expected_checks(task),
    )
    return snapshot, verdict


def _own(context: TaskContext, desk: Desk) -> OwnCheck:
    return OwnCheck(desk.identity_for(context).app_id, showing.CHECK_NAME)


def failures(context: TaskContext, desk: Desk, snapshot: Snapshot, names: frozenset[str]) -> tuple[Failure, ...]:
    """What the failing checks say, for the agent: summaries, annotations, the end of their logs."""
    ci = desk.repository(context).ci
    own = _own(context, desk)
    told: list[Failure] = []
    for run in newest_runs(snapshot, own):
        if run.name not in names or len(told) >= FAILURES_AT_MOST:
            continue
        notes = ci.findings(run, limit=ANNOTATIONS_AT_MOST)
        told.append(
            Failure(
                check=run.name,
                summary=f"{run.title}\n{run.summary}".strip() or f"concluded {run.conclusion}",
                annotations=tuple(
                    Annotation(note.path, note.start_line, f"{note.title} {note.message}".strip()) for note in notes
                ),
                log=(ci.log_tail(run) or "")[-LOG_CHARS:],
            )
        )
    told += [
        Failure(check=status.context, summary=f"{status.state}: {status.description}")
        for status in snapshot.statuses
        if status.context in names
    ]
    return tuple(told[:FAILURES_AT_MOST])


def ready(context: TaskContext, desk: Desk, pull: PullRequest) -> Move:
    """CI is settled and does not stand against the change: ready for review, if the proof holds."""
    task = context.task()
    verdict = task.data.get("verdict")
    holds = verdict == "proven" or kernel_requests.holds(task)
    if task.data.get("own_pull", True) and holds:
        context.heartbeat.renew()
        desk.repository(context).pulls.mark_ready(pull)
    elif not holds and verdict is not None:
        raise EndTask(
            Stage.NEEDS_HUMAN,
            f"the change is not proven ({str(verdict).replace('_', ' ')}): pull request #{pull.number} stays a draft",
        )
    return Move(Stage.IN_REVIEW)
