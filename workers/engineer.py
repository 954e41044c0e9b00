"""Runs one phase of the agent for a task: its brief, its bench, and what its end means for the task."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from agent import Bench, Brief, ExitStatus, Limits, Note, Phase, PhaseResult, Quote, Ticket, run_phase
from codebase.index import Finder
from codebase.testing import Chooser
from sandboxes.contract import Box, BoxLost
from store import Stage, inputs
from workers import choosing, localising
from workers.decisions import EndTask
from workers.facts import facts_of
from workers.record_keeping import Books
from workers.workshop import TaskContext

TOO_LONG_FOR_A_BRIEF = 60_000

# What the end of a window means for the task when it is not a submission.
_ENDS: dict[ExitStatus, Stage] = {
    ExitStatus.limits_exceeded: Stage.NEEDS_HUMAN,
    ExitStatus.time_exceeded: Stage.NEEDS_HUMAN,
    ExitStatus.needs_human: Stage.NEEDS_HUMAN,
    ExitStatus.repeated_format_error: Stage.FAILED,
    ExitStatus.stuck: Stage.FAILED,
    ExitStatus.context_window: Stage.FAILED,
    ExitStatus.model_unavailable: Stage.FAILED,
    ExitStatus.model_rejected: Stage.FAILED,
}


def ticket_of(context: TaskContext) -> Ticket:
    """The ticket as it was when it was asked for."""
    task = context.task()
    said = task.ticket
    return Ticket(
        reference=said["reference"],
        title=said["title"],
        text=Quote(said["author"], said["permission"], said["body"][:TOO_LONG_FOR_A_BRIEF]),
        comments=tuple(
            Quote(comment["author"], comment["permission"], comment["body"][:TOO_LONG_FOR_A_BRIEF])
            for comment in said.get("comments", [])
        ),
    )


def brief_for(context: TaskContext, window: str, rev: str, *, places: bool = False) -> Brief:
    """What every phase is told: the ticket, the base branch's instructions, what earlier windows wrote; with `places`
    also where search finds the ticket in the tree of `rev`."""
    task = context.task()
    facts = facts_of(context)
    documents = task.data.get("documents", {})
    return Brief(
        window=window,
        repository=task.repository,
        ticket=ticket_of(context),
        base=f"{task.base_branch} at {rev[:12]}",
        instructions=facts.instructions,
        test_command=facts.test_command or "",
        places=localising.places(context, rev) if places else (),
        research=documents.get("research", ""),
        plan=documents.get("plan", ""),
        limits=Limits(
            steps=task.limit_steps, seconds=task.limit_seconds, command_seconds=context.settings.command_timeout_s
        ),
    )


def run_window(context: TaskContext, phase: Phase, brief: Brief, box: Box) -> PhaseResult:
    """The submitted result of a window. Raises EndTask when it ended otherwise, LeaseLost, BoxLost."""
    task = context.task()
    finder = localising.search_of(context, task.head_sha or task.base_sha or "")
    chooser = None
    if phase not in (Phase.research, Phase.plan):
        chooser = choosing.chooser(context, task.head_sha or task.base_sha or "", finder)
    with _bench(context, brief.window, box, finder, chooser) as bench:
        result = run_phase(phase, brief, bench)
    context.heartbeat.check()
    for line in result.fallbacks:
        context.tell("fallback", line=line)
    models = [context.workshop.models.shown(model) for model in result.models]
    context.remember(models=list(dict.fromkeys([*context.task().data.get("models", []), *models])))
    if result.status is ExitStatus.submitted:
        return result
    if result.status is ExitStatus.cancelled:
        context.let_go()
    if result.status is ExitStatus.infra_error:
        raise BoxLost("the sandbox was lost", result.reason)
    raise EndTask(_ENDS[result.status], result.reason)


@contextmanager
def _bench(
    context: TaskContext, window: str, box: Box, finder: Finder | None, chooser: Chooser | None
) -> Iterator[Bench]:
    books = Books(context.database, context.held, context.heartbeat, context.now)
    try:
        yield Bench(
            box=box,
            model=context.workshop.models.client(),
            journal=books,
            ledger=books,
            steering=lambda: _notes(context, window),
            cancelled=context.stopped,
            report=context.report,
            finder=finder,
            navigator=localising.navigator_of(context, finder),
            chooser=chooser,
        )
    finally:
        books.close()


def _notes(context: TaskContext, window: str) -> Sequence[Note]:
    """Comments made since the task was taken, for this window and no other."""
    with context.database.read() as session:
        if not inputs.any_for(session, context.id, "comment", taker=window):
            return ()
    with context.database.write() as session:
        taken = inputs.take(session, context.id, "comment", taker=window, now=context.now())
    return [Note(id=one.key, author=one.author, permission=one.permission, body=one.body) for one in taken]
