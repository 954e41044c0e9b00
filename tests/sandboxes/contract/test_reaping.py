"""A worker is killed while it makes, uses and ends a box: one sweep later nothing is left.

FORGEHAND_KILLS=50 kills that many on each backend; without it a few, spread over the steps.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandboxes.checking.remains import outside
from tests.sandboxes.conftest import BACKENDS, each, new_name

KILLS = int(os.environ.get("FORGEHAND_KILLS", "3"))
ROOT = Path(__file__).parents[3]


class Worker:
    """A process that lives through one box, and the sweep after it."""

    def __init__(self, kind: str, state: Path) -> None:
        self.kind, self.state, self.owner = kind, state, f"kills-{os.getpid()}"
        self.mark = str(1_000_000_000 + time.time_ns() % 10**9)
        state.mkdir(exist_ok=True)
        (state / "boxes").mkdir(exist_ok=True)

    def _start(self, action: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.sandboxes.killed_worker", action, self.kind, self.owner]
        command += [str(self.state), new_name(), self.mark]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def span(self) -> float:
        """How long a box lives when nobody is killed, in seconds."""
        with self._start("live") as process:
            assert process.stdout.readline() == "begin\n"
            seconds = float(process.stdout.readline())
        assert process.returncode == 0
        return seconds

    def killed_after(self, seconds: float, action: str = "live") -> None:
        with self._start(action) as process:
            assert process.stdout.readline() == "begin\n"
            time.sleep(seconds)
            process.kill()

    def sweep(self) -> dict[str, list[str]]:
        with self._start("sweep") as process:
            return json.loads(process.stdout.read())


@pytest.fixture(params=each(BACKENDS))
def worker(request, tmp_path):
    BACKENDS[request.param](tmp_path / "proven")  # skips where it cannot run
    return Worker(request.param, tmp_path / "state")


@pytest.mark.timeout(240 + 60 * KILLS)
def test_a_killed_worker_leaves_nothing_after_one_sweep(worker):
    span = worker.span()
    for step in range(KILLS):
        worker.killed_after(span * (step + random.random()) / KILLS)
        swept = worker.sweep()
        assert swept["left"] == [], step
        assert swept["again"] == [], step
        assert outside(worker.mark) == 0, step


@pytest.mark.xdist_group("kubernetes")
def test_a_worker_killed_while_it_tries_the_cluster_leaves_nothing(tmp_path):
    BACKENDS["kubernetes"](tmp_path)
    worker = Worker("kubernetes", tmp_path / "state")
    worker.killed_after(random.uniform(0.5, 3.5), "prove")
    assert worker.sweep()["left"] == []
