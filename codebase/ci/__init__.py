"""What continuous integration runs: the commands and actions of every CI file, with what a failure of them does."""

from collections.abc import Iterator

from codebase.ci.github import github_steps, workflows_elsewhere
from codebase.ci.gitlab import gitlab_steps, included_elsewhere
from codebase.ci.others import azure_steps, circle_steps, jenkins_steps, travis_steps
from codebase.ci.step import CiStep
from codebase.source import Evidence, Source

_MAX_STEPS = 2_000

__all__ = ["CiStep", "elsewhere", "read_ci"]


def read_ci(source: Source) -> tuple[CiStep, ...]:
    """The steps of GitHub Actions, GitLab CI, CircleCI, Azure Pipelines, Travis CI and Jenkins files, in file order."""
    found: list[CiStep] = []
    for reader in (github_steps, gitlab_steps, circle_steps, azure_steps, travis_steps, jenkins_steps):
        for step in reader(source):
            if len(found) >= _MAX_STEPS:
                return tuple(found)
            found.append(step)
    return tuple(found)


def elsewhere(source: Source) -> Iterator[tuple[Evidence, str]]:
    """Where CI takes steps from another repository, which are not read: the line, and what stands there."""
    yield from workflows_elsewhere(source)
    yield from included_elsewhere(source)
