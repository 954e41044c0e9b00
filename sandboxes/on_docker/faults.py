"""What the engine says when something goes wrong, as what happened and what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from ..contract import LimitUnenforceable, SandboxError, SandboxUnavailable


class Trouble(Enum):
    """Kinds of refusals that are treated differently."""

    NAME_TAKEN = auto()
    GONE = auto()
    NO_IMAGE = auto()
    NO_PROGRAM = auto()
    UNREACHABLE = auto()
    REFUSED = auto()


class Refused(Exception):
    """The engine did not do what it was asked. `words` are its own."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(words)
        self.trouble, self.words = trouble, words


_NO_PROGRAM = re.compile(r"executable file not found|no such file or directory|permission denied|exec format error")
_SENTRY_PANIC = 2
"""Exit status of a Go program that panics."""
_NAME_TAKEN = re.compile(r"already in use by container|already in progress")


def classify(status: int, words: str) -> Trouble:
    """The kind of an answer by its HTTP status and message. Source: Docker Engine API 1.41 and moby 20.10 to 28."""
    lower = words.lower()
    if status == 404:
        return Trouble.NO_IMAGE if "no such image" in lower else Trouble.GONE
    if status == 409:
        return Trouble.NAME_TAKEN if _NAME_TAKEN.search(lower) else Trouble.GONE
    return Trouble.REFUSED


def start_trouble(words: str, program: str) -> Trouble:
    """Why a container did not start, from what the engine says; `program` is its process 1."""
    lower = words.lower()
    if program.lower() in lower and _NO_PROGRAM.search(lower):
        return Trouble.NO_PROGRAM
    return Trouble.REFUSED


def cannot_make(refused: Refused, image: str) -> SandboxError:
    """The error for a caller who wanted a box."""
    match refused.trouble:
        case Trouble.NO_IMAGE:
            return SandboxUnavailable(
                f"no box of the image {image}", "the engine does not have it", f"Run: docker pull {image}"
            )
        case Trouble.UNREACHABLE:
            return unreachable(refused.words)
    return SandboxUnavailable("no box can be made", refused.words)


def unreachable(words: str) -> SandboxUnavailable:
    return SandboxUnavailable(
        "the Docker engine does not answer", words, "Start it, or give this process access to its socket (DOCKER_HOST)"
    )


def missing_means(info: Mapping[str, Any], runtime: str) -> SandboxError | None:
    """What an engine lacks to impose the limits, from its /info; None when it lacks nothing."""
    if runtime not in info.get("Runtimes", {}):
        known = ", ".join(sorted(info.get("Runtimes", {})))
        return SandboxUnavailable(
            f"no box in the runtime {runtime}",
            f"the engine knows only {known}",
            f"Install it and name it under runtimes in the engine's daemon.json, then restart the engine: {runtime}",
        )
    if not any("seccomp" in option for option in info.get("SecurityOptions", ())):
        return SandboxUnavailable("no box can be made", "the engine filters no system calls (seccomp)")
    means = (
        ("memory_bytes", "MemoryLimit"),
        ("memory_bytes", "SwapLimit"),
        ("processes", "PidsLimit"),
        ("cpus", "CpuCfsQuota"),
    )
    for limit, name in means:
        if not info.get(name):
            todo = "Boot it with cgroup_enable=memory swapaccount=1" if name == "SwapLimit" else ""
            return LimitUnenforceable(limit, f"the engine's machine lacks {name}", todo)
    return None


def ending(state: Mapping[str, Any] | None, said: str, *, own_kernel: bool = False) -> str:
    """Why a box's stream ended, from the container's State (None: there is no container) and its last words."""
    if state is None:
        return "its container was removed"
    if state.get("OOMKilled") and not state.get("Running"):
        return "the machine ended it for want of memory: programs and files together passed its limit"
    if state.get("Running"):
        return said or "another host took it over, or its bridge was ended"
    code = state.get("ExitCode")
    if code == 0:
        return "its lifetime was over, or it was told to end"
    if code == 137:
        return "it was killed from outside (SIGKILL): by somebody, the engine or the machine's own want of memory"
    if code == _SENTRY_PANIC and own_kernel:
        return (
            "its own kernel (gVisor) ended, as it does when the machine gives it no further thread: too many processes"
        )
    return f"it ended with status {code}{': ' + said[-1000:] if said else ''}"
