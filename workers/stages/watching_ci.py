"""watching_ci: CI's own word on the head commit, waited for and acted on."""

from agent import Phase
from forges.github.checks import has_stalled
from store import Stage
from workers import kernel_requests, windows
from workers.decisions import Decision, EndTask, Move, Wait
from workers.github import answering, following
from workers.github.source import desk_of
from workers.stages.in_review import to_revising
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    desk = desk_of(context)
    pull = following.pull_request(context, desk)
    if following.others_pushed(context, desk, pull):
        return Wait(0.0)
    asked, _ = answering.waiting(context)
    if asked:
        return to_revising(context)
    task = context.task()
    _, verdict = following.look(context, desk)
    settings = context.settings
    told = [task.head_sha, verdict.state, verdict.reason]
    # A blocked CI is looked at for as long as CI may take: it is said once, not at every look.
    if verdict.state != "pending" and task.data.get("ci_told") != told:
        context.tell("ci", state=verdict.state, reason=verdict.reason, sha=task.head_sha)
        context.remember(ci_told=told)
    since = task.data["head_since"]["at"]
    match verdict.state:
        case "green":
            return following.ready(context, desk, pull)
        case "unknown":
            # Nothing reported within the settle time: there may be no CI at all. That is said, not called green.
            context.tell("ci_absent", sha=task.head_sha)
            return following.ready(context, desk, pull)
        case "pending" | "blocked" if context.now() - since > settings.ci_timeout_s:
            raise EndTask(
                Stage.NEEDS_HUMAN,
                f"CI has not come to an end in {settings.ci_timeout_s / 60:.0f} minutes: {verdict.reason}",
            )
        case "pending":
            return Wait(min(settings.ci_poll_s, max(0.5, settings.ci_settle_s)))
        case "blocked":
            return Wait(settings.ci_poll_s)
    return _red(context, verdict.failing - verdict.failing_on_base, verdict.failing)


def _red(context: TaskContext, ours: frozenset[str], failing: frozenset[str]) -> Decision:
    if not ours:
        raise EndTask(
            Stage.NEEDS_HUMAN,
            f"the failing checks fail on the base commit too, so this change is not to repair them: {_list(failing)}",
        )
    task = context.task()
    if kernel := kernel_requests.expected_checks(task) & ours:
        # The candidate is the loop's: a window that repairs knows no kernels, and ends with a head nobody verified.
        raise EndTask(
            Stage.NEEDS_HUMAN,
            f"the pull request's own check does not bear out what was found before it: {_list(kernel)} fails",
        )
    history = [*task.data.get("ci_history", []), sorted(ours)]
    if has_stalled([frozenset(names) for names in history]):
        raise EndTask(
            Stage.NEEDS_HUMAN,
            f"two repairs did not make the set of failing checks smaller; still failing: {_list(ours)}",
        )
    return Move(
        Stage.REPAIRING,
        remember={"ci_history": history, "repairing": sorted(ours), **windows.next_round(task.data, Phase.repair)},
    )


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
