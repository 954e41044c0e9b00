"""The container of a box, as the engine is asked for it. Pure: a spec and an identity in, the request's body out.

Source of the names: Docker Engine API 1.41, ContainerCreate. Everything a container gets by default and a stranger
should not have is taken away here: root, capabilities, a writable image, the network, logs that fill the disk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from .. import interpreter
from ..contract import WORKSPACE, SandboxSpec
from ..layout import SHARED, WRITABLE

UIDS = range(1 << 20, 1 << 30, 2)
"""Each box has a user id of its own, and a host that comes in later the next one: the kernel counts processes,
watches and pipes by user on the whole machine, and a user cannot signal or trace another's processes."""
GID = 65532
RUNNER = "/run/forgehand"
PREFIX = "forgehand.dev/"
BOX, OWNER, DEADLINE, TOKEN, SPEC, USER, PYTHON, GPUS, TOGETHER = (
    PREFIX + word for word in ("box", "owner", "deadline", "token", "spec", "uid", "python", "gpus", "together")
)
RUNNER_RIGHTS = ("SETUID", "SETGID", "SETPCAP")
"""What process 1 needs to be another user than the commands, which get none of it (see `inside.processes.act_as`)."""
SPARE_PROCESSES = 160
"""Runner and supervisors: one for each of up to 64 commands, which forks once more before the command exists."""
SPARE_MEMORY = 128 << 20
_SENTRY_MEMORY, _SENTRY_PROCESSES = 256 << 20, 1024
_SENTRY_MEMORY_EACH, _SENTRY_PROCESSES_EACH = 2 << 20, 16
"""What a process inside costs the machine with Debian 12's gVisor on ptrace: measured 1.8 MB and, when
all of 1,000 have run, 14 threads. With fewer allowed that kernel dies of its first fork bomb."""
_PERIOD_US = 100_000
_LEAST_QUOTA_US = 1_000
_BYTES_PER_INODE = 4096
_OWNER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,39}")


class Python(Enum):
    """Which Python runs the runner: the image's, or one that is brought along because the image has none."""

    UNKNOWN = "unknown"
    OWN = "own"
    BROUGHT = "brought"

    def command(self, bootstrap: str, *arguments: str) -> list[str]:
        program = interpreter.start(f"{RUNNER}/python") if self is Python.BROUGHT else ("python3",)
        return [*program, "-I", "-S", "-c", bootstrap, f"{RUNNER}/runner.zip", *arguments]


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a box from all others. `token` is what a host proves itself with; `deadline` in seconds since 1970;
    `gpus` the engine's names of its devices."""

    name: str
    owner: str
    token: bytes
    uid: int
    deadline: float
    python: Python
    labels: Mapping[str, str]
    gpus: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Runtime:
    """What surrounds the processes: `name` for the engine; `own_kernel` when they run on a kernel of their own, which
    does not show the machine's control groups inside and takes memory and threads for itself (gVisor)."""

    name: str
    own_kernel: bool

    @classmethod
    def named(cls, name: str) -> Runtime:
        return cls(name, "runsc" in name)


def check_owner(owner: str) -> str:
    """ValueError unless `owner` can be part of a container's name."""
    if not _OWNER.fullmatch(owner):
        raise ValueError(f"an owner is up to 40 of a-z A-Z 0-9 _ - and starts with a letter or digit, not {owner!r}")
    return owner


def container_name(owner: str, name: str) -> str:
    """The same for the same box, so that the engine notices when it is made twice."""
    return f"forgehand-{owner}-{name}"


