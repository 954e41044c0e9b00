"""All commands under way: starting them, moving their bytes, and ending those whose time or memory is over."""

from __future__ import annotations

import errno
import os
import selectors
import signal
import time
from collections.abc import Callable

from .commands import Command, drain
from .output import HeadTail
from .processes import below, kill_below, kill_marked, resident_bytes, table
from .supervisor import MARK, Supervisors
from .workspace import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .limits import Watch

    Answer = Callable[[dict[str, Any], bytes], None]

MAX_COMMANDS = 64
_WATCH_S = 0.05


class Crew:
    """`answer` is called with each result as it comes: a header with the request's id, and kept output as body."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self.answer: Answer = _unheard
        self._commands: dict[int, Command] = {}
        self._supervisors = Supervisors()
        self._watch_at = 0.0
        self.watch: Watch | None = None
        self.rlimits: dict[int, tuple[int, int]] = {}
        self._wake, wake_w = os.pipe()
        for fd in (self._wake, wake_w):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
        selector.register(self._wake, selectors.EVENT_READ, self._reap)

    def run(self, request: int, header: dict[str, Any], cwd: str, env: dict[str, str], stdin: bytes) -> None:
        """Starts a command; its result is answered later. Refused, OSError."""
        if len(self._commands) >= MAX_COMMANDS:
            raise Refused("busy", f"{MAX_COMMANDS} commands are running already")
        argv = [os.fsencode(part) for part in header["argv"]]
        if not argv or not argv[0] or any(b"\0" in part for part in argv):
            raise Refused("bad_request", "argv must name a program and hold no NUL")
        os.close(os.open(cwd, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))  # its own error, not the program's
        timeout, limit = float(header["timeout"]), int(header["output_limit"])
        kills = self.watch.kills() if self.watch else 0
        encoded = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
        started = self._supervisors.start(argv, os.fsencode(cwd), encoded, self.rlimits)
        command = Command(request, header["argv"][0], started, stdin, limit, timeout)
        command.kills_before = kills
        self._commands[started.pid] = command
        self._selector.register(started.stdin, selectors.EVENT_WRITE, lambda: self._feed(command))
        self._feed(command)
        self._selector.register(started.report, selectors.EVENT_READ, lambda: self._hear(command))
        for fd, kept in command.outputs():
            self._selector.register(fd, selectors.EVENT_READ, self._reader(fd, kept))

    def cancel(self, request: int) -> bool:
        """Ends the command of `request`; False when there is none."""
        for command in self._commands.values():
            if command.request == request:
                command.end("cancel")
                return True
        return False

    def abandon(self) -> None:
        """Kills all commands, which nobody waits for any more. OSError when something does not die."""
        if not kill_below(os.getpid()):
            raise OSError(errno.EBUSY, "a process of an abandoned command does not die")
        for command in self._commands.values():
            self._release(command)
        self._commands.clear()
        self.answer, self.watch = _unheard, None

    def due(self) -> float:
        """When `tend` must be called next, on the monotonic clock."""
        times = [command.deadline for command in self._commands.values()]
        if self.watch and times:
            times.append(self._watch_at)
        return min(times, default=float("inf"))

    def tend(self) -> None:
        """Ends what has run out of time or memory."""
        now = time.monotonic()
        for command in self._commands.values():
            if command.deadline <= now:
                if command.reason is None:
                    command.end("timeout")
                else:  # the supervisor does not do its work: see _finish for what becomes of its tree
                    os.kill(command.started.pid, signal.SIGKILL)
        if self.watch and self._commands and now >= self._watch_at:
            if self.watch.used() > self.watch.limit:
                self._end_largest()
            self._watch_at = time.monotonic() + _WATCH_S

    def _end_largest(self) -> None:
        running = [command for command in self._commands.values() if command.reason is None]
        if running:
            processes = table()
            max(running, key=lambda c: resident_bytes(below(c.started.pid, processes))).end("memory")

    def _feed(self, command: Command) -> None:
        if command.feed():
            self._selector.unregister(command.started.stdin)
            os.close(command.started.stdin)
            command.started.stdin = -1

    def _reader(self, fd: int, kept: HeadTail) -> Callable[[], None]:
        def read() -> None:
            if drain(fd, kept) == 0:
                self._selector.unregister(fd)

        return read

    def _reap(self) -> None:
        try:
            os.read(self._wake, 4096)
        except BlockingIOError:
            return
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._supervisors.ended(pid)
            if command := self._commands.pop(pid, None):
                self._finish(command)

    def _hear(self, command: Command) -> None:
        """A supervisor said something, or its end of the socket is gone: then it is reaped soon."""
        command.hear()
        if command.reported:
            del self._commands[command.started.pid]
            self._finish(command)
        elif command.silent:
            self._selector.unregister(command.started.report)

    def _finish(self, command: Command) -> None:
        command.collect()
        if not command.reported:
            # Its supervisor was killed, so its orphans are ours now: all that no living supervisor answers for.
            kill_below(os.getpid(), spare=self._commands)
            command.collect()
        elif command.orphaned:
            self._end_orphans(command)
            command.collect()
        code = command.outcome()
        self._release(command)
        if command.reason == "cancel":
            header: dict[str, Any] = {"ok": False, "error": "cancelled", "message": "cancelled by the host"}
            self.answer({"id": command.request, **header}, b"")
            return
        killed = self.watch is not None and self.watch.kills() > command.kills_before
        stdout, stderr = command.stdout.value(), command.stderr.value()
        header = {
            "exit_code": code,
            "timed_out": command.reason == "timeout",
            "oom": command.reason == "memory" or (killed and command.reason is None and code != 0),
            "seconds": time.monotonic() - command.began,
            "truncated": command.stdout.truncated or command.stderr.truncated,
            "stdout_bytes": command.stdout.total,
            "stderr_bytes": command.stderr.total,
            "stdout_kept": len(stdout),
        }
        self.answer({"id": command.request, "ok": True, **header}, stdout + stderr)

    def _end_orphans(self, command: Command) -> None:
        """Kills what the command left where its supervisor could not: by its mark, which a program can take off; so
        when nothing else runs, whatever there is."""
        if self._commands:
            kill_marked(os.getpid(), MARK + b"=%d" % command.started.pid, self._commands)
        else:
            kill_below(os.getpid())

    def _release(self, command: Command) -> None:
        started = command.started
        for fd in (started.stdin, started.stdout, started.stderr, started.report.fileno()):
            if fd >= 0 and fd in self._selector.get_map():
                self._selector.unregister(fd)
        command.close()
        self._supervisors.release(started, clean=command.reported and not command.orphaned and command.reason is None)


def _unheard(header: dict[str, Any], body: bytes) -> None:
    """No host is connected: an answer has nowhere to go."""
