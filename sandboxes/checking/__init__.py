"""Shows, on a live backend, that what `sandboxes.contract` promises holds: the contract, the limits, the walls.

Checks know a backend by its contract alone and are harmless where they succeed as attacks, so that anyone can make
them on a cluster in use. `CHECKS` is all of them, by theme; `perform` makes one on a `Ground`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from . import (
    canaries,
    commands,
    files,
    kernel_files,
    killing,
    leaving,
    lies,
    limits,
    neighbours,
    network,
    remains,
    walls,
)
from .ground import Destinations, Ground, NotRun
from .registry import Breach, Check, Outcome, Result, Theme, perform

_BOOKS = (
    commands.checks,
    files.checks,
    killing.checks,
    limits.checks,
    walls.checks,
    kernel_files.checks,
    network.checks,
    canaries.checks,
    neighbours.checks,
    leaving.checks,
    lies.checks,
    remains.checks,
)
CHECKS: Sequence[Check] = tuple(check for book in _BOOKS for check in book)
THEMES: Sequence[Theme] = get_args(Theme)

__all__ = [
    "CHECKS",
    "THEMES",
    "Breach",
    "Check",
    "Destinations",
    "Ground",
    "NotRun",
    "Outcome",
    "Result",
    "Theme",
    "perform",
]
