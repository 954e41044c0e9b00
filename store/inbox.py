"""The inbox's writing side: one thread that makes many deliveries durable with one fsync.

Whoever hands in an arrival is told only after the commit. While one group is being written the next one gathers, so
groups grow with the load and the cost of the fsync is shared by all who wait for it.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from store.database import Database
from store.group_insert import Arrival, GroupInsert, Outcome, Receipt

# A group larger than this keeps its first members waiting for longer than the fsync it saves.
GROUP_ROWS = 512
GROUP_BYTES = 32 << 20
# Under load a group is soon as large as the one before it: its first members are better off waiting this long for the
# rest than paying for an fsync of their own. After a group of one nobody waits.
GATHER_S = 0.0005

STOPPING = Receipt(Outcome.REFUSED, "stopping")
FULL = Receipt(Outcome.REFUSED, "too many deliveries are waiting to be written")
DIED = Receipt(Outcome.REFUSED, "the inbox writer is not running")


Waiting = tuple[Arrival, "asyncio.Future[Receipt]"]


class InboxWriter:
    """Stores arrivals in groups on a thread of its own.

    At most `max_waiting` arrivals or `max_waiting_bytes` of bodies wait; more are refused at once.
    """

    def __init__(self, database: Database, *, max_waiting: int = 4096, max_waiting_bytes: int = 256 << 20) -> None:
        self._group = GroupInsert(database)
        self._max_waiting = max_waiting
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._wake = threading.Condition()
        self._accepting = False
        self._wanted = 1  # how many arrivals the thread sleeps for
        self._last_size = 1
        self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)

    def start(self) -> None:
        self._accepting = True
        self._thread.start()

    def stop(self) -> None:
        """Refuses what comes from now on, stores what waits, and returns when the thread has ended."""
        with self._wake:
            self._accepting = False
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def alive(self) -> bool:
        return self._accepting and self._thread.is_alive()

    def submit(self, arrival: Arrival) -> "asyncio.Future[Receipt]":
        """Hands in an arrival from a running event loop; the future's receipt comes after the commit.

        The arrival is stored even when the caller stops waiting.
        """
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        with self._wake:
            if not self._accepting:
                future.set_result(STOPPING)
            elif not self._thread.is_alive():
                future.set_result(DIED)
            elif (
                len(self._waiting) >= self._max_waiting
                or self._waiting_bytes + len(arrival.body) > self._max_waiting_bytes
            ):
                future.set_result(FULL)
            else:
                self._waiting.append((arrival, future))
                self._waiting_bytes += len(arrival.body)
                if len(self._waiting) >= self._wanted:
                    self._wake.notify()
        return future

    def _run(self) -> None:
        group: list[Waiting] = []
        try:
            while group := self._next_group():
                _answer(group, self._group.store([arrival for arrival, _ in group]))
                self._group.tidy()
        finally:
            with self._wake:
                self._accepting = False
                left = [*group, *self._waiting]
                self._waiting.clear()
            _answer(left, [DIED] * len(left))
            self._group.close()

    def _next_group(self) -> list[Waiting]:
        """Waits for arrivals and takes what is there, in order; empty when stopped and nothing waits."""
        with self._wake:
            self._wanted = 1
            while not self._waiting and self._accepting:
                self._wake.wait()
            self._wanted = self._last_size
            deadline = time.monotonic() + GATHER_S
            while self._accepting and len(self._waiting) < self._wanted and (left := deadline - time.monotonic()) > 0:
                self._wake.wait(left)
            group: list[Waiting] = []
            size = 0
            while self._waiting and len(group) < GROUP_ROWS and size < GROUP_BYTES:
                arrival, future = self._waiting.popleft()
                group.append((arrival, future))
                size += len(arrival.body)
            self._waiting_bytes -= size
            self._last_size = len(group)
            return group


def _answer(group: Iterable[Waiting], receipts: Iterable[Receipt]) -> None:
    """Resolves the futures on their own loops, with one wake-up a loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Receipt], Receipt]]] = {}
    for (_, future), receipt in zip(group, receipts, strict=True):
        by_loop.setdefault(future.get_loop(), []).append((future, receipt))
    for loop, answers in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: Iterable[tuple["asyncio.Future[Receipt]", Receipt]]) -> None:
    for future, receipt in answers:
        if not future.done():
            future.set_result(receipt)
