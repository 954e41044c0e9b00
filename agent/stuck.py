"""Does the window go round in circles? Pure: the last steps in, the pattern's name out.

Thresholds are those OpenHands uses for its stuck detector (https://docs.openhands.dev): the same step four times, the
same failing step three times, two steps in turn six times.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

SAME = 4
SAME_ERROR = 3
ALTERNATING = 6
REMEMBERED = 20
MONOLOGUE = 3
MALFORMED = 3

_DURATION = re.compile(r"\b\d+(?:\.\d+)?\s?(?:ms|s|sec|seconds)\b")


@dataclass(frozen=True, slots=True)
class Action:
    """A step as the detector sees it: what was called, what came of it, and whether all of it failed."""

    call: str
    observed: str
    failed: bool


def pattern(steps: Sequence[Action]) -> str | None:
    """The circle the last steps form, in words for the model; None when there is none."""
    last = list(steps)
    if len(last) >= SAME_ERROR and last[-1].failed and len(set(last[-SAME_ERROR:])) == 1:
        return f"the same call failed the same way {SAME_ERROR} times"
    if len(last) >= SAME and len(set(last[-SAME:])) == 1:
        return f"the same call gave the same result {SAME} times"
    if len(last) >= ALTERNATING:
        tail = last[-ALTERNATING:]
        if tail[0] != tail[1] and len(set(tail[::2])) == 1 and len(set(tail[1::2])) == 1:
            return f"two calls have taken turns for {ALTERNATING} steps without anything new"
    return None


def digest(text: str) -> str:
    """Equal for texts that differ only in how long something took."""
    return hashlib.sha256(_DURATION.sub("#", text).encode("utf-8", "replace")).hexdigest()[:16]
