"""One writer at a time in a mirror, across threads and processes, and what a killed writer leaves behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repositories.errors import MirrorBusy

_STEP_S = 0.02
_STALE_S = 3600.0


@contextmanager
def exclusive(lock_file: Path, timeout: float) -> Iterator[int]:
    """Holds an flock(2) on `lock_file` and gives its descriptor, to be inherited by the git that writes.

    Because git inherits it, the lock outlives a killed parent for exactly as long as the orphaned git still writes:
    whoever holds it knows that no git of ours is at work. Raises MirrorBusy after `timeout` seconds.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise MirrorBusy(
                        f"Could not lock {lock_file.name}", f"another process held it for {timeout:.0f} s", "Try again"
                    ) from None
                time.sleep(_STEP_S)  # flock(2) cannot be given a timeout, so it is asked for again until the deadline
        yield descriptor
    finally:
        os.close(descriptor)


def sweep_clones(folder: Path, prefix: str) -> None:
    """Removes half-made clones of killed processes. Call under the lock."""
    for leftover in folder.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def sweep_locks(git_dir: Path) -> None:
    """Removes lock files and old temporary objects of killed git processes. Call under the lock.

    Every reference is written under the lock, so a ``*.lock`` found by its holder is dead. Objects are also written
    without it (a commit being made), so those are judged by age.
    """
    for name in ("HEAD.lock", "packed-refs.lock", "config.lock", "shallow.lock"):
        (git_dir / name).unlink(missing_ok=True)
    for folder, _, names in os.walk(git_dir / "refs"):
        for name in names:
            if name.endswith(".lock"):
                Path(folder, name).unlink(missing_ok=True)
    oldest = time.time() - _STALE_S
    for pattern in ("pack/tmp_*", "??/tmp_obj_*"):
        for leftover in (git_dir / "objects").glob(pattern):
            if leftover.stat().st_mtime < oldest:
                leftover.unlink(missing_ok=True)
