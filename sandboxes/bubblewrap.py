"""The command line of bubblewrap for a box. Pure: what is bound, hidden and limited, as a list of arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from . import layout
from .contract import WORKSPACE
from .layout import HOME, SHARED, WRITABLE

UID = GID = 65532
RUNNER = "/run/forgehand/runner.zip"
MEMORY = "/run/forgehand/memory"

ETC: Mapping[str, str] = {
    "passwd": f"root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nsandbox:x:{UID}:{GID}:sandbox:{HOME}:/bin/sh\n",
    "group": f"root:x:0:\nsandbox:x:{GID}:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "hostname": "sandbox\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
"""Files written for the box; nothing of the host's own /etc shows but `ETC_SHARED`."""
ETC_SHARED = (
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/mime.types",
    "/etc/services",
    "/etc/protocols",
)
_SYMLINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True)
class Bind:
    """A path of the host shown read-only in the box, at `target`."""

    source: str
    target: str

    def __post_init__(self) -> None:
        target = PurePosixPath(self.target)
        taken = (*SHARED, WORKSPACE, "/home", "/dev", "/proc", "/run", "/etc", "/sys")
        if not target.is_absolute() or ".." in target.parts or str(target) == "/":
            raise ValueError(f"a read-only path needs an absolute target in the box, not {self.target!r}")
        if any(target.is_relative_to(place) for place in taken):
            raise ValueError(f"{self.target} is the box's own; give the read-only path {self.source} another target")


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that varies between boxes.

    `usr_links`: top-level links into /usr as name to target (`bin` to `usr/bin`); `etc_shared`: which of
    `ETC_SHARED` the host has; descriptors are numbers the bubblewrap process inherits.
    """

    python: str
    bootstrap: str
    binds: Sequence[Bind]
    usr_links: Mapping[str, str]
    etc_shared: Sequence[str]
    etc_fds: Mapping[str, int]
    runner_fd: int
    status_fd: int
    memory_group: str | None
    disk_bytes: int
    seccomp_fd: int


def arguments(plan: Plan) -> list[str]:
    """bubblewrap's arguments, from the program's name on."""
    out = ["bwrap", "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--as-pid-1"]
    out += ["--new-session", "--cap-drop", "ALL", "--clearenv", "--hostname", "sandbox"]
    out += ["--uid", str(UID), "--gid", str(GID)]
    out += ["--ro-bind", "/usr", "/usr"]
    for name, target in plan.usr_links.items():
        out += ["--symlink", target, f"/{name}"]
    out += ["--perms", "0755", "--dir", "/etc"]
    for name, fd in plan.etc_fds.items():
        out += ["--perms", "0644", "--ro-bind-data", str(fd), f"/etc/{name}"]
    for path in plan.etc_shared:
        out += ["--ro-bind", path, path]
    out += ["--proc", "/proc", "--dev", "/dev"]
    for path in WRITABLE:
        mode = "1777" if path in SHARED else "0755"
        out += ["--size", str(plan.disk_bytes), "--perms", mode, "--tmpfs", path]
    for bind in plan.binds:
        for parent in reversed(PurePosixPath(bind.target).parents[:-1]):
            if not parent.is_relative_to("/usr"):
                out += ["--perms", "0755", "--dir", str(parent)]
        out += ["--ro-bind", bind.source, bind.target]
    out += ["--perms", "0755", "--dir", "/run", "--perms", "0755", "--dir", "/run/forgehand"]
    out += ["--perms", "0444", "--ro-bind-data", str(plan.runner_fd), RUNNER]
    if plan.memory_group:
        out += ["--ro-bind", plan.memory_group, MEMORY]
    # The root and /dev are tmpfs of bubblewrap's making without a size: nobody may write there.
    out += ["--remount-ro", "/dev", "--remount-ro", "/"]
    out += ["--seccomp", str(plan.seccomp_fd)]
    out += ["--json-status-fd", str(plan.status_fd), "--chdir", WORKSPACE]
    return [*out, "--", plan.python, "-I", "-S", "-c", plan.bootstrap, RUNNER]


def environment(python_bin: str, path: Sequence[str]) -> dict[str, str]:
    """The whole environment of a command in the box, before what the caller adds."""
    found = layout.environment({"PATH": ":".join([python_bin, "/usr/local/bin", "/usr/bin", "/bin"])})
    return {**found, "PATH": ":".join([*path, found["PATH"]])}


def usr_links(read_link: Mapping[str, str | None]) -> dict[str, str]:
    """The links of a merged /usr among the host's top-level names. `read_link`: name to link target or None."""
    return {name: target for name in _SYMLINKS if (target := read_link.get(name))}


def top_level_links() -> tuple[str, ...]:
    return _SYMLINKS
