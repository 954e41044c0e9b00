"""What is saved when a task ends early: the newest work that is nowhere else, as a patch that git takes."""

import subprocess
from pathlib import Path

import pytest

from sandboxes.contract import FileChange
from store import journal
from tests.cli.ground import SUMS, make_repository
from tests.workers.bench import Bench
from workers.changes import pack
from workers.rescue import rescue
from workers.workshop import TaskContext

CHANGE = {"sums.py": FileChange("file", False, b"def total(numbers):\n    return sum(numbers)\n")}


@pytest.fixture
def bench(tmp_path: Path):
    made = Bench(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "sums", SUMS)


def prepared(bench: Bench, sums: Path) -> TaskContext:
    """A task with a base and its first round of windows open."""
    context = bench.take(sums)
    ready = bench.source.prepare(context)
    context.record(base_sha=ready.base_sha, branch=ready.branch)
    context.remember(round=1, windows={"implement": 1})
    return context


def snapshot(context: TaskContext) -> None:
    """What the agent's window leaves in the journal after a step that changed files."""
    with context.database.write() as session:
        journal.append(session, context.held, "1/implement#1", {"json": "{}"}, pack(CHANGE), now=context.now())


def git_takes(patch: Path, sums: Path) -> None:
    subprocess.run(["git", "apply", "--check", str(patch)], cwd=sums, check=True, capture_output=True, timeout=30)


def test_the_last_snapshot_is_saved(bench: Bench, sums: Path) -> None:
    context = prepared(bench, sums)
    snapshot(context)
    path = rescue(context)
    assert path == context.settings.state_dir / "patches" / f"{context.id}.patch"
    assert context.task().data["saved_patch"] == str(path)
    assert b"+    return sum(numbers)" in path.read_bytes()
    git_takes(path, sums)


def test_a_commit_that_was_not_pushed_is_saved(bench: Bench, sums: Path) -> None:
    context = bench.take(sums)
    bench.proven(context, "refuted")
    path = rescue(context)
    assert path is not None
    git_takes(path, sums)


def test_what_is_on_the_forge_is_not_saved_again(bench: Bench, sums: Path) -> None:
    context = bench.take(sums)
    context.remember(pushed_sha=bench.proven(context, "proven"))
    assert rescue(context) is None
    assert "saved_patch" not in context.task().data


def test_without_work_there_is_nothing_to_save(bench: Bench, sums: Path) -> None:
    assert rescue(bench.take(sums)) is None
    assert not (bench.workshop.settings.state_dir / "patches").exists()


def test_a_task_that_was_prepared_only_has_nothing_to_save(bench: Bench, sums: Path) -> None:
    assert rescue(prepared(bench, sums)) is None


def test_trouble_with_saving_is_no_trouble_for_the_end(bench: Bench, sums: Path) -> None:
    context = prepared(bench, sums)
    snapshot(context)
    context.settings.state_dir.mkdir(parents=True, exist_ok=True)
    (context.settings.state_dir / "patches").write_text("in the way")
    assert rescue(context) is None


def test_a_snapshot_that_cannot_be_read_is_no_trouble_for_the_end(bench: Bench, sums: Path) -> None:
    context = prepared(bench, sums)
    with context.database.write() as session:
        journal.append(session, context.held, "1/implement#1", {"json": "{}"}, b"damaged", now=context.now())
    assert rescue(context) is None
