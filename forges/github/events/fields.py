"""Reading a payload that may hold anything: each function returns the type it names or raises Malformed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .signals import Actor, RepositoryRef

_MAX_ID = 2**63 - 1


class Malformed(Exception):
    """A field is missing or of another type. Its text names the path."""


class NoInstallation(Exception):
    """The payload does not say which installation it belongs to: it was not sent to an App."""


def find(payload: Any, *path: str) -> Any:
    """Return what stands at `path`, or None where any part of the way is missing."""
    for name in path:
        if not isinstance(payload, Mapping):
            return None
        payload = payload.get(name)
    return payload


def integer(payload: Any, *path: str) -> int:
    value = find(payload, *path)
    # Ids beyond 63 bits do not fit a database column, and GitHub has none.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_ID:
        raise Malformed(".".join(path))
    return value


def optional_integer(payload: Any, *path: str) -> int | None:
    return None if find(payload, *path) is None else integer(payload, *path)


def string(payload: Any, *path: str) -> str:
    value = find(payload, *path)
    if not isinstance(value, str):
        raise Malformed(".".join(path))
    return value


def optional_string(payload: Any, *path: str) -> str | None:
    return None if find(payload, *path) is None else string(payload, *path)


def text(payload: Any, *path: str) -> str:
    """A text that GitHub sends as null when it is empty, such as the body of an issue."""
    return optional_string(payload, *path) or ""


def boolean(payload: Any, *path: str) -> bool:
    value = find(payload, *path)
    if not isinstance(value, bool):
        raise Malformed(".".join(path))
    return value


def items(payload: Any, *path: str) -> Sequence[Any]:
    """A list; missing and null count as empty."""
    value = find(payload, *path)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Malformed(".".join(path))
    return value


def installation_id(payload: Any) -> int:
    if find(payload, "installation", "id") is None:
        raise NoInstallation
    return integer(payload, "installation", "id")


def actor(payload: Any, *path: str) -> Actor:
    return Actor(integer(payload, *path, "id"), string(payload, *path, "login"), string(payload, *path, "type"))


def repository(payload: Any) -> RepositoryRef:
    return RepositoryRef(
        id=integer(payload, "repository", "id"),
        full_name=string(payload, "repository", "full_name"),
        default_branch=string(payload, "repository", "default_branch"),
        private=boolean(payload, "repository", "private"),
    )


def pull_numbers(payload: Any, *path: str) -> tuple[int, ...]:
    return tuple(integer(entry, "number") for entry in items(payload, *path))
