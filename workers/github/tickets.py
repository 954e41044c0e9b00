"""The ticket as the agent reads it: the words of the trigger, who wrote them, and what was said before."""

from datetime import UTC, datetime
from typing import Any

from forges.github import ForgeError
from workers.github.desk import Desk
from workers.workshop import TaskContext

COMMENTS_AT_MOST = 30
AUTHORS_ASKED_AT_MOST = 12


def complete(context: TaskContext, desk: Desk) -> dict[str, Any]:
    """The ticket with its author, and the comments made before the request, each with its author's permission.

    Title and body stay those of the delivery: an edit after the trigger does not change what was asked for. Comments
    made later are steering and come by their own way.
    """
    task = context.task()
    repository = desk.repository(context)
    number = task.number or 0
    bot = desk.identity_for(context).bot
    issue = repository.issues.get(number)
    asked_at = datetime.fromtimestamp(task.created_at, UTC)
    earlier = [
        comment
        for comment in repository.issues.comments(number)
        if comment.author.id != bot.id and comment.created_at <= asked_at
    ][-COMMENTS_AT_MOST:]
    permissions: dict[str, str] = {}
    for login in dict.fromkeys([issue.author.login, *(comment.author.login for comment in earlier)]):
        if len(permissions) < AUTHORS_ASKED_AT_MOST:
            permissions[login] = _permission(repository.permissions, login)
    return dict(task.ticket) | {
        "author": issue.author.login,
        "permission": permissions.get(issue.author.login, "none"),
        "url": issue.html_url,
        "comments": [
            {
                "author": comment.author.login,
                "permission": permissions.get(comment.author.login, "none"),
                "body": comment.body,
            }
            for comment in earlier
        ],
    }


def _permission(permissions: Any, login: str) -> str:
    """An author whose permission cannot be learnt has none: their words are data."""
    try:
        return str(permissions.role(login).permission)
    except ForgeError:
        return "none"
