"""Runs one job of a workflow: a fresh folder, the commit checked out where the job asks for it, each step a process.

A step runs as the twin's own user, with a scrubbed environment and a time limit and nothing around it: this is the
double of GitHub's runner for the demo and the tests, not a sandbox. Steps see no credential of anybody.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demo.github import git
from demo.github.workflow import Job, Step, annotations, failed_step

LOG_LIMIT = 1 << 20


@dataclass(frozen=True)
class StepResult:
    """`exit_code` is None when the step was stopped by its time limit or with the twin."""

    exit_code: int | None
    output: str


class Runner:
    """Runs steps, and can stop all that are running."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """Kills every running step; steps started later are refused."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill(process)

    def run(
        self, job: Job, repository: Path, context: dict[str, str], told: Callable[[int, StepResult | None], None]
    ) -> list[dict[str, object]]:
        """Runs the job's steps in order until one fails; returns the annotations of them all.

        `told(number, None)` is called when a step starts, `told(number, result)` when it ends. Numbers start at 1.
        """
        with tempfile.TemporaryDirectory(prefix="twin-ci-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            work = place / "work"
            work.mkdir()
            environment = _environment(place, work, {**context, **job.env})
            deadline = time.monotonic() + job.timeout_s
            found: list[dict[str, object]] = []
            for number, step in enumerate(job.steps, 1):
                told(number, None)
                result = self._step(step, repository, work, environment, deadline, context["GITHUB_SHA"])
                told(number, result)
                found += annotations(result.output)
                if result.exit_code != 0:
                    return [*found, failed_step(result.exit_code)]
            return found

    def _step(
        self, step: Step, repository: Path, work: Path, environment: dict[str, str], deadline: float, sha: str
    ) -> StepResult:
        if step.uses is not None:
            if step.uses.startswith("actions/checkout"):
                return _checkout(repository, work, sha)
            version = ".".join(str(part) for part in sys.version_info[:3])
            return StepResult(0, f"Python {version} is provided; no other version can be set up here\n")
        script = work.parent / "step.sh"
        script.write_text(step.run or "", encoding="utf-8")
        cwd = work / (step.directory or ".")
        if not cwd.is_dir():
            return StepResult(1, f"No such directory: {step.directory}\n")
        with tempfile.TemporaryFile() as output:
            code = self._execute(
                ["bash", "-e", str(script)], cwd, {**environment, **step.env}, deadline, output.fileno()
            )
            output.seek(0)
            text = output.read(LOG_LIMIT).decode("utf-8", "replace")
        return StepResult(code, text)

    def _execute(self, argv: list[str], cwd: Path, env: dict[str, str], deadline: float, output: int) -> int | None:
        with self._lock:
            if self._stopped:
                return None
            process = subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
            self._running.add(process)
        try:
            return process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None
        finally:
            _kill(process)
            process.wait()
            with self._lock:
                self._running.discard(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _checkout(repository: Path, work: Path, sha: str) -> StepResult:
    try:
        git.run(repository, "clone", "--quiet", "--shared", "--no-checkout", str(repository), str(work))
        git.run(work, "checkout", "--quiet", "--detach", sha)
    except git.GitFailed as error:
        return StepResult(1, f"{error}\n")
    return StepResult(0, f"HEAD is now at {sha[:7]}\n")


def _environment(place: Path, work: Path, context: dict[str, str]) -> dict[str, str]:
    tools = place / "tools"
    tools.mkdir()
    python = Path(os.path.realpath(sys.executable))
    for name in ("python", "python3"):
        (tools / name).symlink_to(python)
    home = place / "home"
    home.mkdir()
    found = {Path(where).parent for tool in ("git", "make", "bash") if (where := shutil.which(tool))}
    path = [str(tools), *sorted(map(str, found)), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(work),
        "RUNNER_TEMP": str(place),
        "PYTHONDONTWRITEBYTECODE": "1",
        **context,
    }
