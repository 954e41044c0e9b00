"""Answers to reviews: what was asked is gathered before the window, what it answered is posted after the push."""

from collections.abc import Sequence
from typing import Any

from agent import ReviewComment
from forges.github.markdown import quote
from forges.github.reviews import ReviewComment as InlineComment
from store import inputs
from store.inputs import Input
from workers.github.desk import Desk, marker
from workers.outside import perform
from workers.workshop import TaskContext

QUOTED_CHARS = 600


def gather(context: TaskContext, desk: Desk, said: Sequence[Input]) -> tuple[ReviewComment, ...]:
    """Everything that wants an answer in these inputs, each once: inline comments, review texts, comments."""
    task = context.task()
    repository, number = desk.repository(context), task.pull_number or 0
    bot = desk.identity_for(context).bot
    inline = list(repository.reviews.comments(number))
    items: dict[str, ReviewComment] = {}
    for one in said:
        if one.kind == "comment":
            items[f"comment-{one.data['comment_id']}"] = _item(f"comment-{one.data['comment_id']}", one, one.body)
            continue
        review_id, comment_id = one.data.get("review_id"), one.data.get("comment_id")
        if review_id is not None and one.body.strip():
            items[f"review-{review_id}"] = _item(f"review-{review_id}", one, one.body)
        if one.data.get("words_only"):
            continue
        for comment in inline:
            wanted = comment.id == comment_id if review_id is None else comment.review_id == review_id
            if wanted and comment.author.id != bot.id:
                items[str(comment.id)] = ReviewComment(
                    id=str(comment.id),
                    author=comment.author.login,
                    permission=one.permission,
                    body=comment.body,
                    path=comment.path,
                    line=comment.line or comment.original_line,
                    hunk=comment.diff_hunk,
                )
    return tuple(items.values())


def _item(identity: str, one: Input, body: str) -> ReviewComment:
    return ReviewComment(id=identity, author=one.author, permission=one.permission, body=body)


def waiting(context: TaskContext) -> tuple[list[Input], float | None]:
    """The inputs that are ripe now, and when the next one will be."""
    now = context.now()
    with context.database.read() as session:
        said = [*inputs.waiting(session, context.id, "review"), *inputs.waiting(session, context.id, "comment")]
    ripe = [one for one in said if one.not_before <= now]
    return ripe, min((one.not_before for one in said if one.not_before > now), default=None)


def post_replies(context: TaskContext, desk: Desk) -> None:
    """Posts the answers that are due, each once, then forgets them."""
    task = context.task()
    replies: list[dict[str, Any]] = task.data.get("replies", [])
    if not replies:
        return
    inline = {str(one.id): one for one in desk.repository(context).reviews.comments(task.pull_number or 0)}
    for reply in replies:
        changed = f"\n\nChanged in {(task.head_sha or '')[:12]}." if reply["changed"] else ""
        text = f"{reply['body']}{changed}"
        thread = inline.get(str(reply["comment_id"]))
        if thread is not None:
            _answer_thread(context, desk, thread, text)
        else:
            _answer_in_conversation(context, desk, reply, text)
    context.tell("replied", count=len(replies))
    context.remember(replies=[])


def _answer_thread(context: TaskContext, desk: Desk, thread: InlineComment, text: str) -> None:
    reviews, number = desk.repository(context).reviews, context.task().pull_number or 0
    bot, mark = desk.identity_for(context).bot, marker(context, "reply", to=str(thread.id))
    perform(
        context,
        f"reply:{context.id}:{thread.id}",
        find=lambda: _id(reviews.find_reply(number, mark, bot.id)),
        # The marker comes first: a text too long for GitHub is cut at its end.
        make=lambda: {"id": reviews.reply(number, thread, f"{mark}\n\n{text}").id},
    )


def _answer_in_conversation(context: TaskContext, desk: Desk, reply: dict[str, Any], text: str) -> None:
    """A review's own text, or a comment, is answered where it was said, with what was said quoted."""
    issues, pull_number = desk.repository(context).issues, context.task().pull_number or 0
    identity = str(reply["comment_id"])
    where = pull_number if identity.startswith("review-") else int(reply.get("number") or pull_number)
    bot, mark = desk.identity_for(context).bot, marker(context, "reply", to=identity)
    quoted = quote(str(reply.get("asked", ""))[:QUOTED_CHARS])
    perform(
        context,
        f"reply:{context.id}:{identity}",
        find=lambda: _id(issues.find_comment(where, mark, bot.id)),
        make=lambda: {"id": issues.create_comment(where, f"{mark}\n\n{quoted}\n\n{text}").id},
    )


def _id(found: Any) -> dict[str, Any] | None:
    return None if found is None else {"id": found.id}
