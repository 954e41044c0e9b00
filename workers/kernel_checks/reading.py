"""Tasks and candidates as they are at a commit of a mirror; nothing of them is executed."""

from __future__ import annotations

from collections.abc import Mapping

from codebase.kernel_entries import KernelEntry
from kernels.candidate import Candidate
from kernels.task import MOST_SOURCE, Task, TaskError, make_task
from repositories import Mirror
from repositories.errors import TreeTooLarge


def task_of(entry: KernelEntry, mirror: Mirror, sha: str) -> Task:
    """The task an entry names, with the reference as it is at a commit. TaskError, RepositoryError."""
    return task_at(mirror, sha, entry.name, entry.reference, entry.options)


def task_at(mirror: Mirror, sha: str, name: str, reference: str, options: Mapping[str, object]) -> Task:
    """TaskError, RepositoryError."""
    return make_task(name, _source(mirror, sha, "reference", reference), options)


def candidate_at(mirror: Mirror, sha: str, path: str) -> Candidate:
    """TaskError, RepositoryError."""
    return Candidate(path, _source(mirror, sha, "candidate", path))


def _source(mirror: Mirror, sha: str, what: str, path: str) -> bytes:
    """TaskError when it is not there or too large: both are facts about the repository, not faults of this machine."""
    try:
        source = mirror.read_file(sha, path, limit=MOST_SOURCE)
    except TreeTooLarge:
        raise TaskError(f"the {what} {path} has more than {MOST_SOURCE} bytes") from None
    if source is None:
        raise TaskError(f"the {what} {path} is not there at {sha[:12]}")
    return source
