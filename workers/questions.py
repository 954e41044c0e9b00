"""Questions about the code as tasks of their own: asked in a comment, answered in one, nothing changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from forges.github.events import ExplainRequested
from settings import Settings
from store import NewTask
from store.schema import Task
from store.tasks import Limits
from workers.retrying import limits_from

TRIGGER = "explain"
TOKENS_AT_MOST = 200_000
STEPS_AT_MOST = 12
SECONDS_AT_MOST = 900.0
_TITLE_CHARS = 200


def new_question(signal: ExplainRequested, permission: str, settings: Settings) -> NewTask:
    """The task that answers it. Its subject is the question, so it stands in the way of no other task."""
    return NewTask(
        source="github",
        subject=f"{signal.subject}:{signal.said_in}",
        repository=signal.repository.full_name,
        request={
            "trigger": TRIGGER,
            "actor": signal.actor.login,
            "actor_id": signal.actor.id,
            "permission": permission,
            "comment_id": signal.comment_id,
            "question": signal.question,
            "path": signal.path,
            "hop": signal.hop,
        },
        ticket={
            "reference": f"{signal.repository.full_name}#{signal.number}",
            "title": (signal.question.strip().partition("\n")[0] or signal.title)[:_TITLE_CHARS],
            "subject_title": signal.title,
            "body": signal.body,
            "author": signal.actor.login,
            "permission": permission,
            "comments": [],
        },
        limits=_limits(limits_from(settings)),
        installation_id=signal.installation_id,
        repository_id=signal.repository.id,
        number=signal.number,
        is_pull_request=signal.is_pull_request,
        request_key=f"github:{signal.repository.id}:{signal.number}:{signal.said_in}:{TRIGGER}",
    )


def is_question(task: Task) -> bool:
    return task.request.get("trigger") == TRIGGER


def text_of(task: Task) -> str:
    """What is asked: the words after `explain`, or, without any, the issue or pull request itself."""
    request: dict[str, Any] = task.request
    said = str(request["question"]).strip()
    if not said:
        return f"{task.ticket['subject_title']}\n\n{task.ticket['body']}".strip()
    return f"{said}\n\n{request['path']}" if request.get("path") else said


def _limits(of_task: Limits) -> Limits:
    """A question costs a fraction of a task. Money: what the settings give a task, as tokens bound it further."""
    return replace(
        of_task,
        tokens=min(of_task.tokens, TOKENS_AT_MOST),
        steps=min(of_task.steps, STEPS_AT_MOST),
        seconds=min(of_task.seconds, SECONDS_AT_MOST),
    )
