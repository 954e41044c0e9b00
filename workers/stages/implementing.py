"""implementing: a window that changes the code, then a clean one that looks for the evidence; both in one box."""

from dataclasses import replace

from agent import Annotation, Failure, Phase
from store import Stage
from workers import boxes, engineer, kernel_requests, windows
from workers.committing import commit_changes
from workers.decisions import Decision, Move
from workers.stages import optimising
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    task = context.task()
    if kernel_requests.target_of(task):
        return optimising.run(context)
    start = task.head_sha or task.base_sha or ""
    implement, prove = windows.name(task.data, Phase.implement), windows.name(task.data, Phase.prove)
    mirror = context.source.mirror(context)
    with boxes.attempt_box(context, start, (implement, prove)) as box:
        brief = engineer.brief_for(context, implement, start, places=True)
        result = engineer.run_window(context, Phase.implement, replace(brief, failures=_failures(task.data)), box)
        draft = commit_changes(
            context, mirror, start, box.get_changes(), subject=result.data["pr_title"], detail=result.data["summary"]
        )
        evidence = engineer.run_window(
            context,
            Phase.prove,
            replace(engineer.brief_for(context, prove, start), diff=mirror.diff(start, draft.sha)),
            box,
        )
        committed = commit_changes(
            context, mirror, start, box.get_changes(), subject=result.data["pr_title"], detail=result.data["summary"]
        )
    context.tell("implemented", sha=committed.sha, summary=result.data["summary"], left_out=list(committed.left_out))
    return Move(
        Stage.PROVING,
        columns={"head_sha": committed.sha},
        remember={
            "committed_round": task.data["round"],
            "title": result.data["pr_title"],
            "summary": result.data["summary"],
            "reproduction": evidence.data.get("reproduction"),
            "claims": evidence.data.get("claims", []),
        },
    )


def _failures(data: dict[str, object]) -> tuple[Failure, ...]:
    """What the proof of the last round said against it."""
    against = data.get("proof_against")
    if not isinstance(against, dict):
        return ()
    notes = tuple(Annotation(path="", line=0, message=str(test)) for test in against["tests"])
    return (Failure(check="proof", summary=str(against["reason"]), annotations=notes, log=str(against["log"])),)
