"""The demo's scenarios, each with real processes, every exchange held against GitHub's own description."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from cli.demo_house import House, furnished
from cli.demo_scenarios import SCENARIOS
from demo.github import Twin
from demo.openapi import Validator, Witness
from store import Stage, proofs


@contextmanager
def witnessed(folder: Path, **settings: str) -> Iterator[House]:
    """A house whose twin is watched; at the end there may be no violation and no failure of the twin's own."""
    witness = Witness(Validator())
    twin = Twin(folder / "twin", wrap=witness.wrap, observer=witness.webhook)
    with furnished(folder, twin=twin, overrides=settings) as house:
        yield house
        assert "Traceback" not in house.log("worker")
        assert "Traceback" not in house.log("web")
    assert witness.violations == []
    assert twin.problems() == []
    assert witness.exchanges > 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, tmp_path: Path) -> None:
    said: list[str] = []
    with witnessed(tmp_path) as house:
        ending = SCENARIOS[name](house, said.append)
        assert ending.held, ending.why
        assert said
        if ending.task is not None and ending.task.stage == Stage.IN_REVIEW:
            with house.database.read() as session:
                proof = proofs.latest(session, ending.task.id)
            assert proof is not None
            assert proof["verdict"] == "proven"
            assert proof["head_sha"] == ending.task.head_sha
            assert proof["isolation"] == house.isolation


def test_on_postgresql_and_redis(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    """The same way with the servers of production, and a merge at its end."""
    settings = {"FORGEHAND_DATABASE_URL": postgres_url, "FORGEHAND_BROKER_URL": redis_url}
    with witnessed(tmp_path, **settings) as house:
        ending = SCENARIOS["issue-to-pr"](house, lambda _: None)
        assert ending.held, ending.why
        assert ending.task is not None
        house.maintainer.merge(house.stage.repository, ending.task.pull_number or 0)
        house.wait("the task is done", lambda: house.tasks()[0].finished_at is not None, within_s=30)
        assert house.tasks()[0].stage == Stage.DONE
        issue = house.maintainer.ask("GET", f"/repos/{house.stage.repository}/issues/{house.stage.issue}")
        assert issue["state"] == "closed"


def test_the_command_prints_one_json_document(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "cli", "demo", "--scenario", "not-allowed", "--json"],
        capture_output=True,
        timeout=120,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    document = json.loads(run.stdout)
    assert run.returncode == 0, run.stderr
    assert {
        "scenario",
        "issue_url",
        "pull_request_url",
        "pull_request_state",
        "checks",
        "proof",
        "events",
        "seconds",
    } <= set(document)
    assert document["held"] is True


def test_an_unknown_scenario_is_refused_in_one_line() -> None:
    run = subprocess.run([sys.executable, "-m", "cli", "demo", "--scenario", "x"], capture_output=True, timeout=60)
    assert run.returncode == 2
    assert run.stderr.decode().startswith("forgehand: there is no scenario 'x': choose one of issue-to-pr")
    assert run.stderr.count(b"\n") == 1


def test_what_is_kept_running_ends_as_soon_as_a_process_dies(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--scenario", "not-allowed", "--keep"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        assert demo.stdout is not None
        assert any("Ctrl-C ends it" in line for line in demo.stdout)
        [worker] = [one for one in psutil.Process(demo.pid).children() if "worker" in one.cmdline()]
        worker.kill()
        _, said = demo.communicate(timeout=40)
    finally:
        demo.kill()
    assert demo.returncode == 2
    assert "forgehand: the demo's worker ended with status -9. Its log ends:" in said


def test_serve_keeps_both_processes_alive(tmp_path: Path) -> None:
    """`forgehand serve` starts a process again that was killed, and ends both when it is told to end."""
    with furnished(tmp_path) as house:
        house.close_processes()
        serve = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve"],
            env=dict(house.environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: answers(house.web_url))
            first = {child.pid for child in psutil.Process(serve.pid).children()}
            assert len(first) == 2
            for pid in first:
                os.kill(pid, signal.SIGKILL)
            until(lambda: len(alive(serve.pid) - first) == 2 and answers(house.web_url))
            children = alive(serve.pid)
            serve.send_signal(signal.SIGTERM)
            assert serve.wait(timeout=30) == 0
            assert not any(psutil.pid_exists(pid) for pid in children)
        finally:
            serve.kill()


def alive(parent: int) -> set[int]:
    return {child.pid for child in psutil.Process(parent).children() if child.status() != psutil.STATUS_ZOMBIE}


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def until(condition: Callable[[], bool], *, within_s: float = 40.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
