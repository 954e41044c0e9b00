"""What a window is asked to do: the ticket, what earlier windows found, and what it may use.

Plain values only. Every text here except `instructions` was written by someone the agent does not take orders from
unless their permission says so; the prompts quote it as data, with its source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.contract import Limits

if TYPE_CHECKING:
    from codebase.index import Excerpt


@dataclass(frozen=True, slots=True)
class Quote:
    """A text with its provenance: who wrote it, and with which permission on the repository."""

    author: str
    permission: str
    body: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """What someone asked for."""

    reference: str
    """How people name it: `owner/name#12`, or a file name."""
    title: str
    text: Quote
    comments: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Annotation:
    """A line CI complains about."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed on the pull request's head."""

    check: str
    summary: str
    annotations: tuple[Annotation, ...] = ()
    log: str = ""
    """The failing lines of its log."""


@dataclass(frozen=True, slots=True)
class ReviewComment:
    """A reviewer's comment that wants an answer. `path`, `line` and `hunk` are empty for a review's own text."""

    id: str
    author: str
    permission: str
    body: str
    path: str = ""
    line: int | None = None
    hunk: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """The task of one window. `window` is `"{attempt}/{phase}#{n}"`; what a phase does not use stays empty.

    `instructions` is the base branch's own instruction file (AGENTS.md and the like), which the agent follows.
    `places`: what search found for the ticket in the tree the window starts from, best first, nobody's claim.
    `research`, `plan`: documents of earlier windows. `diff`: the change so far against the base, unified.
    `failures` for repair, `comments` for review. `earlier`: what earlier repair windows tried.
    """

    window: str
    repository: str
    ticket: Ticket
    base: str = ""
    instructions: str = ""
    test_command: str = ""
    places: tuple[Excerpt, ...] = ()
    research: str = ""
    plan: str = ""
    diff: str = ""
    failures: tuple[Failure, ...] = ()
    comments: tuple[ReviewComment, ...] = ()
    earlier: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def model_window(self) -> str:
        """The window's name without the attempt, as a model name may carry it: `repair`, `repair#2`."""
        name = self.window.rpartition("/")[2]
        return name.removesuffix("#1")
