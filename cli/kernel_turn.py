"""Waiting for the machine's clock, or for a device, in a terminal: who waits says so."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console


def turn_of_timing(screen: Console) -> Callable[[float], None]:
    """The `pause` of a TimingLock. `screen`: of standard error; it says once for what is waited."""
    return _saying(screen, "waiting: another kernel is timed on this machine")


def turn_of_device(screen: Console) -> Callable[[float], None]:
    """The `pause` of who waits for a device."""
    return _saying(screen, "waiting: another kernel is verified on this device, or the database does not answer")


def _saying(screen: Console, text: str) -> Callable[[float], None]:
    said = False

    def pause(seconds: float) -> None:
        nonlocal said
        if seconds > 0 and not said:
            said = True
            screen.print(text)
        time.sleep(seconds)  # flock(2) has no timeout, and a lease in a database calls nobody: one can only ask again

    return pause
