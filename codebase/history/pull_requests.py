"""Which pull request brought a commit in, by the merge and squash commits of the history. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codebase.history.commits import Commit


def pull_requests(commits: Sequence[Commit]) -> dict[str, int]:
    """Commit to pull request, for those commits whose messages tell.

    A squash commit says so itself. Of the others, a merge commit gives its number to what its further parents bring
    and the history before it had not; the first merge to bring a commit counts. `commits`: newest first.
    """
    known = {commit.sha: commit for commit in commits}
    numbers = {commit.sha: number for commit in commits if (number := commit.squashes) is not None}
    trunk: set[str] = set()
    waiting = [commits[0].sha] if commits else []
    while waiting:
        chain = _chain(waiting.pop(), known, trunk)
        trunk.update(chain)
        for sha in reversed(chain):
            merge = known[sha]
            if merge.merges is None:
                # A branch of its own, such as one for old releases, with merges of its own.
                waiting.extend(merge.parents[1:])
            else:
                numbers[sha] = merge.merges
                _flood(merge.parents[1:], merge.merges, known, trunk, numbers)
    return numbers


def _chain(tip: str, known: Mapping[str, Commit], trunk: set[str]) -> list[str]:
    """The first parents from `tip` to what is known already or to where the log ends."""
    chain: list[str] = []
    seen: set[str] = set()
    while tip in known and tip not in trunk and tip not in seen:
        seen.add(tip)
        chain.append(tip)
        parents = known[tip].parents
        tip = parents[0] if parents else ""
    return chain


def _flood(
    tips: Sequence[str], number: int, known: Mapping[str, Commit], trunk: set[str], numbers: dict[str, int]
) -> None:
    """Gives `number` to everything behind `tips` that is off the trunk, and makes it part of the trunk."""
    waiting = list(tips)
    while waiting:
        sha = waiting.pop()
        if sha in trunk or sha not in known:
            continue
        trunk.add(sha)
        numbers.setdefault(sha, number)
        waiting.extend(known[sha].parents)
