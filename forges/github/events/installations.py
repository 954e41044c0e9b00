"""Where the App is installed, with which permissions and repositories, and what became of those repositories.

Fields: https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import fields
from .rules import TriggerRules
from .signals import InstallationChanged, RepositoryChanged, Signal
from .tickets import Payload


def installation(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    granted = fields.find(payload, "installation", "permissions")
    permissions = granted if isinstance(granted, Mapping) else {}
    return InstallationChanged(
        installation_id=fields.installation_id(payload),
        action=action,
        actor=fields.actor(payload, "sender"),
        permissions=tuple(sorted((name, fields.string(permissions, name)) for name in permissions)),
        added=_names(fields.items(payload, "repositories")) if action == "created" else (),
    )


def installation_repositories(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    return InstallationChanged(
        installation_id=fields.installation_id(payload),
        action=f"repositories_{action}",
        actor=fields.actor(payload, "sender"),
        added=_names(fields.items(payload, "repositories_added")),
        removed=_names(fields.items(payload, "repositories_removed")),
    )


def repository(action: str, payload: Payload, rules: TriggerRules) -> Signal:
    return RepositoryChanged(
        installation_id=fields.installation_id(payload),
        repository=fields.repository(payload),
        actor=fields.actor(payload, "sender"),
        action=action,
    )


def _names(entries: Sequence[Any]) -> tuple[tuple[int, str], ...]:
    return tuple((fields.integer(entry, "id"), fields.string(entry, "full_name")) for entry in entries)
