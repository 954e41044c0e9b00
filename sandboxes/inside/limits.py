"""The memory limit as seen from inside, and the resource limits of commands."""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Watch(Protocol):
        """Says how much of a memory limit is used."""

        limit: int

        def used(self) -> int: ...

        def kills(self) -> int: ...


_RLIMITS = {
    "nproc": resource.RLIMIT_NPROC,
    "nofile": resource.RLIMIT_NOFILE,
    "core": resource.RLIMIT_CORE,
    "fsize": resource.RLIMIT_FSIZE,
}


def rlimits(wanted: dict[str, int]) -> dict[int, tuple[int, int]]:
    """setrlimit(2) arguments, soft and hard alike, never above the hard limit this process has. KeyError."""
    found = {}
    for name, value in wanted.items():
        hard = resource.getrlimit(_RLIMITS[name])[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        found[_RLIMITS[name]] = (bound, bound)
    return found


def _field(path: str, names: tuple[bytes, ...]) -> int:
    """The first of `names` in a cgroup file of `name value` lines; 0 when it has none of them."""
    with open(path, "rb") as file:
        values = dict(line.split(b" ", 1) for line in file.read().splitlines() if b" " in line)
    return next((int(values[name]) for name in names if name in values), 0)


class MemoryWatch:
    """Reads a memory cgroup, version 1 or 2, mounted at `directory`, of which `filesystems` (tmpfs) are a part.

    A memory cgroup counts files on tmpfs like any memory, and the box's disk is such files. What the programs use is
    therefore anonymous memory plus the shared memory which is not on one of the filesystems (memfd, System V).
    """

    def __init__(self, directory: str, limit: int, filesystems: Sequence[str]) -> None:
        self._stat = os.path.join(directory, "memory.stat")
        self._filesystems = filesystems
        self.limit = limit
        events = os.path.join(directory, "memory.events")  # version 2
        self._events = events if os.path.exists(events) else os.path.join(directory, "memory.oom_control")
        self.used()
        self.kills()  # both raise now, at start, if the evidence cannot be read

    def used(self) -> int:
        """Bytes that count against `limit`."""
        anonymous = _field(self._stat, (b"anon", b"total_rss"))
        shared = _field(self._stat, (b"total_shmem", b"shmem"))
        for size, free in map(room, self._filesystems):
            shared -= size - free
        return anonymous + max(0, shared)

    def kills(self) -> int:
        """How many processes the kernel has killed here for want of memory."""
        return _field(self._events, (b"oom_kill",))


class KernelWatch:
    """The same for a box with a kernel of its own (gVisor), from its /proc/meminfo, which counts this box alone.

    It counts files on tmpfs among AnonPages (pkg/sentry/fsimpl/proc), so what the filesystems hold is taken off.
    """

    def __init__(self, meminfo: str, limit: int, filesystems: Sequence[str]) -> None:
        self._meminfo = meminfo
        self._filesystems = filesystems
        self.limit = limit
        self.used()

    def used(self) -> int:
        """Bytes that count against `limit`."""
        with open(self._meminfo, "rb") as file:
            values = dict(line.split(b":", 1) for line in file.read().splitlines())
        pages = int(values[b"AnonPages"].split()[0]) << 10
        return max(0, pages - sum(size - free for size, free in map(room, self._filesystems)))

    def kills(self) -> int:
        """None are counted: that kernel kills nothing for want of memory, the machine ends the whole box."""
        return 0


def room(path: str) -> tuple[int, int]:
    """Size and free bytes of the filesystem at `path`."""
    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize, found.f_bfree * found.f_frsize
