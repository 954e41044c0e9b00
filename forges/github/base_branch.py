"""Which branch the work starts from and goes back to: the first of the places below that names one.

The order: `base:` in the request, the pull request the request was made on, the open pull request of the parent issue,
a label `base/NAME`, the milestone, the repository's own setting, the default branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .markdown import is_branch_name

LABEL_PREFIX = "base/"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSources:
    """Where a base could be named. `pull_head` is the head branch of the pull request the request was made on, when it
    lies in this repository (a fork's branch is not ours to push to); `milestones` maps a milestone's title to a branch.
    """

    default_branch: str
    explicit: str | None = None
    pull_head: str | None = None
    parent_pull_head: str | None = None
    labels: tuple[str, ...] = ()
    milestone: str | None = None
    milestones: Mapping[str, str] = field(default_factory=dict)
    configured: str | None = None


@dataclass(frozen=True, slots=True)
class BaseChoice:
    """The branch, why it was chosen, and what was passed over because it does not exist: all for people to read."""

    branch: str
    why: str
    passed_over: tuple[str, ...] = ()


class NoSuchBase(ValueError):
    """The base asked for explicitly does not exist: ask again rather than work on another."""


def candidates(sources: BaseSources) -> Iterator[BaseChoice]:
    """Yield what is named, first choice first. Two base labels name none: neither is the asker's clear wish."""
    if sources.explicit is not None:
        yield BaseChoice(sources.explicit, "named in the request")
    if sources.pull_head is not None:
        yield BaseChoice(sources.pull_head, "head of the pull request the request was made on")
    if sources.parent_pull_head is not None:
        yield BaseChoice(sources.parent_pull_head, "head of the parent issue's open pull request")
    labelled = {label[len(LABEL_PREFIX) :] for label in sources.labels if label.startswith(LABEL_PREFIX)}
    if len(labelled) == 1:
        branch = labelled.pop()
        yield BaseChoice(branch, f"label {LABEL_PREFIX}{branch}")
    if sources.milestone is not None and sources.milestone in sources.milestones:
        yield BaseChoice(sources.milestones[sources.milestone], f"milestone {sources.milestone}")
    if sources.configured is not None:
        yield BaseChoice(sources.configured, "set for this repository")
    yield BaseChoice(sources.default_branch, "default branch")


def choose_base(sources: BaseSources, exists: Callable[[str], bool]) -> BaseChoice:
    """Return the first candidate that `exists`. Raises NoSuchBase when the explicit one, or the last one, does not."""
    passed_over: list[str] = []
    for choice in candidates(sources):
        if is_branch_name(choice.branch) and exists(choice.branch):
            return BaseChoice(choice.branch, choice.why, tuple(passed_over))
        if choice.branch == sources.explicit:
            raise NoSuchBase(f"the request names the base {choice.branch!r}, and there is no such branch")
        passed_over.append(f"{choice.branch} ({choice.why})")
    raise NoSuchBase(f"no branch to work from: {'; '.join(passed_over)} not found")
