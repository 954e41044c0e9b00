"""One timing at a time on a machine: two that run at once measure each other."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from kernels.broker import Broker
from kernels.verdicts import Stage
from sandboxes.machine import this_machine
from settings import Settings
from workers.kernel_place import kernel_kind

# Nobody wakes who waits for a file's lock with a way out; a verification that waits here has taken seconds already.
LOOK_EVERY_S = 0.2
ASK_EVERY_S = 1.0
_LOCK = "kernel-timing.lock"
_MEANS = {"alone": fcntl.LOCK_EX, "beside others": fcntl.LOCK_SH}


def lock_folder(settings: Settings) -> Path:
    """Where the locks lie. Beside the Python of kernels, which is the same for all state folders and shells of a user
    and nobody else's to write; in the state folder where that cannot be written, and where the boxes are on a cluster's
    nodes, of which a cluster of another installation may have one with the same name."""
    home = settings.kernel_home
    if kernel_kind(settings) == "kubernetes":
        return settings.state_dir
    try:
        home.mkdir(parents=True, exist_ok=True)
        os.close(_opened(home / _LOCK))
    except OSError:
        return settings.state_dir
    return home


class Turn(Protocol):
    """The right to time on a machine, among those who are not on this one."""

    def take(self, machine: str) -> bool:
        """False while somebody else has it. Ours until `end`."""

    def end(self) -> None: ...


class TimingLock:
    """Takes the lock of the machine where the boxes are when it is asked to, and gives it back at the end. The system
    gives back what a killed process had.

    `how`: alone, or beside others who say so too: for verifications of whose times nothing depends, which may disturb
    each other but nobody else. `turn`: to be had too.
    """

    def __init__(
        self,
        folder: Path,
        pause: Callable[[float], object],
        how: Literal["alone", "beside others"] = "alone",
        turn: Turn | None = None,
    ) -> None:
        """`pause` is called between two looks with seconds, and with 0 between stages; what it raises ends the
        waiting."""
        self._folder, self._pause, self._means, self._turn = folder, pause, _MEANS[how], turn
        self._file: int | None = None

    def at(self, stage: Stage, machine: str) -> None:
        """What a verification that comes to this stage does: from the first clock on it has the lock."""
        self._pause(0.0)
        if stage is Stage.time:
            self.take(machine)

    def of(self, broker: Broker) -> Callable[[Stage], None]:
        """`at` for the machine where the broker's boxes are."""
        return lambda stage: self.at(stage, broker.machine)

    def take(self, machine: str) -> None:
        """Returns when nobody whom this one disturbs times on the machine."""
        if self._file is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = _opened(self._folder / _name(machine))
        try:
            self._await(lambda: _locked(file, self._means), LOOK_EVERY_S)
            if self._turn is not None:
                turn = self._turn
                self._await(lambda: turn.take(machine), ASK_EVERY_S)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def _await(self, ours: Callable[[], bool], every_s: float) -> None:
        while not ours():
            self._pause(every_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
            if self._turn is not None:
                self._turn.end()


def _name(machine: str) -> str:
    """Nodes of a cluster have a lock each; what is timed here is so whatever its boxes are."""
    if machine == this_machine():
        return _LOCK
    return f"kernel-timing-{hashlib.sha256(machine.encode()).hexdigest()[:16]}.lock"


def _locked(file: int, means: int) -> bool:
    try:
        fcntl.flock(file, means | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> int:
    """Nobody else may open it: who has it keeps every verification waiting."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
