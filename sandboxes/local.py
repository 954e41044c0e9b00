"""Boxes on this machine behind bubblewrap: namespaces, control groups, a system call filter and sized tmpfs."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import cgroups, seccomp
from .box import ChannelBox
from .bubblewrap import (
    ETC,
    ETC_SHARED,
    GID,
    MEMORY,
    UID,
    Bind,
    Plan,
    arguments,
    environment,
    top_level_links,
    usr_links,
)
from .channel import Channel, Failure, SocketTransport
from .contract import NO_NAMES, WORKSPACE, BoxLost, SandboxError, SandboxSpec, SandboxUnavailable
from .egress import PORT, Policy, Tunnel
from .egress.policy import Network
from .inside import proxy
from .layout import WRITABLE
from .package import BOOTSTRAP, runner_zip
from .processes import SPAWNER, Process
from .records import Record, Records, check_name, deadline_in, myself
from .stage import Stage, reachable

_START_PATIENCE_S = 20.0
_SPARE_PROCESSES = 160
"""Runner and supervisors: one for each of up to 64 commands, which forks once more before the command exists."""
_SPARE_MEMORY = 128 << 20
_WHAT_TO_DO = (
    "Install bubblewrap 0.8 or later and allow user namespaces (sysctl user.max_user_namespaces, "
    "kernel.apparmor_restrict_unprivileged_userns=0), or use the docker or kubernetes backend"
)


class BubblewrapBackend:
    """Boxes made by bubblewrap, as nobody in particular (uid 65532 and no capability), with no network.

    `state`: a directory for the records of boxes. `read_only`: paths of the host to show in every box, such as a
    virtual environment; a plain path keeps its place. `path`: directories of the box to put first in PATH.
    `private`: networks that are not public and may be reached all the same, when a destination's name stands for them.
    The Python that runs this process runs in the box too, as `python3` and `python`.
    """

    name = "local"

    def __init__(
        self,
        state: Path,
        *,
        read_only: Sequence[Path | Bind] = (),
        path: Sequence[str] = (),
        private: Sequence[Network] = (),
    ) -> None:
        self._private = private
        self._records = Records(Path(state) / "boxes")
        base = sys.base_prefix
        binds = [bind if isinstance(bind, Bind) else Bind(str(bind), str(bind)) for bind in read_only]
        if not Path(base).is_relative_to("/usr"):
            binds.insert(0, Bind(base, base))
        self._binds = binds
        self._python = f"{base}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
        self._env = environment(f"{base}/bin", path)
        self._lock = threading.Lock()
        self._prepared: _Prepared | None = None

    def probe(self) -> None:
        """Finds out, once, whether a box can be made here. SandboxUnavailable, LimitUnenforceable."""
        self._prepare()

    def enforcement(self) -> Mapping[str, str]:
        hierarchy = self._prepare().hierarchy
        means = hierarchy.means()
        means["memory_bytes"] = (
            f"the runner ends the largest command within 50 ms of the programs' memory passing it; "
            f"{means['memory_bytes']} holds programs and files together to memory_bytes + disk_bytes"
        )
        return {
            **means,
            "disk_bytes": "tmpfs size, for each of " + ", ".join(WRITABLE),
            "network": "an empty network namespace; destinations through the proxy on its loopback alone",
            "lifetime_s": "the runner, process 1 of the box, exits; reap removes what is left",
        }

    def create(self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = NO_NAMES) -> ChannelBox:
        check_name(name)
        if spec.image is not None:
            raise SandboxUnavailable(
                f"no box of the image {spec.image}",
                "the local backend shows the host's own programs",
                "Leave the image out, or use the docker or kubernetes backend",
            )
        if spec.gpus:
            raise SandboxUnavailable("no box with a GPU", "local boxes see no devices", "Use the kubernetes backend")
        prepared = self._prepare()
        record = Record(name, self.name, myself(), deadline_in(spec.lifetime_s), dict(labels))
        with ExitStack() as undo:
            self._add(record)
            undo.callback(self._records.remove, name)
            limits = cgroups.limits_of(spec, _SPARE_MEMORY, _SPARE_PROCESSES)
            group = prepared.hierarchy.make(f"forgehand-{name}-{secrets.token_hex(4)}", limits)
            undo.callback(group.remove)
            host, inside = socket.socketpair()
            undo.callback(host.close)
            with inside:
                process, runner = self._start(prepared, spec, inside, str(group.memory))
            undo.callback(_destroy, process, runner)
            group.add(runner.pid)
            self._records.update(
                replace(record, runner=runner, groups=tuple(str(directory) for directory in group.directories))
            )
            channel = Channel(SocketTransport(host), name)
            undo.callback(channel.join)
            undo.callback(channel.lose, "it was closed")
            _greet(channel, self._settings(spec), process)
            if spec.network:
                Tunnel(channel, Policy(spec.network, self._private), name).start()
            end = undo.pop_all()
        return ChannelBox(name, "bubblewrap", channel, end.close)

    def attach(self, name: str) -> None:
        return None  # a box dies with the process that made it

    def reap(self, keep: Callable[[], Container[str]]) -> Sequence[str]:
        def end(record: Record) -> None:
            cgroups.Group(tuple(map(Path, record.groups))).remove()

        return self._records.reap(self.name, keep, end)

    def _add(self, record: Record) -> None:
        try:
            self._records.add(record)
        except FileExistsError:
            raise SandboxError(
                f"the box {record.name} cannot be made", "there is one of that name", "Close it, or call reap first"
            ) from None

    def _settings(self, spec: SandboxSpec) -> dict[str, Any]:
        return {
            "workspace": WORKSPACE,
            "reach": "box",
            "env": self._env | (proxy.environment(PORT) if spec.network else {}),
            "rlimits": {"core": 0, "nproc": spec.processes + _SPARE_PROCESSES // 2},
            "memory": {"cgroup": MEMORY, "limit": spec.memory_bytes, "filesystems": list(WRITABLE)},
            "lifetime_s": spec.lifetime_s,
        }

    def _prepare(self) -> _Prepared:
        with self._lock:
            if self._prepared is None:
                prepared = _Prepared(self._binds)
                self._prove(prepared)
                self._prepared = prepared
            return self._prepared

    def _prove(self, prepared: _Prepared) -> None:
        """Starts a throw-away box: the only proof that boxes start here."""
        host, inside = socket.socketpair()
        with host:
            with inside:
                process, runner = self._start(prepared, SandboxSpec(), inside, None)
            _destroy(process, runner)

    def _start(
        self, prepared: _Prepared, spec: SandboxSpec, stdio: socket.socket, memory: str | None
    ) -> tuple[subprocess.Popen[bytes], Process]:
        """bubblewrap, started, and process 1 of its box. SandboxUnavailable."""
        with ExitStack() as stack:
            etc = {name: stack.enter_context(_data(text.encode())) for name, text in ETC.items()}
            runner = stack.enter_context(_data(runner_zip()))
            filter_fd = stack.enter_context(_data(seccomp.program()))
            status_r, status_w = os.pipe()
            stack.callback(os.close, status_r)
            plan = Plan(
                python=self._python,
                bootstrap=BOOTSTRAP,
                binds=prepared.binds,
                usr_links=prepared.usr_links,
                etc_shared=prepared.etc_shared,
                etc_fds=etc,
                runner_fd=runner,
                status_fd=status_w,
                seccomp_fd=filter_fd,
                memory_group=memory,
                disk_bytes=spec.disk_bytes,
            )
            fds = [*etc.values(), runner, filter_fd, status_w, *prepared.fds]
            try:
                process = SPAWNER.popen(
                    [*prepared.prefix, *arguments(plan)],
                    stdin=stdio,
                    stdout=stdio,
                    stderr=subprocess.PIPE,
                    cwd="/",
                    env={"PATH": os.defpath},
                    pass_fds=fds,
                    **prepared.options,
                )
            finally:
                os.close(status_w)
            return process, _first_process(process, status_r)


class _Prepared:
    """What is the same for all boxes of a backend: found out once."""

    def __init__(self, binds: Sequence[Bind]) -> None:
        if not shutil.which("bwrap"):
            raise SandboxUnavailable("no box can be made", "bubblewrap (bwrap) is not installed", _WHAT_TO_DO)
        seccomp.program()
        self.hierarchy = cgroups.find()
        links = {name: os.readlink(f"/{name}") if os.path.islink(f"/{name}") else None for name in top_level_links()}
        self.usr_links = usr_links(links)
        if "bin" not in self.usr_links:
            raise SandboxUnavailable(
                "no box can be made", "this host keeps /bin apart from /usr", "Use a merged /usr or another backend"
            )
        self.etc_shared = [path for path in ETC_SHARED if os.path.exists(path)]
        self.binds = list(binds)
        self.prefix: list[str] = []
        self.fds: list[int] = []
        self.options: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._leave_root()

    def _leave_root(self) -> None:
        """See `stage`: boxes of a root process belong to uid 65532 on the host too."""
        hidden = [bind.source for bind in self.binds if not reachable(bind.source)]
        if not hidden:
            self.options = {"user": UID, "group": GID, "extra_groups": ()}
            return
        stage = Stage(hidden)
        self.binds = [Bind(stage.places.get(bind.source, bind.source), bind.target) for bind in self.binds]
        self.fds = [stage.fd]
        self.prefix = stage.prefix(UID, GID)


def _first_process(process: subprocess.Popen[bytes], status_fd: int) -> Process:
    """Process 1 of a box, from bubblewrap's status; SandboxUnavailable with bubblewrap's own words when it fails."""
    data = b""
    deadline = time.monotonic() + _START_PATIENCE_S
    while not data.endswith(b"}\n"):
        ready, _, _ = select.select([status_fd], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(status_fd, 4096) if ready else b""
        if not part:
            process.kill()
            raise SandboxUnavailable("no box can be made", _last_words(process), _WHAT_TO_DO)
        data += part
    found = Process.of(json.loads(data.splitlines()[0])["child-pid"])
    if found is None:
        raise SandboxUnavailable("no box can be made", _last_words(process), _WHAT_TO_DO)
    return found


def _greet(channel: Channel, settings: dict[str, Any], process: subprocess.Popen[bytes]) -> None:
    try:
        answer = channel.hello(settings, patience=_START_PATIENCE_S)
    except (BoxLost, Failure) as error:
        process.kill()
        raise SandboxUnavailable("the box does not start", f"{error}; {_last_words(process)}", _WHAT_TO_DO) from error
    if answer.get("uid") != UID:
        raise SandboxUnavailable("the box does not start", f"its user is {answer.get('uid')!r}, not {UID}", _WHAT_TO_DO)


def _last_words(process: subprocess.Popen[bytes]) -> str:
    process.wait()
    words = b""
    if process.stderr:
        with process.stderr as stream:
            words = stream.read(4000)
    return words.decode(errors="replace").strip() or f"exit status {process.returncode}"


def _destroy(process: subprocess.Popen[bytes], runner: Process) -> None:
    """Ends a box: with its process 1 the kernel kills every process of the namespace before that one is reaped."""
    runner.kill()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr:
        process.stderr.close()


@contextmanager
def _data(content: bytes) -> Iterator[int]:
    """A descriptor from which `content` can be read."""
    fd = os.memfd_create("forgehand")
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)
