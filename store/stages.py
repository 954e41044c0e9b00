"""The stages of a task and the arrows between them (pure)."""

from enum import StrEnum


class Stage(StrEnum):
    RECEIVED = "received"
    TRIAGED = "triaged"
    RESEARCHING = "researching"
    PLANNING = "planning"
    IMPLEMENTING = "implementing"
    PROVING = "proving"
    PUBLISHING = "publishing"
    WATCHING_CI = "watching_ci"
    REPAIRING = "repairing"
    IN_REVIEW = "in_review"
    REVISING = "revising"
    EXPLAINING = "explaining"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NEEDS_HUMAN = "needs_human"


TERMINAL = frozenset({Stage.DONE, Stage.FAILED, Stage.CANCELLED, Stage.NEEDS_HUMAN})

_FORWARD: dict[Stage, frozenset[Stage]] = {
    Stage.RECEIVED: frozenset({Stage.TRIAGED, Stage.EXPLAINING}),
    # A kernel that is to be made faster is known already: nothing is researched and planned.
    Stage.TRIAGED: frozenset({Stage.RESEARCHING, Stage.REVISING, Stage.IMPLEMENTING}),
    Stage.RESEARCHING: frozenset({Stage.PLANNING}),
    Stage.PLANNING: frozenset({Stage.IMPLEMENTING}),
    Stage.IMPLEMENTING: frozenset({Stage.PROVING}),
    Stage.PROVING: frozenset({Stage.PUBLISHING, Stage.IMPLEMENTING}),
    Stage.PUBLISHING: frozenset({Stage.WATCHING_CI}),
    Stage.WATCHING_CI: frozenset({Stage.REPAIRING, Stage.IN_REVIEW, Stage.REVISING}),
    Stage.REPAIRING: frozenset({Stage.PROVING, Stage.WATCHING_CI}),
    Stage.IN_REVIEW: frozenset({Stage.REVISING, Stage.WATCHING_CI}),
    Stage.REVISING: frozenset({Stage.PROVING, Stage.WATCHING_CI, Stage.IN_REVIEW}),
    Stage.EXPLAINING: frozenset(),  # a question changes no code: it is answered, and that is its end
}


class IllegalMove(Exception):
    """A stage asked for an arrow that is not in the picture: a defect in the stage, never in its input."""


def check_move(here: Stage, there: Stage) -> None:
    """Raises IllegalMove unless `here -> there` is an arrow. Every live stage may end in every terminal one."""
    if here in TERMINAL:
        raise IllegalMove(f"{here} is an end: nothing follows it")
    if there not in TERMINAL and there not in _FORWARD[here]:
        raise IllegalMove(f"{here} -> {there} is not an arrow of a task's life")
