"""Files parsed in processes of their own: a parser that crashes or hangs on a hostile file costs that file.

What comes back is bytes, as they are kept in the cache.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from codebase.index.blob import pack, read_blob
from codebase.index.tree import File

_BATCH_BYTES = 1 << 20
_BATCH_FILES = 100
_PATIENCE_S = 60.0
_MEMORY = 3 << 30
Batch = list[tuple[File, bytes]]
Parsed = tuple[File, bytes]


def parse_all(
    contents: Iterable[tuple[File, bytes | None]], processes: int, progress: Callable[[int], None] = lambda done: None
) -> Iterator[Parsed]:
    """Every file with its packed blob; one whose parser does not survive has no definitions.

    `progress` is told after each batch how many files are done.
    """
    done = 0
    for parsed in _in_pool(_batches(contents), processes):
        done += len(parsed)
        progress(done)
        yield from parsed


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


def _in_pool(batches: Iterator[Batch], processes: int) -> Iterator[list[Parsed]]:
    """Batches through a pool, never more of them in memory than the pool is about to need."""
    pool = _pool(processes)
    running: dict[Future[list[Parsed]], tuple[Batch, float]] = {}
    exhausted = False
    try:
        while running or not exhausted:
            while not exhausted and len(running) < 2 * processes:
                batch = next(batches, None)
                if batch is None:
                    exhausted = True
                else:
                    running[pool.submit(_parse, batch)] = batch, time.monotonic()
            finished, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            late = any(time.monotonic() - since > _PATIENCE_S * 2 * processes for _, since in running.values())
            broken = late or any(isinstance(one.exception(), BrokenProcessPool) for one in finished)
            for one in finished:
                if not isinstance(one.exception(), BrokenProcessPool):
                    del running[one]
                    yield one.result()
            if broken:
                _kill(pool)
                for batch, _ in running.values():
                    yield [_alone(file, data) for file, data in batch]
                running.clear()
                pool = _pool(processes)
    finally:
        _kill(pool)


def _alone(file: File, data: bytes) -> Parsed:
    """One file in a process of its own; without definitions when that one does not come back."""
    pool = _pool(1)
    try:
        return pool.submit(_parse, [(file, data)]).result(timeout=_PATIENCE_S)[0]
    except (BrokenProcessPool, TimeoutError):
        return file, pack(read_blob("", data[:4096]))
    finally:
        _kill(pool)


def _pool(processes: int) -> ProcessPoolExecutor:
    # Not fork: the caller has threads, and locks they hold would stay held in the child for ever.
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_limit)


def _kill(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        process.kill()
    pool.shutdown(wait=True, cancel_futures=True)


def _limit() -> None:
    os.nice(5)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _parse(batch: Sequence[tuple[File, bytes]]) -> list[Parsed]:
    return [(file, pack(read_blob(file.path, data))) for file, data in batch]
