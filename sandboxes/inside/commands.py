"""One command from its start to its result: its pipes, its deadline, and why it ended."""

from __future__ import annotations

import errno
import os
import signal
import time

from .output import HeadTail
from .supervisor import Started

_READ = 1 << 20
_KILL_GRACE_S = 15.0
"""How long a supervisor may take to kill its tree before the runner does it over its head."""


class Command:
    """The runner's side of a command. `reason` is why the runner ended it: timeout, memory, cancel, or None."""

    def __init__(
        self, request: int, program: str, started: Started, stdin: bytes, output_limit: int, timeout: float
    ) -> None:
        self.request = request
        self.program = program
        self.started = started
        self.stdout = HeadTail(output_limit)
        self.stderr = HeadTail(output_limit)
        self.began = time.monotonic()
        self.deadline = self.began + timeout
        self.reason: str | None = None
        self.kills_before = 0
        self._stdin = memoryview(stdin)
        self._report = b""
        self.silent = False
        """True once the supervisor can say nothing more."""

    def outputs(self) -> list[tuple[int, HeadTail]]:
        return [(self.started.stdout, self.stdout), (self.started.stderr, self.stderr)]

    def feed(self) -> bool:
        """Writes what fits of the standard input; True when no more is to be written."""
        try:
            while self._stdin:
                self._stdin = self._stdin[os.write(self.started.stdin, self._stdin[:_READ]) :]
        except BlockingIOError:
            return False
        except BrokenPipeError:
            pass  # the program reads no input: its right
        return True

    def end(self, reason: str) -> None:
        """Has the supervisor kill the tree. The first reason given is the one reported."""
        if self.reason is None:
            self.reason = reason
            self.deadline = time.monotonic() + _KILL_GRACE_S
            for number in (signal.SIGTERM, signal.SIGCONT):  # a command may have stopped its supervisor
                os.kill(self.started.pid, number)

    def collect(self) -> None:
        """Takes what the pipes still hold once the tree is dead.

        Does not wait for their end: a command may have handed an end to another command through a socket.
        """
        for fd, kept in self.outputs():
            for _ in range(4):
                if drain(fd, kept) <= 0:
                    break
        self.hear()

    def hear(self) -> None:
        """Takes what the supervisor has said."""
        try:
            said = self.started.report.recv(256)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        self._report += said
        self.silent |= not said

    @property
    def reported(self) -> bool:
        """True when the supervisor lived to report the end, after killing all that was left below it."""
        return b"exit" in self._report and self._report.endswith(b"\n")

    @property
    def orphaned(self) -> bool:
        """True when its orphans went to the runner, because the kernel let no supervisor have them."""
        return b"orphans" in self._report

    def outcome(self) -> int | None:
        """The exit code; None when the timeout ended it. Says on `stderr` why a program could not be started."""
        if self.reason == "timeout":
            return None
        lines = dict(line.split(b" ", 1) for line in self._report.splitlines())
        if b"exec" in lines:
            number = int(lines[b"exec"])
            self.stderr.add(f"{self.program}: {os.strerror(number)}\n".encode("utf-8", "surrogateescape"))
            return 127 if number == errno.ENOENT else 126
        if b"exit" not in lines:
            return -signal.SIGKILL  # a command killed its own supervisor
        return os.waitstatus_to_exitcode(int(lines[b"exit"]))

    def close(self) -> None:
        """Closes its pipes; the supervisor is not its own."""
        for fd in (self.started.stdout, self.started.stderr):
            os.close(fd)
        if self.started.stdin >= 0:
            os.close(self.started.stdin)


def drain(fd: int, kept: HeadTail) -> int:
    """Moves what a pipe holds now into `kept`, at most one read: its size, 0 at the end, -1 when it is empty."""
    try:
        data = os.read(fd, _READ)
    except BlockingIOError:
        return -1
    kept.add(data)
    return len(data)
