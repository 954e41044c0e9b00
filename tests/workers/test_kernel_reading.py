"""What a task and a candidate are at a commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernels.task import MOST_SOURCE, TaskError
from repositories import Mirror, Remote
from tests.cli.ground import make_repository
from tests.workers.kernel_ground import CANDIDATE, HONEST, REFERENCE, REFERENCE_PATH
from workers.kernel_checks.reading import candidate_at, task_at

LARGE = "#" * (MOST_SOURCE + 1)


def mirrored(folder: Path, reference: str, candidate: str) -> tuple[Mirror, str]:
    origin = make_repository(folder / "origin", {REFERENCE_PATH: reference, CANDIDATE: candidate})
    mirror = Mirror.open(folder / "mirror.git", Remote(str(origin)))
    return mirror, mirror.resolve("refs/heads/main")


def test_both_are_read_as_they_are_there(tmp_path: Path) -> None:
    mirror, sha = mirrored(tmp_path, REFERENCE, HONEST)
    assert task_at(mirror, sha, "k", REFERENCE_PATH, {}).source == REFERENCE.encode()
    assert candidate_at(mirror, sha, CANDIDATE).source == HONEST.encode()


def test_what_is_too_large_or_not_there_is_no_fault_of_the_machine(tmp_path: Path) -> None:
    mirror, sha = mirrored(tmp_path, LARGE, LARGE)
    with pytest.raises(TaskError, match=rf"the reference \S+ has more than {MOST_SOURCE} bytes"):
        task_at(mirror, sha, "k", REFERENCE_PATH, {})
    with pytest.raises(TaskError, match=rf"the candidate \S+ has more than {MOST_SOURCE} bytes"):
        candidate_at(mirror, sha, CANDIDATE)
    with pytest.raises(TaskError, match=f"the reference gone.py is not there at {sha[:12]}"):
        task_at(mirror, sha, "k", "gone.py", {})
