"""The stage `implementing` of a task that makes a kernel faster: the loop in place of a window that edits.

Nothing runs in the task's own box here: candidates are text, and each is verified in the boxes of the kernel lane. What
stands in the tree in the end is the winner, and nothing else is changed. What is right is said by the base branch
alone: the entry in its `.forgehand.yml`, and the reference as it is there.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.model import Cancelled, ModelRejected
from agent.optimising import Bounds, NotGradable, Outcome, Try, optimise
from agent.optimising.contract import End
from agent.optimising.prompting import summary
from agent.prices import PriceUnknown
from codebase.kernel_entries import KernelEntry, read_kernels
from kernels.broker import Broker
from kernels.candidate import Candidate
from kernels.task import MOST_SOURCE, Task, TaskError
from repositories import Mirror
from repositories.errors import TreeTooLarge
from sandboxes.contract import FileChange
from store import Stage
from workers import kernel_requests
from workers.committing import commit_changes
from workers.decisions import Decision, EndTask, Move
from workers.github import optimised
from workers.github.source import desk_of
from workers.kernel_checks.exclusive import lock_folder
from workers.kernel_checks.reading import task_of
from workers.kernel_checks.telling import check_name
from workers.kernel_checks.turns import MachineTurn
from workers.kernel_place import make_place
from workers.optimising import Lane, Settled, settle, subject_of, turns_of, unfit, verifier
from workers.record_keeping import Books
from workers.workshop import TaskContext

_ENDS = {
    End.budget: Stage.NEEDS_HUMAN,
    End.context: Stage.FAILED,
    End.no_model: Stage.FAILED,
    End.not_gradable: Stage.NEEDS_HUMAN,
}


@dataclass(frozen=True, slots=True)
class Requested:
    """`present`: the candidate where the work starts, None where there is none yet. `at`: the commit of the base branch
    whose word counts."""

    entry: KernelEntry
    task: Task
    present: Candidate | None
    at: str


def run(context: TaskContext) -> Decision:
    """Proving, with the winner committed; or done, with no gain found and people told so."""
    task = context.task()
    start = task.head_sha or task.base_sha or ""
    mirror = context.source.mirror(context)
    found = requested(str(kernel_requests.target_of(task)), mirror, _ground(context, mirror), start)
    lane = Lane(
        make_place(context.settings),
        lock_folder(context.settings),
        lambda seconds: _pause(context, seconds),
        lambda: MachineTurn(context.workshop),
    )
    outcome = _tried(context, found, lane, f"{task.data['round']}/optimise")
    models = [context.workshop.models.shown(model) for model in outcome.models]
    context.remember(models=list(dict.fromkeys([*context.task().data.get("models", []), *models])))
    if outcome.end in _ENDS and not outcome.winners:
        raise EndTask(
            _ENDS[outcome.end], f"{outcome.reason}, and none of {len(outcome.tries)} tries was faster by then"
        )
    try:
        settled = settle(lane, found.task, found.present, outcome, _repro(found), told=context.report)
    except Cancelled:
        context.let_go()
    told = optimised.Told(found.entry, found.at, turns_of(outcome), settled)
    if not settled.gain:
        optimised.post(context, desk_of(context), optimised.no_gain(told))
        return Move(Stage.DONE, f"no gain found: {settled.why}")
    return _committed(context, mirror, start, found, settled, told)


def _committed(
    context: TaskContext, mirror: Mirror, start: str, found: Requested, settled: Settled, told: optimised.Told
) -> Move:
    title, change = optimised.title(told), FileChange("file", False, settled.source.encode())
    committed = commit_changes(
        context, mirror, start, {found.entry.candidate: change}, subject=title, detail=f"Verified: {settled.why}."
    )
    context.tell("implemented", sha=committed.sha, summary=settled.why, left_out=list(committed.left_out))
    return Move(
        Stage.PROVING,
        columns={"head_sha": committed.sha},
        remember={
            "committed_round": context.task().data["round"],
            "title": title,
            "summary": optimised.gain(told),
            "reproduction": None,
            "claims": [],
            "optimised": {"sha": committed.sha, "check": awaited_check(context, found.entry.name)},
        },
    )


def awaited_check(context: TaskContext, kernel: str) -> str:
    """The name of the check run that the kernel gets on the task's pull request."""
    repository, task = desk_of(context).repository(context), context.task()
    base = repository.pulls.get(task.number or 0).base_ref if task.is_pull_request else task.base_branch
    return check_name(kernel, None if base == repository.info().default_branch else base)


def _ground(context: TaskContext, mirror: Mirror) -> str:
    """The commit whose word counts on what is right: of a pull request, its base branch as it is now."""
    task = context.task()
    if not task.is_pull_request:
        return task.base_sha or ""
    pull = desk_of(context).repository(context).pulls.get(task.number or 0)
    return mirror.resolve(f"refs/heads/{pull.base_ref}")


def _tried(context: TaskContext, found: Requested, lane: Lane, window: str) -> Outcome:
    settings = context.settings
    bounds = Bounds(settings.optimize_turns, settings.optimize_branches, settings.optimize_patience)
    books = Books(context.database, context.held, context.heartbeat, context.now)

    def told(one: Try) -> None:
        context.report(f"turn {one.number} of {bounds.turns}: {summary(one)}")

    try:
        client = context.workshop.models.client()
        # None is made ahead: while a model thinks, a worker that waits would come to the end of its life.
        with Broker(lane.place) as broker:
            return optimise(
                subject_of(found.task, found.present), verifier(lane, broker, found.task), client,
                ledger=books, journal=books, window=window, bounds=bounds, cancelled=context.stopped, told=told,
            )  # fmt: skip
    except Cancelled:
        context.let_go()
    except NotGradable as error:
        raise EndTask(Stage.NEEDS_HUMAN, f"nothing can be found out about candidates: {error}") from None
    except (ModelRejected, PriceUnknown) as error:
        raise EndTask(Stage.FAILED, str(error)) from None
    finally:
        books.close()


def _pause(context: TaskContext, seconds: float) -> None:
    """Waits; Cancelled as soon as the task has to be let go of."""
    context.workshop.draining.wait(seconds)
    if context.stopped():
        raise Cancelled


def _repro(found: Requested) -> str:
    """In a clone, on the branch that has the candidate."""
    return f"forgehand kernel check {found.entry.name}"


def requested(target: str, mirror: Mirror, at: str, start: str) -> Requested:
    """The kernel to make faster. `at`: the base branch's commit; `start`: the commit to work on. EndTask, with what
    whoever asked has to do, when there is none."""
    entry = kernel_requests.find(target, read_kernels(lambda path: mirror.read_file(at, path)))
    if isinstance(entry, str):
        raise EndTask(Stage.NEEDS_HUMAN, entry)
    try:
        task = task_of(entry, mirror, at)
    except TaskError as error:
        raise EndTask(
            Stage.NEEDS_HUMAN, f"the kernel `{entry.name}` cannot be verified by what the base branch has: {error}"
        ) from None
    if (why := unfit(task, entry.candidate)) is not None:
        raise EndTask(Stage.NEEDS_HUMAN, f"the kernel `{entry.name}` cannot be made faster by me: {why}")
    try:
        source = mirror.read_file(start, entry.candidate, limit=MOST_SOURCE)
    except TreeTooLarge:
        raise EndTask(
            Stage.NEEDS_HUMAN, f"the candidate `{entry.candidate}` there is has more than {MOST_SOURCE} bytes"
        ) from None
    return Requested(entry, task, None if source is None else Candidate(entry.candidate, source), at)
