"""repairing: a clean window with what CI said against the change."""

from dataclasses import replace

from agent import Phase
from store import Stage
from workers import boxes, engineer, windows
from workers.committing import commit_changes
from workers.decisions import Decision, EndTask, Move
from workers.github import following
from workers.github.source import desk_of
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    desk = desk_of(context)
    task = context.task()
    head, window = task.head_sha or "", windows.name(task.data, Phase.repair)
    mirror = desk.mirror(context)
    snapshot, _ = following.look(context, desk)
    brief = replace(
        engineer.brief_for(context, window, head),
        diff=mirror.diff(task.base_sha or "", head),
        failures=following.failures(context, desk, snapshot, frozenset(task.data["repairing"])),
        earlier=tuple(task.data.get("repairs", [])),
    )
    with boxes.attempt_box(context, head, (window,)) as box:
        result = engineer.run_window(context, Phase.repair, brief, box)
        if result.data["give_up_reason"]:
            raise EndTask(Stage.NEEDS_HUMAN, f"CI fails and I could not repair it: {result.data['give_up_reason']}")
        summary = result.data["summary"]
        committed = commit_changes(
            context,
            mirror,
            head,
            box.get_changes(),
            subject=f"Repair {', '.join(task.data['repairing'])}",
            detail=summary,
        )
    context.tell("repaired", sha=committed.sha, summary=summary)
    return Move(
        Stage.PROVING,
        columns={"head_sha": committed.sha},
        remember={"committed_round": task.data["round"], "repairs": [*task.data.get("repairs", []), summary]},
    )
