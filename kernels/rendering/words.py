"""Numbers and foreign text of a report as people read them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_UNITS = ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (1e-6, "µs", 1e6))
_LONGEST = 300


def code(text: str, longest: int = _LONGEST) -> str:
    """Foreign text as a code span that nothing in it can end; fits a table, and no mention or link in it comes alive.

    Of what is longer than `longest` characters the beginning is kept."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    line = (line if len(line) <= longest else line[: longest - 1] + "…").replace("|", "¦") or " "
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def seconds(value: float) -> str:
    """Three significant digits in the unit that suits: 1.23 ms."""
    unit, factor = next(((name, by) for least, name, by in _UNITS if value >= least), ("µs", 1e6))
    return f"{value * factor:.3g} {unit}"


def error(value: float | None) -> str:
    """A relative error; None is one that cannot be told."""
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def speedup(timing: Mapping[str, Any]) -> str:
    """The ratio with its interval: 1.83 times [1.79, 1.87]."""
    low, high = timing["interval_95"]
    return f"{timing['speedup']:.2f} times [{low:.2f}, {high:.2f}]"


def title(document: Mapping[str, Any]) -> str:
    """The verdict in a line, for a check run's title: no text of the candidate's in it."""
    verdict = str(document["verdict"])
    timing, tried = document.get("timing"), document.get("correctness")
    if timing is not None and verdict in ("faster", "equal", "slower", "ambiguous"):
        return f"{verdict}: {speedup(timing)} the baseline's speed"
    if document.get("wrong"):
        where = f"{tried['passed']} of {tried['cells']} cells right" if tried and tried["cells"] else "no cell right"
        return f"{verdict} ({document['wrong']}) at {document['stage']}, {where}"
    return f"{verdict} at {document['stage']}"
