"""One timing at a time on a machine: two that run at once measure each other."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from kernels.verdicts import Stage
from settings import Settings
from workers.kernel_place import kernel_kind

# Nobody wakes who waits for a file's lock with a way out; a verification that waits here has taken seconds already.
LOOK_EVERY_S = 0.2
_LOCK = "kernel-timing.lock"
_MEANS = {"alone": fcntl.LOCK_EX, "beside others": fcntl.LOCK_SH}


def lock_folder(settings: Settings) -> Path:
    """Where the lock of this machine lies. Beside the Python of kernels, which is the same for all state folders and
    shells of a user and nobody else's to write; in the state folder where that cannot be written, and where the boxes
    are on a cluster's nodes: their neighbours there are not known here."""
    home = settings.kernel_home
    if kernel_kind(settings) == "kubernetes":
        return settings.state_dir
    try:
        home.mkdir(parents=True, exist_ok=True)
        os.close(_opened(home / _LOCK))
    except OSError:
        return settings.state_dir
    return home


class Timing:
    """Takes the machine's lock when it is asked to, and gives it back at the end. The system gives back what a killed
    process had.

    `how`: alone, or beside others who say so too: for verifications of whose times nothing depends, which may disturb
    each other but nobody else.
    """

    def __init__(
        self,
        folder: Path,
        pause: Callable[[float], object],
        how: Literal["alone", "beside others"] = "alone",
    ) -> None:
        """`pause` is called between two looks with seconds, and with 0 between stages; what it raises ends the
        waiting."""
        self._path, self._pause, self._means = folder / _LOCK, pause, _MEANS[how]
        self._file: int | None = None

    def at(self, stage: Stage) -> None:
        """What a verification that comes to this stage does: from the first clock on it has the lock."""
        self._pause(0.0)
        if stage is Stage.time:
            self.take()

    def take(self) -> None:
        """Returns when nobody on this machine times whom this one disturbs."""
        if self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = _opened(self._path)
        try:
            while True:
                try:
                    fcntl.flock(file, self._means | fcntl.LOCK_NB)
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


def _opened(path: Path) -> int:
    """Nobody else may open it: who has it keeps every verification waiting."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
