"""The loop guard: whose doings are never a request.

By numeric ids, never by login: a login can be taken over, and ends in `[bot]` for anyone who names an App so.
"""

from __future__ import annotations

from typing import Any

from ..markers import hops
from .fields import find
from .rules import TriggerRules
from .signals import Actor


def refuse_actor(rules: TriggerRules, actor: Actor, author_app: Any = None) -> str | None:
    """Return why nothing `actor` did is a request, or None.

    `author_app` is the payload's `performed_via_github_app` of the text in question, where it has one: the App that
    wrote it, on its own behalf (then `actor` is a bot) or for a person.
    """
    app_id = find(author_app, "id")
    if actor.id == rules.bot_user_id or app_id == rules.app_id:
        return "our own doing"
    if actor.is_bot and actor.id not in rules.allowed_bot_ids and app_id not in rules.allowed_app_ids:
        return f"done by a bot that is not allowed to ask: user id {actor.id}"
    return None


def refuse_hops(rules: TriggerRules, text: str) -> str | None:
    """Return why `text` may not ask: it carries markers of as many bots as a request may pass through."""
    passed = hops(text)
    return (
        f"passed through {passed} bots already, the limit is {rules.hop_limit}" if passed >= rules.hop_limit else None
    )
