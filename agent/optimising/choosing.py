"""Which conversation has the next turn, and when there is no use in another. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agent.optimising.contract import Bounds, End, Feedback, Try

_NOTICEABLE = 1.02
"""Rewards of right candidates are measured: less than this is noise."""

Standing = tuple[int, float]


def standing(feedback: Feedback | None) -> Standing:
    """What a try is worth for going on from: right ones by their reward, others by how far they came."""
    if feedback is None or not feedback.about_candidate:
        return (-1, 0.0)
    return (1_000, feedback.reward) if feedback.right else (feedback.reached, 0.0)


def better(one: Standing, other: Standing) -> bool:
    """Whether `one` stands noticeably above `other`."""
    return one[0] > other[0] or (one[0] == other[0] and one[1] > other[1] * _NOTICEABLE)


def best(tries: Sequence[Try]) -> Try | None:
    """The try with the highest standing, the first of equals; None before any was put to the test."""
    tested = [one for one in tries if one.feedback is not None]
    return max(tested, key=lambda one: standing(one.feedback), default=None)


def idle_turns(tries: Sequence[Try]) -> int:
    """How many turns have passed since something got noticeably better."""
    highest, idle = standing(None), 0
    for one in tries:
        if better(standing(one.feedback), highest):
            highest, idle = standing(one.feedback), 0
        else:
            idle += 1
    return idle


def next_branch(tries: Sequence[Try], bounds: Bounds) -> int | End:
    """The branch of the next turn, from 1, or why there is none.

    First each branch is begun once, so that a first idea does not shut the others out. Then the best is gone on with;
    of branches that stand alike the one with fewer turns, so that a branch is not left for a wrong first try.
    """
    if len(tries) >= bounds.turns:
        return End.turns
    begun = {one.branch for one in tries}
    for branch in range(1, bounds.branches + 1):
        if branch not in begun:
            return branch
    if idle_turns(tries) >= bounds.patience:
        return End.stalled
    return max(sorted(begun), key=lambda branch: _promise(tries, branch))


def _promise(tries: Sequence[Try], branch: int) -> tuple[Standing, int]:
    own = [one for one in tries if one.branch == branch]
    return max(standing(one.feedback) for one in own), -len(own)
