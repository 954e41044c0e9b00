"""Limits on a group of processes by the kernel's control groups, versions 1 and 2.

Sources: https://docs.kernel.org/admin-guide/cgroup-v1/ and https://docs.kernel.org/admin-guide/cgroup-v2.html.
A hierarchy is used only where this process may make groups below its own (or, in version 2, beside its own).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .contract import LimitUnenforceable, SandboxError, SandboxSpec
from .processes import Process

_PERIOD_US = 100_000
_REMEDY = (
    "Run as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes forgehand ...; "
    "or use the docker or kubernetes backend"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a group is bound to: `memory` in bytes, `processes` with threads, `cpus` in cores."""

    memory: int
    processes: int
    cpus: float


def limits_of(spec: SandboxSpec, spare_memory: int, spare_processes: int) -> Limits:
    """A box's bounds: files on tmpfs count as memory, and the runner needs a little of its own."""
    return Limits(spec.memory_bytes + spec.disk_bytes + spare_memory, spec.processes + spare_processes, spec.cpus)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where groups can be made: for each controller a directory; one and the same for all in version 2."""

    version: int
    parents: Mapping[str, Path]

    def means(self) -> dict[str, str]:
        """For each limit of the spec: the file that imposes it."""
        names = _FILES[self.version]
        return {
            limit: f"cgroup v{self.version} {names[controller]}"
            for limit, controller in (("memory_bytes", "memory"), ("processes", "pids"), ("cpus", "cpu"))
        }

    def make(self, name: str, limits: Limits) -> Group:
        """A new group with `limits` imposed. LimitUnenforceable naming the limit that was refused."""
        group = Group(tuple(dict.fromkeys(parent / name for parent in self.parents.values())))
        try:
            for controller, parent in self.parents.items():
                (parent / name).mkdir(exist_ok=self.version == 2)
                self._impose(controller, parent / name, limits)
        except OSError as error:
            group.remove()
            limit = {"memory": "memory_bytes", "pids": "processes", "cpu": "cpus"}[controller]
            raise LimitUnenforceable(limit, f"{error.strerror} at {error.filename}", _REMEDY) from error
        return group

    def _impose(self, controller: str, directory: Path, limits: Limits) -> None:
        file = directory / _FILES[self.version][controller]
        quota = max(1000, int(limits.cpus * _PERIOD_US))  # the kernel's least quota is 1 ms
        if controller == "memory":
            file.write_text(str(limits.memory))
            _without_swap(directory, self.version, limits.memory)
        elif controller == "pids":
            file.write_text(str(limits.processes))
        elif self.version == 1:
            (directory / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            file.write_text(str(quota))
        else:
            file.write_text(f"{quota} {_PERIOD_US}")


def _without_swap(directory: Path, version: int, memory: int) -> None:
    """Swap must not extend the limit. The file is missing where the kernel accounts no swap to groups."""
    name, value = ("memory.swap.max", 0) if version == 2 else ("memory.memsw.limit_in_bytes", memory)
    if (directory / name).exists():
        (directory / name).write_text(str(value))


_FILES = {
    1: {"memory": "memory.limit_in_bytes", "pids": "pids.max", "cpu": "cpu.cfs_quota_us"},
    2: {"memory": "memory.max", "pids": "pids.max", "cpu": "cpu.max"},
}


@dataclass(frozen=True, slots=True)
class Group:
    """One box's group: its directories, one for each version 1 controller or one for all in version 2."""

    directories: Sequence[Path]

    @property
    def memory(self) -> Path:
        """The directory with the memory controller's files."""
        return self.directories[0]

    def add(self, pid: int) -> None:
        """Moves a process, and thereby all it forks from now on, into the group. OSError."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(str(pid))

    def pids(self) -> list[int]:
        found: set[int] = set()
        for directory in self.directories:
            if (file := directory / "cgroup.procs").exists():
                found.update(int(line) for line in file.read_text().split())
        return sorted(found)

    def remove(self, *, patience: float = 5.0) -> None:
        """Kills what is left in the group and removes it. SandboxError when something would not die."""
        deadline = time.monotonic() + patience
        for directory in self.directories:
            while directory.exists():
                try:
                    directory.rmdir()
                except OSError as error:
                    for pid in self.pids():
                        if process := Process.of(pid):
                            process.kill()
                    if time.monotonic() > deadline:
                        raise SandboxError(
                            f"the control group {directory} cannot be removed", str(error.strerror)
                        ) from error
                    # rmdir fails until what was killed is gone, and cgroups(7) version 1 has no event for that.
                    time.sleep(0.002)


def find(proc: Path = Path("/proc/self")) -> Hierarchy:
    """The hierarchy this process may use. LimitUnenforceable when it has none for some limit."""
    groups = {}
    for line in (proc / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    mounts = _mounts((proc / "mountinfo").read_text())
    if "memory" in groups:
        parents = {name: _own(mounts, name, groups) for name in ("memory", "pids", "cpu")}
        for name, parent in parents.items():
            if parent is None or not os.access(parent, os.W_OK):
                limit = {"memory": "memory_bytes", "pids": "processes", "cpu": "cpus"}[name]
                raise LimitUnenforceable(limit, f"no writable {name} control group (version 1)", _REMEDY)
        return Hierarchy(1, {name: parent for name, parent in parents.items() if parent is not None})
    own = _own(mounts, "", groups)
    for candidate in (own.parent, own) if own else ():
        if _delegated(candidate):
            return Hierarchy(2, dict.fromkeys(("memory", "pids", "cpu"), candidate))
    raise LimitUnenforceable(
        "memory_bytes", "no delegated control group with memory, pids and cpu (version 2)", _REMEDY
    )


def _mounts(mountinfo: str) -> dict[str, tuple[str, str]]:
    """Controller (empty for version 2) to (root of the mount, mount point), from proc_pid_mountinfo(5)."""
    found = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        root, point = left.split()[3:5]
        kind, _, options = right.split(" ", 2)
        if kind == "cgroup2":
            found[""] = (root, point)
        elif kind == "cgroup":
            for controller in options.split(","):
                found[controller] = (root, point)
    return found


def _own(mounts: Mapping[str, tuple[str, str]], controller: str, groups: Mapping[str, str]) -> Path | None:
    """The directory of this process's own group for a controller, when it is visible."""
    if controller not in mounts or controller not in groups:
        return None
    root, point = mounts[controller]
    path = groups[controller]
    inside = path if root == "/" else path.removeprefix(root)
    directory = Path(point + inside)
    return directory if directory.is_dir() else None


def _delegated(directory: Path) -> bool:
    """True when limited groups can be made in a version 2 directory and processes moved into them."""
    enabled = directory / "cgroup.subtree_control"
    if not enabled.exists() or not {"memory", "pids", "cpu"} <= set(enabled.read_text().split()):
        return False
    return os.access(directory, os.W_OK) and os.access(directory / "cgroup.procs", os.W_OK)
