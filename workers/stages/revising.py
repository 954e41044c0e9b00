"""revising: a clean window with everything people asked for since, answered on the same branch."""

from dataclasses import replace

from agent import Phase
from store import Stage, inputs
from store.inputs import Input
from workers import boxes, engineer, windows
from workers.committing import commit_changes
from workers.decisions import Decision, Move
from workers.github import answering
from workers.github.source import desk_of
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    desk = desk_of(context)
    task = context.task()
    head, window = task.head_sha or "", windows.name(task.data, Phase.review)
    said = _take(context, window)
    comments = answering.gather(context, desk, said)
    if not comments:
        return Move(Stage.WATCHING_CI)
    mirror = desk.mirror(context)
    brief = replace(
        engineer.brief_for(context, window, head), diff=mirror.diff(task.base_sha or "", head), comments=comments
    )
    with boxes.attempt_box(context, head, (window,)) as box:
        result = engineer.run_window(context, Phase.review, brief, box)
        changes = box.get_changes()
        changed = set(changes) - mirror.ignored(head, changes)
        asked = {comment.id: comment.body for comment in comments}
        places = {f"comment-{one.data['comment_id']}": one.data.get("number") for one in said if one.kind == "comment"}
        replies = [
            dict(reply) | {"asked": asked[reply["comment_id"]], "number": places.get(reply["comment_id"])}
            for reply in result.data["replies"]
        ]
        if not changed:
            context.remember(replies=[reply | {"changed": False} for reply in replies])
            answering.post_replies(context, desk)
            return Move(Stage.WATCHING_CI)
        committed = commit_changes(
            context, mirror, head, changes, subject="Answer the review", detail=result.data["summary"]
        )
    return Move(
        Stage.PROVING,
        columns={"head_sha": committed.sha},
        remember={"committed_round": task.data["round"], "replies": replies},
    )


def _take(context: TaskContext, window: str) -> list[Input]:
    """The inputs of this round: the same ones when the round is run again."""
    taker, now = f"{window}:asked", context.now()
    with context.database.write() as session:
        return [
            *inputs.take(session, context.id, "review", taker=taker, now=now),
            *inputs.take(session, context.id, "comment", taker=taker, now=now),
        ]
