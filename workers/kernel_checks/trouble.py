"""How long a look or a check waits for a forge that does not answer. Pure."""

from __future__ import annotations

from forges.github import RateLimited

FIRST_S = 5.0
LONGEST_S = 900.0
# With the waits above about three hours, as a task waits.
MOST = 20


def again_after(troubles: int, trouble: Exception, *, now: float) -> float | None:
    """Seconds until the next try after `troubles` others in a row; None when it has been enough."""
    if troubles >= MOST:
        return None
    told = max(1.0, trouble.until - now) if isinstance(trouble, RateLimited) else 0.0
    return max(told, min(FIRST_S * 2.0**troubles, LONGEST_S))
