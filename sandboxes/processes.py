"""Processes of the host named so that a recycled pid is never mistaken for the one that was meant."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any


def start_time(stat: bytes) -> int:
    """The start time in a /proc/PID/stat; the name in it, in parentheses, may hold anything."""
    return int(stat[stat.rindex(b")") + 2 :].split()[19])


@dataclass(frozen=True, slots=True)
class Process:
    """A process by pid and start time (in clock ticks since boot, /proc/PID/stat field 22)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has `pid` now; None when there is none."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                data = file.read()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state = data[data.rindex(b")") + 2 :][:1]
        return None if state in (b"Z", b"X") else cls(pid, start_time(data))

    def alive(self) -> bool:
        return Process.of(self.pid) == self

    def kill(self) -> None:
        """SIGKILLs this very process, or does nothing when it is gone."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The descriptor pins whoever has the pid now: if that is still ours, the signal can hit nobody else.
            if self.alive():
                signal.pidfd_send_signal(fd, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            os.close(fd)


class Spawner:
    """Starts processes from one thread that lives as long as this process.

    bubblewrap's --die-with-parent kills a box when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG),
    and boxes outlive the pool threads that ask for them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._queue: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], Sequence[str], dict[str, Any]]]

    def popen(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """`subprocess.Popen(argv, **options)`, from the lasting thread. OSError."""
        with self._lock:
            if self._owner != os.getpid():  # first use, or first use after a fork, which does not copy threads
                self._owner = os.getpid()
                self._queue = queue.SimpleQueue()
                threading.Thread(target=self._work, args=(self._queue,), name="box-spawner", daemon=True).start()
        future: Future[subprocess.Popen[bytes]] = Future()
        self._queue.put((future, argv, options))
        return future.result()

    @staticmethod
    def _work(
        work: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], Sequence[str], dict[str, Any]]],
    ) -> None:
        while True:
            future, argv, options = work.get()
            try:
                future.set_result(subprocess.Popen(argv, **options))
            except BaseException as error:
                future.set_exception(error)


SPAWNER = Spawner()
