"""A task that has used up what it may use stops, says which limit it was, publishes nothing and keeps its work."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from store import budgets
from store.schema import Task
from tests.workers.floor import Floor, durations_script, furnished_floor


def talkative_script() -> dict[str, Any]:
    """The sample's script, which after its first edits goes on looking at the result, so that there is time to stop."""
    script = durations_script()
    first, *rest = script["phases"]["implement"]
    looks = [
        {"call": [{"tool": "run", "args": {"command": f"sleep 0.4; sed -n {line}p durations/parsing.py"}}]}
        for line in range(1, 13)
    ]
    script["phases"]["implement"] = [first, *looks, *rest]
    return script


@contextmanager
def tightened_after_first_edits(floor: Floor, limit: str) -> Iterator[None]:
    """While a task runs: when the model has seen its first edits made, the limit becomes what is used by then."""
    ended, tightened = threading.Event(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            if any(one.window == "implement" and one.position >= 2 for one in floor.model.exchanges):
                with floor.workshop.database.write() as session:
                    task = session.get_one(Task, task_id)
                    used = budgets.spending(session, task_id)
                    values = {
                        "limit_steps": used.steps,
                        "limit_tokens": used.tokens,
                        "limit_usd_nanos": used.usd_nanos,
                        "limit_seconds": 0.1,
                    }
                    setattr(task, limit, values[limit])
                tightened.set()
                return

    task_id = floor.task().id
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    assert tightened.is_set()


@pytest.mark.parametrize(
    ("limit", "words"),
    [("limit_steps", "step"), ("limit_tokens", "token"), ("limit_usd_nanos", "money"), ("limit_seconds", "time")],
)
def test_a_budget_that_runs_out_after_the_first_edits(limit: str, words: str, tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=talkative_script()) as floor:
        floor.assign()
        with tightened_after_first_edits(floor, limit):
            task = floor.run()
        assert (task.stage, task.finished_at is not None) == ("needs_human", True), task.reason
        assert f"{words} budget is used up" in (task.reason or "")
        (comment,) = floor.comments()
        assert f"{words} budget is used up" in comment["body"]
        assert floor.pulls() == []
        branches = floor.maria.ask("GET", f"/repos/{floor.stage.repository}/branches")
        assert task.branch not in [one["name"] for one in branches]
        saved(floor, task, tmp_path / "checkout")


def saved(floor: Floor, task: Task, checkout: Path) -> None:
    """The patch has the edits, and git takes it on the commit the work started from."""
    patch = floor.settings.state_dir / "patches" / f"{task.id}.patch"
    assert task.data["saved_patch"] == str(patch)
    assert b'+_PART = re.compile(r"(\\d+(?:\\.\\d+)?)' in patch.read_bytes()
    (mirror,) = (floor.settings.state_dir / "mirrors" / "github").glob("*.git")
    for command in (
        ["git", "clone", "-q", "--no-checkout", str(mirror), str(checkout)],
        ["git", "-C", str(checkout), "checkout", "-q", "--detach", str(task.base_sha)],
        ["git", "-C", str(checkout), "apply", "--check", str(patch)],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=30)
