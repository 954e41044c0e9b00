"""GitHub on a bad day, on request: a fault waits for requests that match it and strikes the first `count` of them."""

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Kind = Literal[
    "bad_gateway",  # 502, nothing done
    "unprocessable",  # 422, nothing done
    "unauthorized",  # 401 as for an expired token, nothing done
    "secondary_limit",  # 403 with retry-after, nothing done
    "primary_limit",  # 429 with x-ratelimit-remaining 0, nothing done
    "lost_response",  # done, and then the connection is cut without a byte
    "cut_body",  # done, and the connection is cut in the middle of the answer
    "slow",  # done and answered, `delay_s` late
]
KINDS: tuple[Kind, ...] = get_args(Kind)
UNDONE: frozenset[Kind] = frozenset(
    {"bad_gateway", "unprocessable", "unauthorized", "secondary_limit", "primary_limit"}
)


@dataclass
class Fault:
    """`method` is a method or "*"; `path` a regular expression searched for in the path; `skip` matches pass first."""

    kind: Kind
    method: str = "*"
    path: str = ".*"
    count: int = 1
    skip: int = 0
    delay_s: float = 1.0
    retry_after_s: int = 1
    struck: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}: use one of {', '.join(KINDS)}")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"{self.path!r} is no regular expression: {error}") from None

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and re.search(self.path, path) is not None


@dataclass
class Faults:
    """The faults that wait, in the order they were asked for; the first that matches strikes."""

    waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self.waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self.waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, if any; counts it."""
        with self._lock:
            for fault in self.waiting:
                if fault.struck >= fault.count or not fault.matches(method, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.struck += 1
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self.waiting]


def answer(fault: Fault, now_s: float) -> tuple[int, dict[str, str], str]:
    """The status, extra headers and message of a fault that answers instead of the twin.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if fault.kind == "bad_gateway":
        return 502, {}, "Server Error"
    if fault.kind == "unprocessable":
        return 422, {}, "Validation Failed"
    if fault.kind == "unauthorized":
        return 401, {}, "Bad credentials"
    if fault.kind == "secondary_limit":
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        return 403, {"retry-after": str(fault.retry_after_s)}, message
    if fault.kind == "primary_limit":
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(now_s) + fault.retry_after_s)}
        return 429, headers, "API rate limit exceeded for installation."
    raise ValueError(f"{fault.kind} does not answer by itself")
