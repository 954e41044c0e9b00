"""One timing at a time on a machine: two that run at once measure each other."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

# Nobody wakes who waits for a file's lock with a way out; a verification that waits here has taken seconds already.
LOOK_EVERY_S = 0.2


class Timing:
    """Takes the machine's lock when it is asked to, and gives it back at the end. The system gives back what a killed
    process had."""

    def __init__(self, folder: Path, pause: Callable[[float], object]) -> None:
        """`pause` is called between two looks with seconds; what it raises ends the waiting."""
        self._path, self._pause = folder / "kernel-timing.lock", pause
        self._file: int | None = None

    def take(self) -> None:
        """Returns when this is the only one on this machine that times."""
        if self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self._pause(LOOK_EVERY_S)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
