"""Hot spots: large files that are changed often, lately above all: where work goes and faults tend to be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp2

from codebase.history.past import Past

HALF_LIFE_S = 365 * 86_400


@dataclass(frozen=True, slots=True)
class HotSpot:
    """`changes` in all; `recent`: the same, each counting half as much for every year before the newest commit;
    `score`: `recent` times `lines`, as a share of the hottest file's."""

    path: str
    changes: int
    recent: float
    lines: int
    score: float


def warmth(past: Past, path: str) -> float:
    """How often a file was changed, the recent changes counting more."""
    ages = (max(0, past.last - past.changes[index].when) for index in past.by_path.get(path, ()))
    return sum((exp2(-age / HALF_LIFE_S) for age in ages), 0.0)


def hot_spots(past: Past, lines: Mapping[str, int], *, most: int = 20) -> list[HotSpot]:
    """The hottest of the files in `lines`, which has how long each is."""
    found = [(path, warmth(past, path), long) for path, long in lines.items() if path in past.by_path]
    found.sort(key=lambda one: (-one[1] * one[2], one[0]))
    top = max((recent * long for _, recent, long in found), default=0.0) or 1.0
    return [
        HotSpot(path, len(past.by_path[path]), recent, long, recent * long / top) for path, recent, long in found[:most]
    ]
