"""What navigation answers: places, and how sure it is of them. One shape, whoever found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Certainty = Literal["exact", "by_name"]
Kind = Literal["file", "class", "function", "call", "import", "base", "use"]


@dataclass(frozen=True, slots=True)
class Place:
    """Lines count from 1, both ends included. `symbol`: the qualified name of the definition it is, or in which it
    stands; empty outside of all. `kind`: what it is (file, class, function) or what is done with the name there (call,
    import, base, use). `text`: its line, cut, or of a definition the line with its name. `certainty`: exact where the
    program's own rules lead there, by_name where only the name fits. `scope`: by which of them it was found."""

    path: str
    start_line: int
    end_line: int
    symbol: str
    kind: str
    text: str
    certainty: Certainty
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Places, the surest first. `left_out` counts the ones that fitted as well and were too many. `outside`: names that
    lead to nothing in this repository, where that was asked."""

    places: tuple[Place, ...] = ()
    left_out: int = 0
    outside: tuple[str, ...] = ()
