"""What a request becomes: the new task, from what the delivery says. Nothing is written here."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from forges.github.events import RetryRequested, TaskRequested
from store import Limits, NewTask, tasks
from workers.retrying import again as retried


def first(signal: TaskRequested, permission: str, limits: Limits) -> NewTask:
    """The first task of a request. `permission`: the actor's; `limits`: what it may use (`workers.retrying`)."""
    asked_in_comment = signal.comment_id is not None
    return NewTask(
        source="github",
        subject=signal.subject,
        repository=signal.repository.full_name,
        request={
            "trigger": signal.trigger,
            "actor": signal.actor.login,
            "actor_id": signal.actor.id,
            "permission": permission,
            "text": signal.text if asked_in_comment else "",
            "base": signal.base,
            "comment_id": signal.comment_id,
            "hop": signal.hop,
            "labels": list(signal.labels),
            "milestone": signal.milestone,
            "optimize": signal.optimize,
        },
        ticket={
            "reference": f"{signal.repository.full_name}#{signal.number}",
            "title": signal.title,
            "body": signal.body,
            "author": signal.actor.login,
            "permission": permission,
            "comments": [],
        },
        limits=limits,
        installation_id=signal.installation_id,
        repository_id=signal.repository.id,
        number=signal.number,
        is_pull_request=signal.is_pull_request,
        request_key=_key(signal),
    )


def again(session: Session, signal: RetryRequested, permission: str, limits: Limits) -> NewTask | None:
    """The last task of this subject once more, on its own branch if it has a pull request already; None where there
    was none."""
    last = tasks.latest_on(session, signal.subject) or (
        tasks.last_of_pull_request(session, signal.repository.id, signal.number) if signal.is_pull_request else None
    )
    if last is None:
        return None
    new = retried(
        last,
        asked={
            "actor": signal.actor.login,
            "actor_id": signal.actor.id,
            "permission": permission,
            "comment_id": signal.comment_id,
            "base": signal.base or last.request.get("base"),
        },
        limits=limits,
        request_key=_key(signal),
    )
    # Repositories are renamed and Apps installed anew: the delivery knows the names of now.
    return replace(new, repository=signal.repository.full_name, installation_id=signal.installation_id)


def _key(signal: TaskRequested | RetryRequested) -> str | None:
    """One comment asks once, however often it is delivered."""
    return f"github:{signal.repository.id}:comment:{signal.comment_id}" if signal.comment_id is not None else None
