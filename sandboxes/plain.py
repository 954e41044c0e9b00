"""Boxes without walls: the runner as a plain process of this user, for code that is trusted anyway.

Commands can read and write whatever this user can, and reach the network. What is still promised: a scrubbed
environment, timeouts that end whole process trees, the lifetime, and a clean end.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

from .box import ChannelBox
from .channel import Channel, SocketTransport
from .contract import LIMITS, NO_NAMES, LimitUnenforceable, SandboxError, SandboxSpec, SandboxUnavailable
from .package import BOOTSTRAP, runner_zip
from .processes import SPAWNER, Process
from .records import Record, Records, check_name, deadline_in, myself

_MARK = "FORGEHAND_BOX"
_PATIENCE_S = 20.0
_END_S = 5.0


class PlainBackend:
    """Boxes that isolate nothing; `allow_unisolated=True` says that whoever makes one knows.

    `state`: a directory for the workspaces and records. `path`: directories to put first in PATH. `unenforced` names
    the limits of `SandboxSpec` that are ignored.
    """

    name = "plain"
    unenforced: tuple[str, ...] = tuple(limit for limit in LIMITS if limit != "lifetime_s")

    def __init__(self, state: Path, *, allow_unisolated: Literal[True], path: Sequence[str] = ()) -> None:
        if allow_unisolated is not True:
            raise SandboxUnavailable(
                "a plain process is no sandbox",
                "commands would run with all rights of this user",
                "Use another backend, or pass allow_unisolated=True for code that you trust",
            )
        self._root = Path(state).resolve()
        self._records = Records(self._root / "boxes")
        self._path = ":".join([*path, f"{sys.base_prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"])

    def enforcement(self) -> Mapping[str, str]:
        return {"lifetime_s": "the runner ends everything it started and exits"}

    def create(self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = NO_NAMES) -> ChannelBox:
        check_name(name)
        if spec.image is not None:
            raise SandboxUnavailable(f"no box of the image {spec.image}", "a plain process has no images")
        if spec.network:
            raise LimitUnenforceable("network", "a plain process reaches whatever its machine does", "Use bubblewrap")
        if spec.gpus:
            raise SandboxUnavailable("no box with a GPU", "a plain process has none of its own")
        directory = self._root / "plain" / f"{name}-{secrets.token_hex(4)}"
        record = Record(name, self.name, myself(), deadline_in(spec.lifetime_s), dict(labels), None, (), str(directory))
        with ExitStack() as undo:
            try:
                self._records.add(record)
            except FileExistsError:
                raise SandboxError(f"the box {name} cannot be made", "there is one of that name", "Close it") from None
            undo.callback(self._records.remove, name)
            undo.callback(shutil.rmtree, directory, ignore_errors=True)
            for part in ("work", "home", "tmp"):
                (directory / part).mkdir(parents=True, mode=0o700)
            (directory / "runner.zip").write_bytes(runner_zip())
            env = self._env(directory)
            host, inside = socket.socketpair()
            undo.callback(host.close)
            with inside:
                process = SPAWNER.popen(
                    [sys.executable, "-I", "-S", "-c", BOOTSTRAP, str(directory / "runner.zip")],
                    stdin=inside,
                    stdout=inside,
                    stderr=subprocess.DEVNULL,
                    cwd=directory / "work",
                    env=env,
                    start_new_session=True,
                )
            undo.callback(_end, process, directory)
            self._records.update(replace(record, runner=Process.of(process.pid)))
            channel = Channel(SocketTransport(host), name)
            undo.callback(channel.join)
            undo.callback(channel.lose, "it was closed")
            settings = {
                "workspace": str(directory / "work"),
                "reach": "workspace",
                "env": env,
                "rlimits": {"core": 0},
                "lifetime_s": spec.lifetime_s,
            }
            channel.hello(settings, patience=_PATIENCE_S)
            end = undo.pop_all()
        return ChannelBox(name, "none", channel, end.close)

    def attach(self, name: str) -> None:
        return None  # a box dies with the process that made it

    def reap(self, keep: Callable[[], Container[str]]) -> Sequence[str]:
        def end(record: Record) -> None:
            if record.directory:
                _sweep(Path(record.directory))
                shutil.rmtree(record.directory, ignore_errors=True)

        return self._records.reap(self.name, keep, end)

    def _env(self, directory: Path) -> dict[str, str]:
        return {
            "PATH": f"{directory / 'home'}/.local/bin:{self._path}",
            "HOME": str(directory / "home"),
            "TMPDIR": str(directory / "tmp"),
            "LANG": "C.UTF-8",
            _MARK: directory.name,
        }


def _end(process: subprocess.Popen[bytes], directory: Path) -> None:
    """The runner kills all its commands' trees when its stream has ended; what outlives a killed runner is swept."""
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _sweep(directory)


def _sweep(directory: Path) -> None:
    """Kills the processes that carry a box's mark in their environment, until a look finds none."""
    mark = f"{_MARK}={directory.name}".encode()
    deadline = time.monotonic() + _END_S
    while marked := [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _carries(pid, mark)]:
        for pid in marked:
            _kill_if(pid, mark)
        if time.monotonic() > deadline:
            raise SandboxError(f"processes of the box {directory.name} do not end", f"pids {marked}")


def _carries(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False  # gone, or another user's and therefore not ours


def _kill_if(pid: int, mark: bytes) -> None:
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _carries(pid, mark):  # looked at again through a pid that can no longer be recycled
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(fd)
