"""What changes together: for "also look at" and for choosing tests, not for ranking (measured negative there). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container
from dataclasses import dataclass
from math import sqrt

from codebase.history.past import Past

MOST_PATHS = 30
"""A change of more files says little about any two of them."""
_MOST_PAIRS = 3_000_000


@dataclass(frozen=True, slots=True)
class Companion:
    """`path` changed in `together` of the `of` changes that were looked at."""

    path: str
    together: int
    of: int

    @property
    def confidence(self) -> float:
        return self.together / self.of


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files that changed `together`, of `changes` that each had."""

    paths: tuple[str, str]
    together: int
    changes: tuple[int, int]

    @property
    def likeness(self) -> float:
        """1 for two files that never change alone."""
        return self.together / sqrt(self.changes[0] * self.changes[1])


def companions(past: Past, paths: Collection[str], *, least: int = 2, most: int = 50) -> list[Companion]:
    """What changed along with any of `paths`, in at least `least` changes; the likeliest first."""
    indexes = {index for path in paths for index in past.by_path.get(path, ())}
    looked_at = [past.changes[index].paths for index in indexes if len(past.changes[index].paths) <= MOST_PATHS]
    counts = Counter(path for found in looked_at for path in found)
    for path in paths:
        counts.pop(path, None)
    found = [Companion(path, together, len(looked_at)) for path, together in counts.items() if together >= least]
    # A change log goes along with everything; what goes along mostly with these comes before it.
    found.sort(key=lambda one: (-one.together / sqrt(len(past.by_path[one.path])), one.path))
    return found[:most]


def pairs(past: Past, among: Container[str] | None = None, *, least: int = 5, most: int = 50) -> list[Pair]:
    """The pairs of files that change together most of the time, of those that did at least `least` times.

    `among`: at least one of a pair is one of these, such as the files with code in them; by default any will do.
    Three million pairs are counted, those of the newest changes first; a repository with more has an older past.
    """
    counts: Counter[tuple[str, str]] = Counter()
    counted = 0
    for change in past.changes:
        paths = change.paths
        if 2 <= len(paths) <= MOST_PATHS:
            counted += len(paths) * (len(paths) - 1) // 2
            if counted > _MOST_PAIRS:
                break
            counts.update((one, other) for at, one in enumerate(paths) for other in paths[at + 1 :])
    found = [
        Pair((one, other), together, (len(past.by_path[one]), len(past.by_path[other])))
        for (one, other), together in counts.items()
        if together >= least and (among is None or one in among or other in among)
    ]
    found.sort(key=lambda pair: (-pair.likeness, -pair.together, pair.paths))
    return found[:most]
