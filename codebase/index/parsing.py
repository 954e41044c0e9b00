"""Files parsed in processes of their own: a parser that crashes or hangs on a hostile file costs that file.

The processes stay and are shared by everything in this one: starting one takes as long as parsing hundreds of files.
What comes back is bytes, as they are kept in the cache.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from codebase.index.parse_process import ANSWER, FAILED, LENGTH, OUT_OF_TIME, READY, receive
from codebase.index.tree import File

_BATCH_BYTES = 512 << 10
_BATCH_FILES = 50
_PATIENCE_S = 60.0
_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = "from codebase.index.parse_process import main; main()"
Batch = list[tuple[File, bytes]]
Parsed = tuple[File, bytes]
Work = Callable[[str, bytes], bytes]
"""A module's own function: of a file's path and content. It is called with an empty path, in this process, for a file
whose parser does not survive, and must not parse then."""


class ParserUnavailable(RuntimeError):
    """No process that parses can be started here."""


class _Lost(Exception):
    """The process is gone. `late`: because a file took too long."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("late" if late else "ended")
        self.late = late


class _Process:
    """One process that parses, for one thread at a time."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        # Not the caller's environment, which holds secrets; and -P: its folder may be the repository itself.
        environment = {"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
            )
        try:
            self._next()
        except _Lost as lost:
            raise ParserUnavailable(f"a process that parses could not be started ({lost})") from None

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def answers(self, work: Work, batch: Batch) -> Generator[tuple[int, bytes], None, None]:
        """Kind and bytes for each file, in order. Raises `_Lost`: the first file without an answer is to blame."""
        request = pickle.dumps((work, [(file.path, data) for file, data in batch]))
        self._channel.settimeout(_PATIENCE_S)
        try:
            self._channel.sendall(LENGTH.pack(READY, len(request)))
            self._channel.sendall(request)
        except OSError:
            self.close()
            raise _Lost(late=False) from None
        for _ in batch:
            yield self._next()

    def _next(self) -> tuple[int, bytes]:
        self._channel.settimeout(_PATIENCE_S)
        try:
            return receive(self._channel)
        except (EOFError, OSError) as error:
            self.close()
            raise _Lost(late=isinstance(error, TimeoutError) or self._process.returncode == OUT_OF_TIME) from None

    def close(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()


class Parsers:
    """Processes that parse, at most `most` of them, started when they are needed. For any number of threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: list[_Process] = []
        self._busy = 0
        self._changed = threading.Condition()

    def warm_up(self) -> None:
        """Starts one process, where none is yet, so that the first file need not wait for it. ParserUnavailable."""
        with self._borrowed():
            pass

    def close(self) -> None:
        """Ends the processes that have nothing to do."""
        with self._changed:
            while self._idle:
                self._idle.pop().close()

    def parse(self, work: Work, batch: Batch) -> list[Parsed]:
        """Every file with what `work` says of it. ParserUnavailable."""
        found: list[Parsed] = []
        once_lost = -1
        while len(found) < len(batch):
            try:
                with (
                    self._borrowed() as process,
                    contextlib.closing(process.answers(work, batch[len(found) :])) as all_,
                ):
                    for kind, answer in all_:
                        file, data = batch[len(found)]
                        if kind == FAILED:
                            warnings.warn(f"{file.path!r} could not be read: {answer.decode()}", stacklevel=2)
                        found.append((file, answer if kind == ANSWER else work("", data[:4096])))
            except _Lost as lost:
                # It may have died of what came before: a file is given up when a fresh process does not survive it.
                if lost.late or once_lost == len(found):
                    file, data = batch[len(found)]
                    found.append((file, work("", data[:4096])))
                else:
                    once_lost = len(found)
        return found

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[_Process]:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._busy < self._most)
            self._busy += 1
            process = self._idle.pop() if self._idle else None
        try:
            if process is not None and not process.alive:
                process.close()
                process = None
            process = process or _Process()
            yield process
        finally:
            with self._changed:
                self._busy -= 1
                if process is not None and process.alive:
                    self._idle.append(process)
                self._changed.notify()


_shared: dict[int, Parsers] = {}
_making = threading.Lock()


def shared() -> Parsers:
    """The parsers of this process, one for each CPU at most. A fork does not share its parent's."""
    with _making:
        found = _shared.get(os.getpid())
        if found is None:
            found = _shared[os.getpid()] = Parsers(os.cpu_count() or 1)
            atexit.register(found.close)
        return found


def parse_all(
    contents: Iterable[tuple[File, bytes | None]],
    work: Work,
    processes: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[Parsed]:
    """Every file with what `work` says of it, `processes` of them at a time. ParserUnavailable.

    `progress` is told after each batch how many files are done. Never are more files in memory than are about to be
    needed.
    """
    batches = _batches(contents)
    done = 0
    running: set[Future[list[Parsed]]] = set()
    pool = ThreadPoolExecutor(processes, thread_name_prefix="parsing")
    try:
        while True:
            while len(running) < 2 * processes and (batch := next(batches, None)) is not None:
                running.add(pool.submit(shared().parse, work, batch))
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for one in finished:
                parsed = one.result()
                done += len(parsed)
                progress(done)
                yield from parsed
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _batches(contents: Iterable[tuple[File, bytes | None]]) -> Iterator[Batch]:
    batch: Batch = []
    size = 0
    for file, data in contents:
        if data is None:
            continue
        batch.append((file, data))
        size += len(data)
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
