"""What is said about one kind of validation, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from codebase.source import Evidence

Kind = Literal[
    "style", "types", "unit tests", "integration tests", "build", "docs", "dependencies", "observability"
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["enforced", "present", "partial", "missing"]
"""enforced: CI runs it for changes and fails by it. present: the repository has what it takes, and no CI line runs it.
partial: a part of it, and what lacks is said. missing: nothing of it was found."""

WHY: dict[Kind, str] = {
    "style": "An agent's change that breaks the house style costs a review round; a linter tells it within seconds.",
    "types": "A wrong name, argument or None shows before anything runs, also where no test goes.",
    "unit tests": "Tests are how an agent knows that what it changed works and that the rest still does.",
    "integration tests": "Parts that work alone and fail together are found by nobody else when an agent wrote them.",
    "build": "An agent starts from a clean checkout; what only builds on somebody's machine cannot be worked on.",
    "docs": "What is not written down an agent must guess: how to run things, what is deliberate, where parts are.",
    "dependencies": "With exact versions the agent's machine and CI run the same code, so a failure means something.",
    "observability": "Logs, metrics and traces are all an agent can see of a running program; without them it guesses.",
}


@dataclass(frozen=True, slots=True)
class Sign:
    """One piece of evidence: what it says, where, and the lines that led there from a CI line (the first)."""

    text: str
    where: Evidence
    trail: tuple[Evidence, ...] = ()

    @property
    def place(self) -> str:
        """The places for people: the CI line and what it leads to."""
        return " -> ".join(str(one) for one in (self.trail or (self.where,)))


@dataclass(frozen=True, slots=True)
class Assessment:
    """The state of one kind, its evidence (at least one sign unless something is missing), and the next steps."""

    kind: Kind
    state: State
    signs: tuple[Sign, ...]
    todo: tuple[str, ...]
    note: str = ""

    @property
    def why(self) -> str:
        """Why this kind matters to an agent."""
        return WHY[self.kind]
