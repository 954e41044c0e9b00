"""What a verification saw beside right and wrong. Pure.

A finding's tier says what it may do: `hard` may set the verdict alone and is dynamic proof or physics; `support` makes
a person look; `telemetry` is shown and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kernels.messages import Json, ProtocolError


class Tier(StrEnum):
    hard = "hard"
    support = "support"
    telemetry = "telemetry"


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule`: a short name that stays. `line`: of the candidate's source."""

    rule: str
    tier: Tier
    evidence: str
    line: int | None = None


# Kernels have no use for these, and every one of them is how a checker in the same process was fooled.
_SUSPICIOUS = {
    "sys._getframe": "reads the frames of its callers",
    "sys._current_frames": "reads the frames of all threads",
    "gc.get_objects": "looks through all objects of the process",
    "gc.get_referrers": "looks for who refers to an object",
    "socket.connect": "opens a connection",
    "socket.bind": "listens for connections",
    "subprocess.Popen": "starts a program",
    "os.system": "starts a program",
    "os.fork": "forks",
    "os.exec": "replaces the process",
    "os.posix_spawn": "starts a program",
    "os.kill": "sends signals",
    "sys.settrace": "traces the interpreter",
    "sys.setprofile": "profiles the interpreter",
    "code.__new__": "makes code objects",
    "object.__setattr__": "replaces a function's code",
    "ctypes.cdata": "lays hands on memory by its address",
    "ctypes.string_at": "reads memory by its address",
    "exec": "runs text as code",
    "function.__new__": "makes functions out of code objects",
    "import": "imports what nobody installed",
}


def of_probe(seen: Json) -> Iterator[Finding]:
    """What a candidate's process shows of itself. ProtocolError for what our loader would not say."""
    replaced, events, switches = (_list(seen, name) for name in ("replaced", "events", "switches"))
    threads = seen.get("threads")
    if not isinstance(threads, int) or not isinstance(seen.get("random"), bool):
        raise ProtocolError("a probe without its facts")
    for name in replaced[:5]:
        yield Finding("replaced_function", Tier.hard, f"{str(name)[:100]} is another one than before the candidate ran")
    told: set[tuple[str, int | None]] = set()
    for event in events:
        match event:
            case [str(name), int() | None as line] if (name, line) not in told:
                told.add((name, line))
                if name in _SUSPICIOUS:
                    yield Finding("suspicious_call", Tier.support, f"it {_SUSPICIOUS[name]} ({name})", line)
                else:
                    yield Finding("unusual_call", Tier.telemetry, str(name)[:100], line)
    for name in switches[:5]:
        yield Finding("changed_switch", Tier.support, f"it changed {str(name)[:100]}")
    if threads > 0:
        yield Finding("threads_left", Tier.support, f"{threads} more threads are alive than before it was called")
    if seen["random"]:
        yield Finding(
            "drew_random_numbers", Tier.support, "calls draw random numbers or set a seed; the reference's do not"
        )


def _list(seen: Json, name: str) -> list[object]:
    found = seen.get(name)
    if not isinstance(found, list):
        raise ProtocolError("a probe without its facts")
    return found
