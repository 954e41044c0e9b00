"""How the twin's records look to a caller: `View` carries the memory and the base of every link."""

import base64
from dataclasses import dataclass
from typing import Any

from demo.github.world import World

Json = dict[str, Any]


@dataclass(frozen=True)
class View:
    """`base` is the scheme, host and port that links start with: what the caller wrote, since clients compare hosts."""

    world: World
    base: str

    def api(self, path: str) -> str:
        return f"{self.base}{path}"

    def web(self, path: str) -> str:
        return f"{self.base}{path}"


def node_id(kind: str, number: int) -> str:
    """An opaque GraphQL id; `number_of` turns it back."""
    return f"{kind}_{base64.urlsafe_b64encode(str(number).encode()).decode().rstrip('=')}"


def number_of(kind: str, node: str) -> int | None:
    """The number in a node id of this kind, or None when it is not one."""
    prefix, _, coded = node.partition("_")
    if prefix != kind:
        return None
    try:
        return int(base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)))
    except ValueError:
        return None
