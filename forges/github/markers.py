"""Hidden markers: how we recognise what we wrote, and how far a request has travelled between bots.

A marker is an HTML comment, `<!-- forgehand:status task=12 hop=1 -->`, invisible in rendered Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_NAME = r"[a-z][a-z0-9_-]{0,31}"
_VALUE = r"[A-Za-z0-9._:/@+=~-]{1,128}"
_MARKER = re.compile(rf"<!-- forgehand:({_NAME})((?: {_NAME}={_VALUE}){{0,8}}) -->")


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker's kind (what the text is: `status`, `reply`, ...) and its fields."""

    kind: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the marker as it stands in Markdown. Raises ValueError for names or values it could not carry."""
        text = f"<!-- forgehand:{self.kind}{''.join(f' {name}={value}' for name, value in self.fields.items())} -->"
        if not _MARKER.fullmatch(text) or "--" in text[4:-3]:
            raise ValueError(f"not a marker: kind {self.kind!r}, fields {dict(self.fields)!r}")
        return text


def find_markers(text: str) -> tuple[Marker, ...]:
    """Return the markers in `text`, in order."""
    return tuple(
        Marker(match[1], dict(part.split("=", 1) for part in match[2].split())) for match in _MARKER.finditer(text)
    )


def hops(text: str) -> int:
    """Return how many bots a request has passed through: the highest `hop` of the markers in `text`, 0 without one."""
    return max((_hop(marker.fields.get("hop", "0")) for marker in find_markers(text)), default=0)


def _hop(digits: str) -> int:
    """A hop count that is no number stops the loop it may be part of."""
    return int(digits[:4]) if digits.isdecimal() else 9999
