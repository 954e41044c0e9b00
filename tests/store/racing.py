"""Threads that start together, each with a transaction of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.orm import Session

from store import Database

THREADS = 8
Result = TypeVar("Result")


def race(database: Database, act: Callable[[Session, int], Result], *, threads: int = THREADS) -> list[Result]:
    """What `act(session, number)` returned in each thread, by number. An exception in any thread is raised here."""
    start = threading.Barrier(threads)

    def run(number: int) -> Result:
        start.wait(timeout=30)
        with database.write() as session:
            return act(session, number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads), timeout=60))
