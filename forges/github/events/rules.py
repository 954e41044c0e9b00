"""What counts as a request, and who we are: the settings that parsing depends on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRules:
    """Rules by which a payload becomes a signal.

    `assignees`: logins whose assignment asks for work. `label`: the name of the label that does. `app_slug`: the name
    people mention. `command`: the word after the slash. `app_id` and `bot_user_id`: our own numeric ids; what they did
    is never a request. `allowed_app_ids` and `allowed_bot_ids`: other Apps, and their bot users, that may ask.
    `hop_limit`: how many bots a request may have passed through (markers with `hop=N`).
    """

    app_id: int
    app_slug: str
    bot_user_id: int | None = None
    assignees: frozenset[str] = frozenset()
    label: str | None = None
    command: str = "forgehand"
    allowed_app_ids: frozenset[int] = frozenset()
    allowed_bot_ids: frozenset[int] = frozenset()
    hop_limit: int = 3

    def asks_by_assignment(self, login: str) -> bool:
        """GitHub compares logins without regard to case."""
        return login.lower() in {assignee.lower() for assignee in self.assignees}

    def asks_by_label(self, name: str) -> bool:
        """GitHub compares label names without regard to case."""
        return self.label is not None and name.lower() == self.label.lower()
