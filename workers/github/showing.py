"""Draws a task where people look: one comment on the ticket, one check run on the commit. Drawn again, not added."""

import hashlib
import json

from forges.github.check_runs import Button, Conclusion, Output
from proofs import Proof, render_markdown, render_summary
from store import Stage, budgets, events
from store import proofs as kept
from workers import status
from workers.github.desk import Desk, marker
from workers.outside import perform
from workers.workshop import TaskContext

CHECK_NAME = "Forgehand"
STOP = Button("Stop", "Stop this task", "stop")
RETRY = Button("Retry", "Start this task again", "retry")

_CONCLUSIONS: dict[Stage, Conclusion] = {
    Stage.IN_REVIEW: "success",
    Stage.DONE: "success",
    Stage.FAILED: "failure",
    Stage.CANCELLED: "cancelled",
    Stage.NEEDS_HUMAN: "action_required",
}


def show(context: TaskContext, desk: Desk) -> None:
    """Brings the comment and the check run up to date; what has not changed is not sent."""
    picture, proof = look(context)
    _show_comment(context, desk, status.draw_comment(picture))
    check = context.task().data.get("check_run")
    if check is not None:
        _show_check(context, desk, picture, proof, check)


def look(context: TaskContext) -> tuple[status.Picture, Proof | None]:
    """The task's picture now, with the proof of its present head or its newest one."""
    task = context.task()
    with context.database.read() as session:
        log = events.of_task(session, task.id)
        spent = budgets.spending(session, task.id)
        document = kept.of_head(session, task.id, task.head_sha or "") or kept.latest(session, task.id)
    proof = None if document is None else Proof.from_json(json.dumps(document))
    picture = status.picture_of(
        task,
        log,
        spent,
        proof=None if proof is None else render_summary(proof),
        plan=task.data.get("documents", {}).get("plan"),
    )
    return picture, proof


def _show_comment(context: TaskContext, desk: Desk, text: str) -> None:
    task = context.task()
    repository, number = desk.repository(context), task.number or 0
    bot, mark = desk.identity_for(context).bot, marker(context, "status")
    # The marker comes first: a text too long for GitHub is cut at its end.
    body = f"{mark}\n\n{text}"
    made = perform(
        context,
        f"comment:{task.id}:status",
        find=lambda: (
            None if (found := repository.issues.find_comment(number, mark, bot.id)) is None else {"id": found.id}
        ),
        make=lambda: {"id": repository.issues.create_comment(number, body).id, "digest": _digest(body)},
    )
    known = task.data.get("comment_digest") or made.get("digest")
    if known != _digest(body):
        repository.issues.update_comment(int(made["id"]), body)
    if task.data.get("comment_digest") != _digest(body):
        context.remember(comment_digest=_digest(body), comment_id=int(made["id"]))


def start_check(context: TaskContext, desk: Desk) -> None:
    """Puts our check run on the task's head; that of an earlier head is closed as superseded."""
    task = context.task()
    repository, head = desk.repository(context), task.head_sha or ""
    before = task.data.get("check_run")
    if before is not None and before["sha"] == head:
        return
    picture, proof = look(context)
    external_id = f"{task.id}:{head}"
    app_id = desk.identity_for(context).app_id
    output = _output(picture, proof)
    made = perform(
        context,
        f"check:{task.id}:{head}",
        find=lambda: (
            None
            if (
                found := repository.check_runs.find(
                    name=CHECK_NAME, head_sha=head, external_id=external_id, app_id=app_id
                )
            )
            is None
            else {"id": found.id}
        ),
        make=lambda: {
            "id": repository.check_runs.create(
                name=CHECK_NAME, head_sha=head, external_id=external_id, output=output
            ).id
        },
    )
    if before is not None:
        repository.check_runs.update(
            int(before["id"]),
            conclusion="neutral",
            output=Output("Superseded", f"A newer commit took this one's place: `{head[:12]}`."),
        )
    context.remember(check_run={"id": int(made["id"]), "sha": head}, check_digest=None)


def _show_check(
    context: TaskContext, desk: Desk, picture: status.Picture, proof: Proof | None, check: dict[str, object]
) -> None:
    output = _output(picture, proof)
    conclusion = _conclusion(picture, proof)
    buttons = () if picture.stage is Stage.DONE else (RETRY,) if picture.stage in _ENDS else (STOP, RETRY)
    digest = _digest(json.dumps([output.title, output.summary, output.text, conclusion]))
    if context.task().data.get("check_digest") == digest:
        return
    desk.repository(context).check_runs.update(
        int(str(check["id"])),
        status=None if conclusion else "in_progress",
        conclusion=conclusion,
        output=output,
        buttons=buttons,
    )
    context.remember(check_digest=digest)


_ENDS = frozenset({Stage.FAILED, Stage.CANCELLED, Stage.NEEDS_HUMAN})


def _conclusion(picture: status.Picture, proof: Proof | None) -> Conclusion | None:
    """Success only with a proof that holds: our own check never claims more than the evidence."""
    conclusion = _CONCLUSIONS.get(picture.stage)
    if conclusion == "success" and (proof is None or proof.verdict != "proven"):
        return "neutral"
    return conclusion


def _output(picture: status.Picture, proof: Proof | None) -> Output:
    summary = "No proof has been made yet." if proof is None else render_markdown(proof)
    return Output(status.headline(picture), summary, status.draw_check_text(picture))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
