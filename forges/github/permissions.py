"""Who may ask: a person's role in a repository.

https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from .transport import Channel, NotFound

NEEDED_PERMISSIONS: Final = {
    "metadata": "read",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "write",
    "statuses": "read",
    "actions": "read",
}
"""The least the App works with. `administration: read` would also let it read classic branch protection."""

_LEVELS: Final = ("read", "write", "admin")


@dataclass(frozen=True, slots=True)
class Role:
    """`permission` is admin, write, read or none; `name` the role people see, which may be a custom one.

    GitHub maps maintain to write and triage to read in `permission`, and so does it with custom roles.
    """

    permission: str
    name: str

    @property
    def can_write(self) -> bool:
        return self.permission in ("write", "admin")


class Permissions:
    """Questions about people, asked with the repository's own token."""

    def __init__(self, channel: Channel, full_name: str) -> None:
        self._channel = channel
        self._repository = f"/repos/{full_name}"

    def role(self, login: str) -> Role:
        """Return the role of `login`. A login GitHub does not know has the role none.

        Every other trouble raises: who cannot be checked must be refused by the caller, never waved through.
        """
        try:
            body = self._channel.get(f"{self._repository}/collaborators/{quote(login, safe='')}/permission")
        except NotFound:
            return Role("none", "none")
        permission = body.get("permission")
        known = permission if permission in _LEVELS else "none"
        return Role(known, str(body.get("role_name") or known))

    def can_write(self, login: str) -> bool:
        """Say whether `login` may push here. Raises like `role`."""
        return self.role(login).can_write

    def assignable(self, login: str) -> bool:
        """Say whether issues can be assigned to `login`: GitHub drops other logins in silence when assigning."""
        try:
            self._channel.get(f"{self._repository}/assignees/{quote(login, safe='')}")
        except NotFound:
            return False
        return True


def missing_permissions(granted: dict[str, str], needed: dict[str, str] = NEEDED_PERMISSIONS) -> dict[str, str]:
    """Return what of `needed` the `granted` permissions do not cover."""
    return {
        name: level
        for name, level in needed.items()
        if granted.get(name) not in _LEVELS or _LEVELS.index(granted[name]) < _LEVELS.index(level)
    }
