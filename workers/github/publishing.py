"""publishing at GitHub: push, pull request, check run, answers. Each step finds what an earlier run of it made."""

import hashlib

from forges.github import Unprocessable
from forges.github.pull_request import PullText, compose
from forges.github.pulls import PullRequest
from proofs import render_markdown
from repositories import NonFastForward, PushRejected
from store import Stage, budgets
from workers.decisions import EndTask, Move
from workers.facts import facts_of
from workers.github import answering, optimised, showing
from workers.github.desk import Desk, marker
from workers.outside import perform
from workers.workshop import TaskContext


def publish(context: TaskContext, desk: Desk) -> Move:
    """Brings the task's head to GitHub and goes on to watch CI."""
    push(context, desk)
    pull = _pull_request(context, desk)
    context.record(pull_number=pull.number)
    showing.start_check(context, desk)
    answering.post_replies(context, desk)
    task = context.task()
    if task.data.get("optimised") and not task.data.get("own_pull", True):
        # The description is somebody else's.
        optimised.post(context, desk, str(task.data["summary"]))
    since = task.data.get("head_since")
    head_since = since["at"] if since and since["sha"] == task.head_sha else context.now()
    return Move(
        Stage.WATCHING_CI,
        columns={"pull_number": pull.number},
        remember={"head_since": {"sha": task.head_sha, "at": head_since}},
    )


def push(context: TaskContext, desk: Desk) -> None:
    """Pushes the head to the task's branch, forwards only. EndTask when it cannot be done without force."""
    task = context.task()
    head, branch = task.head_sha or "", task.branch or ""
    context.heartbeat.renew()
    try:
        desk.mirror(context).push(head, branch, expected=task.data.get("pushed_sha"))
    except NonFastForward:
        raise EndTask(
            Stage.NEEDS_HUMAN,
            f"somebody else pushed to `{branch}` while I worked, and I never force-push. My commit is `{head[:12]}`; "
            "retry starts again from what is there now",
        ) from None
    except PushRejected as rejected:
        raise EndTask(Stage.NEEDS_HUMAN, f"GitHub refused the push: {rejected}") from None
    context.remember(pushed_sha=head)


def _pull_request(context: TaskContext, desk: Desk) -> PullRequest:
    task = context.task()
    repository = desk.repository(context)
    if task.pull_number is not None and not task.data.get("own_pull", True):
        return repository.pulls.get(task.pull_number)
    composed = compose(_text(context, desk))
    head, base = task.branch or "", task.base_branch or ""
    if task.pull_number is None:
        try:
            made = perform(
                context,
                f"pull:{task.id}",
                find=lambda: (
                    None if (found := repository.pulls.find(head, base=base)) is None else {"number": found.number}
                ),
                make=lambda: {
                    "number": repository.pulls.create(
                        head=head, base=base, title=composed.title, body=composed.body, draft=True
                    ).number
                },
            )
        except Unprocessable as refusal:
            raise EndTask(Stage.NEEDS_HUMAN, f"GitHub refused the pull request: {refusal}") from None
        number = int(made["number"])
    else:
        number = task.pull_number
    pull = repository.pulls.get(number)
    written = task.data.get("body_digest")
    # A description somebody edited is theirs: the check run has the newest proof.
    if pull.body != composed.body and (written is None or written == _digest(pull.body)):
        pull = repository.pulls.update(number, body=composed.body)
    if written is None or written != _digest(pull.body):
        context.remember(body_digest=_digest(composed.body))
    return pull


def _text(context: TaskContext, desk: Desk) -> PullText:
    task = context.task()
    _, proof = showing.look(context)
    with context.database.read() as session:
        spent = budgets.spending(session, task.id)
    models = ", ".join(f"`{model}`" for model in task.data.get("models", [])) or "no model"
    left_out = task.data.get("left_out", [])
    summary = str(task.data.get("summary", ""))
    if left_out:
        summary += "\n\nLeft out, because only people may change these files: " + ", ".join(
            f"`{path}`" for path in left_out
        )
    return PullText(
        issue_number=None if task.is_pull_request else task.number,
        issue_title=str(task.data.get("title") or task.ticket["title"]),
        summary=summary,
        proof="No proof was made." if proof is None else render_markdown(proof),
        provenance=f"Asked by `{task.request['actor']}`. Worked on by {models}; {budgets.dollars(spent.usd_nanos)}, "
        f"{spent.steps} model calls. Task `{task.id}`.",
        target=task.base_branch or "",
        default_branch=str(task.data.get("default_branch", "")),
        marker=marker(context, "pull"),
        template=facts_of(context).facts.template,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.replace("\r\n", "\n").strip().encode("utf-8", "replace")).hexdigest()[:16]
