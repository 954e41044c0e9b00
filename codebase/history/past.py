"""A repository's past in today's names: what was changed together, by whom, and what was left out of that. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codebase.history.commits import Commit
from codebase.history.noise import Noise, noise
from codebase.history.pull_requests import pull_requests


@dataclass(frozen=True, slots=True)
class Change:
    """What went in as one: a pull request, else a commit. `when`: of its newest commit. `paths`: today's, sorted."""

    when: int
    pull_request: int | None
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What one commit did to one file."""

    commit: str
    author: str
    when: int
    added: int


@dataclass(frozen=True)
class Past:
    """`changes` newest first, of files that are there today. `by_path`: the indexes of a path's changes. `works`:
    commit by commit, newest first. `once`: other names that a path of today had. `numbers`: commit to pull request.

    `commits` were read, from `first` to `last` (seconds since 1970); `left_out` counts those that were not looked at.
    """

    changes: Sequence[Change]
    by_path: Mapping[str, Sequence[int]]
    works: Mapping[str, Sequence[Work]]
    once: Mapping[str, Sequence[str]]
    numbers: Mapping[str, int]
    commits: int
    first: int
    last: int
    left_out: Mapping[Noise, int]


@dataclass(slots=True)
class _Growing:
    when: int
    number: int | None
    paths: set[str] = field(default_factory=set)


def read_past(commits: Iterable[Commit], today: Container[str], named: Container[str] = frozenset()) -> Past:
    """The past of the files of `today`. `commits`: newest first, as a log has them; `named`: commits to look behind.

    Renames are followed backwards along the log. A file that was removed and made anew counts as one, and where
    branches renamed one file differently, the newest name has it.
    """
    listed = list(commits)
    numbers = pull_requests(listed)
    names = _Names()
    grown: dict[int | str, _Growing] = {}
    works: dict[str, list[Work]] = defaultdict(list)
    left_out: dict[Noise, int] = {"bot": 0, "mass": 0, "named": 0}
    for commit in listed:
        why = noise(commit, named)
        if why is not None:
            left_out[why] += 1
        number = numbers.get(commit.sha)
        for touch in commit.touches:
            path = names.now(touch.path)
            if touch.old_path is not None:
                names.renamed(touch.old_path, touch.path)
            if why is not None or path not in today:
                continue
            key = commit.sha if number is None else number
            if key not in grown:
                grown[key] = _Growing(commit.when, number)
            grown[key].paths.add(path)
            works[path].append(Work(commit.sha, commit.author, commit.when, touch.added or 0))
    changes = [Change(one.when, one.number, tuple(sorted(one.paths))) for one in grown.values()]
    by_path: dict[str, list[int]] = defaultdict(list)
    for index, change in enumerate(changes):
        for path in change.paths:
            by_path[path].append(index)
    dates = [commit.when for commit in listed] or [0]
    return Past(
        changes, dict(by_path), dict(works), names.once(today), numbers, len(listed), min(dates), max(dates), left_out
    )


class _Names:
    """Which of today's names a name stands for, at the point of the past that has been reached going backwards."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._once: dict[str, dict[str, None]] = defaultdict(dict)

    def now(self, path: str) -> str:
        return self._now.get(path, path)

    def renamed(self, old: str, new: str) -> None:
        now = self._now.get(new, new)
        if old != now:
            self._now[old] = now
            self._once[now][old] = None
        # Before that, whatever had the new name was another file, and is gone.
        if new != now:
            self._now.pop(new, None)

    def once(self, today: Container[str]) -> dict[str, list[str]]:
        return {path: list(names) for path, names in self._once.items() if path in today}
