"""What a check is, and how one ends: it held, it was breached, or it could not be made.

A check is a name and a function of a `Ground` (a backend and boxes on it). The function returns one line of detail
when the promise held, raises `Breach` with the evidence when it did not, and `NotRun` when the image lacks what the
probe needs. Anything else it raises counts against the backend: what could not be shown did not hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from .ground import Ground, NotRun

Theme = Literal["contract", "killing", "limits", "walls", "network", "secrets", "neighbours", "output", "remains"]
Outcome = Literal["held", "breached", "not run"]
Function = Callable[[Ground], str]


class Breach(Exception):
    """A promise that did not hold; its text is the evidence, in a line."""


@dataclass(frozen=True, slots=True)
class Check:
    theme: Theme
    name: str
    function: Function


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended. `seconds`: how long it took; `detail`: one line of what was seen."""

    check: Check
    outcome: Outcome
    seconds: float
    detail: str


class Book:
    """The checks of one theme, in the order in which a module defines them."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._checks: list[Check] = []

    def __call__(self, name: str) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            self._checks.append(Check(self._theme, name, function))
            return function

        return add

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks)


def require(held: object, evidence: str) -> None:
    """Raises Breach with the evidence unless `held`."""
    if not held:
        raise Breach(evidence)


def perform(check: Check, ground: Ground) -> Result:
    """Makes one check. Nothing it raises stops the others, but a Ctrl-C does."""
    began = time.monotonic()
    outcome: Outcome = "held"
    try:
        detail = check.function(ground)
    except NotRun as error:
        outcome, detail = "not run", str(error)
    except Breach as error:
        outcome, detail = "breached", str(error)
    except Exception as error:
        outcome, detail = "breached", f"it could not be shown to hold: {type(error).__name__}: {error}"
    return Result(check, outcome, time.monotonic() - began, _one_line(detail))


def _one_line(text: str) -> str:
    """Evidence comes out of boxes: one line, of bounded length, in which no terminal finds an order."""
    line = " ".join(text.split())
    line = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)
    return line if len(line) <= 400 else line[:399] + "\N{HORIZONTAL ELLIPSIS}"
