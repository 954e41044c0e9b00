"""Names of windows: which window of which phase a task is at, kept in its data so that a rerun finds the same one."""

from collections.abc import Mapping
from typing import Any

from agent import Phase


def name(data: Mapping[str, Any], phase: Phase) -> str:
    """The window to run now: `1/implement#1`. The round stands for the attempt, the number counts a phase's windows."""
    return f"{data['round']}/{phase.value}#{data['windows'][phase.value]}"


def next_round(data: Mapping[str, Any], *phases: Phase) -> dict[str, Any]:
    """What to remember when a new round begins, in which each of `phases` opens its next window."""
    windows = dict(data.get("windows", {}))
    for phase in phases:
        windows[phase.value] = windows.get(phase.value, 0) + 1
    return {"round": data.get("round", 0) + 1, "windows": windows}