def make_container(
    spec: SandboxSpec, identity: Identity, runtime: Runtime, *, image: str, command: Sequence[str], volume: str
) -> dict[str, Any]:
    """The body of the request. `command` is process 1; `volume` holds the runner and is mounted at `RUNNER`."""
    memory, processes = _bounds(spec, runtime)
    return {
        "Image": image,
        "Entrypoint": [command[0]],
        "Cmd": list(command[1:]),
        "User": f"{0 if runtime.own_kernel else identity.uid}:{GID}",
        "Env": [],
        "WorkingDir": WORKSPACE,
        "Hostname": "sandbox",
        "NetworkDisabled": False,
        "Tty": False,
        "OpenStdin": True,
        "StdinOnce": True,  # its input ends with the host that was the first to hold it
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": False,
        "Labels": _labels(spec, identity),
        "HostConfig": {
            "Runtime": runtime.name,
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "CapAdd": list(RUNNER_RIGHTS) if runtime.own_kernel else [],
            "SecurityOpt": ["no-new-privileges:true"],
            "Privileged": False,
            "IpcMode": "private",
            "Init": False,
            "AutoRemove": False,
            "RestartPolicy": {"Name": "no"},
            # Process 1 speaks the protocol on its output: that is nobody's log.
            "LogConfig": {"Type": "none"},
            "Memory": memory,
            "MemorySwap": memory,  # memory and swap together: no swap
            "PidsLimit": processes,
            "CpuPeriod": _PERIOD_US,
            "CpuQuota": max(_LEAST_QUOTA_US, int(spec.cpus * _PERIOD_US)),
            "ShmSize": spec.disk_bytes,
            "Tmpfs": {path: _tmpfs(path, spec, identity) for path in WRITABLE if path != "/dev/shm"},  # noqa: S108
            "Mounts": [_runner(volume)],
            "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
            "DeviceRequests": _devices(identity.gpus),
        },
    }


def rlimits(spec: SandboxSpec) -> dict[str, int]:
    """Of every command: what leaves the runner room to start another, and the only count of a kernel of its own."""
    return {"core": 0, "nproc": spec.processes + SPARE_PROCESSES // 2}


def describe(spec: SandboxSpec) -> str:
    """A spec as a label's value, for a host that takes the box over."""
    return json.dumps(asdict(spec))


def described(label: str) -> SandboxSpec:
    """The spec of such a label. ValueError, TypeError."""
    fields = json.loads(label)
    return SandboxSpec(**{**fields, "network": tuple(fields["network"])})


def _bounds(spec: SandboxSpec, runtime: Runtime) -> tuple[int, int]:
    """Memory in bytes, and processes: files on tmpfs count as memory; the runner needs some of both, and a kernel of
    its own even more."""
    memory = spec.memory_bytes + spec.disk_bytes + SPARE_MEMORY
    processes = spec.processes + SPARE_PROCESSES
    if runtime.own_kernel:
        # The kernel inside does the counting; these only bound that kernel itself, which ends when it meets them.
        own = _SENTRY_MEMORY + processes * _SENTRY_MEMORY_EACH
        return memory + own, processes * _SENTRY_PROCESSES_EACH + _SENTRY_PROCESSES
    return memory, processes


def _tmpfs(path: str, spec: SandboxSpec, identity: Identity) -> str:
    mode = "1777" if path in SHARED else "0755"
    inodes = max(1024, spec.disk_bytes // _BYTES_PER_INODE)
    return f"rw,nosuid,nodev,exec,size={spec.disk_bytes},nr_inodes={inodes},mode={mode},uid={identity.uid},gid={GID}"


def _runner(volume: str) -> dict[str, Any]:
    options = {"NoCopy": True}
    return {"Type": "volume", "Source": volume, "Target": RUNNER, "ReadOnly": True, "VolumeOptions": options}


def _labels(spec: SandboxSpec, identity: Identity) -> dict[str, str]:
    return {
        **{f"{PREFIX}label-{key}": value for key, value in identity.labels.items()},
        BOX: identity.name,
        OWNER: identity.owner,
        DEADLINE: f"{identity.deadline:.0f}",
        TOKEN: identity.token.hex(),
        SPEC: describe(spec),
        USER: str(identity.uid),
        PYTHON: identity.python.value,
        **({GPUS: ",".join(identity.gpus)} if identity.gpus else {}),
        **({TOGETHER: spec.together} if spec.together else {}),
    }


def _devices(gpus: Sequence[str]) -> list[dict[str, Any]]:
    return [{"Driver": "nvidia", "DeviceIDs": list(gpus), "Capabilities": [["gpu"]]}] if gpus else []
