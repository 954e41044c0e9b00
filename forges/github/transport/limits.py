"""Rate limits: reading them from an answer, and keeping to them.

Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api (one write at a time, a
second apart; `retry-after`, then `x-ratelimit-reset`, else at least a minute).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from .errors import RateLimited

_UNSAID_WAIT_S = 60.0


def blocked_until(status: int, headers: Mapping[str, str], message: str, now: float) -> float | None:
    """Return when (epoch seconds) a request answered so may be sent again, or None when no rate limit answered.

    `headers` have lower-case names, `message` is the body's `message`. A refused request was not executed, whatever its
    method. A 403 without any of the signs is a missing permission.
    """
    if status not in (403, 429):
        return None
    retry_after = headers.get("retry-after", "")
    if retry_after.strip().isdecimal():
        return now + float(retry_after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        # One second more: the reset is somewhere within the second it names.
        return max(float(reset) + 1.0, now + 1.0)
    lower = message.lower()
    if status == 429 or "rate limit" in lower or "abuse detection" in lower:
        return now + _UNSAID_WAIT_S
    return None


class Gate:
    """The turnstile of one installation in this process: one write at a time, spaced, and nobody while it is blocked.

    Other processes have their own gate; GitHub's answers keep those apart. `spacing_s` is the time between the end of a
    write and the start of the next: 1 on github.com, 0 against a twin.
    """

    def __init__(
        self,
        spacing_s: float,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._spacing_s = spacing_s
        self._now = now
        self._sleep = sleep
        self._write = threading.Lock()
        self._state = threading.Lock()
        self._blocked_until = 0.0
        self._last_write = float("-inf")

    def block(self, until: float) -> None:
        """Let nobody through before `until` (epoch seconds)."""
        with self._state:
            self._blocked_until = max(self._blocked_until, until)

    def wait(self, request: str, allowed_s: float) -> float:
        """Return after the block is over, having waited at most `allowed_s`; the seconds waited. Raises RateLimited."""
        with self._state:
            until = self._blocked_until
        pause = until - self._now()
        if pause <= 0:
            return 0.0
        if pause > allowed_s:
            raise RateLimited(request, until)
        self._sleep(pause)
        return pause

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one turn to write, once the spacing since the last write is over."""
        with self._write:
            pause = self._last_write + self._spacing_s - self._now()
            if pause > 0:
                self._sleep(min(pause, self._spacing_s))
            try:
                yield
            finally:
                self._last_write = self._now()
