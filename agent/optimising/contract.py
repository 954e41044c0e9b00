"""What the loop is given and what it gives back, in plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

SOURCE_CHARS = 60_000
"""A candidate is a file a person will review, and two of them have to fit into a conversation."""


class Feedback(BaseModel):
    """What a verification lets a model know. `right`: it computes what it should; `faster`: more quickly than the
    baseline, for certain. `reached`: how far it came, `reward`: what that is worth. `about_candidate` is false when
    nothing was found out about it. `low`, `high`: the 95% interval of `speedup`; times in seconds a call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: str
    stage: str
    right: bool
    faster: bool
    about_candidate: bool
    reached: int
    reward: float
    lines: tuple[str, ...]
    speedup: float | None = None
    low: float | None = None
    high: float | None = None
    baseline_s: float | None = None
    candidate_s: float | None = None


Verify = Callable[[str], Feedback]
"""The verdict on a candidate's source. Takes seconds to minutes."""


class NotGradable(Exception):
    """Nothing can be found out about any candidate: the task is not worth grading, or the machine fails again and
    again. The text says why, for a person."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to become faster. `present`: the candidate that is there now, None where there is none. `facts`: what a
    candidate must keep to, a sentence each."""

    name: str
    reference: str
    present: str | None
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """`turns`: replies in all. `branches`: conversations begun before the best is gone on with. `patience`: so many
    turns without anything better end it."""

    turns: int = 8
    branches: int = 2
    patience: int = 4

    def __post_init__(self) -> None:
        if min(self.turns, self.branches, self.patience) < 1:
            raise ValueError("turns, branches and patience are whole numbers from 1")


@dataclass(frozen=True, slots=True)
class Try:
    """One turn. `number` counts all turns from 1. `source` is empty and `feedback` None where a reply held no candidate
    that could be put to the test; `trouble` says why."""

    number: int
    branch: int
    idea: str
    source: str
    feedback: Feedback | None
    trouble: str = ""


class End(StrEnum):
    """Why the loop ended."""

    turns = "turns"
    stalled = "stalled"
    budget = "budget"
    context = "context"
    no_model = "no_model"
    not_gradable = "not_gradable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was tried, in order. `present`: the verdict on the candidate that was there. `reason` in words.
    `cost_usd` leaves out models of unknown price."""

    tries: tuple[Try, ...]
    present: Feedback | None
    end: End
    reason: str
    models: tuple[str, ...] = ()
    tokens: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)

    @property
    def winners(self) -> list[Try]:
        """Those that were faster, the most certain gain first. Each was the best of several noisy measurements: the
        number to tell is that of another verification."""
        found = {one.source: one for one in self.tries if one.feedback is not None and one.feedback.faster}
        return sorted(found.values(), key=lambda one: _low(one.feedback), reverse=True)

    @property
    def right(self) -> int:
        return sum(one.feedback is not None and one.feedback.right for one in self.tries)


def _low(feedback: Feedback | None) -> float:
    return 0.0 if feedback is None or feedback.low is None else feedback.low
