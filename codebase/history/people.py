"""Who knows what: by lines written, the recent ones counting more. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import exp2

from codebase.history.past import Past

HALF_LIFE_S = 730 * 86_400
_MOST_LINES = 500
"""Of one file of one commit: who adds a vendored or generated file does not know more for its length."""


@dataclass(frozen=True, slots=True)
class Person:
    """`lines` added in `commits`, `last` in seconds since 1970; `share` of what is known here, 0 to 1."""

    name: str
    lines: int
    commits: int
    last: int
    share: float


def who_knows(past: Past, path: str, *, most: int = 10) -> list[Person]:
    """People by what they wrote in a file, or below a folder (`path` without a slash at its end; empty: everywhere).

    A line counts half as much for every two years between its commit and the newest one. Two people of one name are
    one here; .mailmap has the say about names.
    """
    prefix = f"{path}/" if path else ""
    known: dict[str, float] = defaultdict(float)
    lines: dict[str, int] = defaultdict(int)
    commits: dict[str, set[str]] = defaultdict(set)
    last: dict[str, int] = {}
    for file, works in past.works.items():
        if file != path and not file.startswith(prefix):
            continue
        for work in works:
            counted = min(work.added, _MOST_LINES) + 1
            known[work.author] += counted * exp2(-max(0, past.last - work.when) / HALF_LIFE_S)
            lines[work.author] += work.added
            commits[work.author].add(work.commit)
            last[work.author] = max(work.when, last.get(work.author, work.when))
    total = sum(known.values()) or 1.0
    ranked = sorted(known, key=lambda name: (-known[name], name))[:most]
    return [Person(name, lines[name], len(commits[name]), last[name], known[name] / total) for name in ranked]
