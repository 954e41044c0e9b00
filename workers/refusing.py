"""Telling someone in a comment that nothing was started, and why."""

from __future__ import annotations

import hashlib
from typing import Any

from forges.github import Marker
from forges.github.events import ExplainRequested, RetryRequested, TaskRequested, VerifyKernelsRequested
from workers.github.desk import Desk
from workers.outside import once
from workers.workshop import Workshop


def key_of(comment_id: int | None, problem: str) -> str:
    """The `key` of what keeps a request from being taken: its comment, or, where it is a gesture such as an assignment,
    what is wrong. Pure."""
    if comment_id is not None:
        return f"comment:{comment_id}"
    return f"problem:{hashlib.sha256(problem.encode()).hexdigest()[:12]}"


def refuse(
    workshop: Workshop,
    desk: Desk,
    signal: TaskRequested | RetryRequested | ExplainRequested | VerifyKernelsRequested,
    why: str,
    *,
    key: str | None = None,
) -> None:
    """Once for each person and subject, or once for each `key`; bots are told nothing. ForgeError."""
    if signal.actor.is_bot:
        return
    repository = desk.app.installation(signal.installation_id).repository(signal.repository.full_name)
    bot = desk.identity(signal.installation_id).bot
    about = key or f"actor:{signal.actor.id}"
    marker = Marker("refusal", {"about": about, "hop": str(getattr(signal, "hop", 1))})
    once(
        workshop.database,
        f"refusal:{signal.repository.id}:{signal.number}:{about}",
        find=lambda: _found(repository.issues.find_comment(signal.number, marker, bot.id)),
        make=lambda: (
            _found(repository.issues.create_comment(signal.number, f"`{signal.actor.login}`, {why}\n\n{marker}")) or {}
        ),
        now=workshop.clock,
    )


def _found(comment: Any) -> dict[str, Any] | None:
    return None if comment is None else {"id": comment.id}
