"""`forgehand solve` stopped, killed and called again: nothing is lost, nothing is left running, nothing paid twice."""

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import Stage
from tests.cli.ground import ISSUE, SCRIPT, Forgehand, call, git, start, usual, write_script
from workers.decisions import Move, Wait

PATIENCE_S = 60.0
MODEL = f"scripted:{SCRIPT}"
# A lease is what a killed run leaves behind: short here, so that the next run need not wait long.
QUICK = {"FORGEHAND_GITHUB_TIMEOUT_S": "0.5", "FORGEHAND_LEASE_S": "3"}


def until(condition: Callable[[], Any], running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert running.poll() is None, f"it ended: {running.communicate()}"
        assert time.monotonic() < deadline, "it did not get there"
        time.sleep(0.05)


def rows(out: Path, statement: str) -> list[tuple[Any, ...]]:
    if not (out / "forgehand.db").exists():
        return []
    with sqlite3.connect(f"file:{out / 'forgehand.db'}?mode=ro", uri=True) as database:
        try:
            return database.execute(statement).fetchall()
        except sqlite3.OperationalError:
            return []  # the tables are being made


def edited(out: Path) -> bool:
    """The edits of the implementing window are in the journal."""
    return bool(rows(out, "SELECT 1 FROM journal_entries WHERE window LIKE '%implement%' AND changes IS NOT NULL"))


@pytest.fixture
def slow(tmp_path: Path) -> str:
    """A model whose second turn in the implementing window runs something that takes four seconds."""
    turns = usual("implement")
    return write_script(tmp_path / "slow.yml", implement=[turns[0], call("run", command="sleep 4"), *turns[1:]])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_the_task_and_keeps_its_work(
    number: int, state: Path, sums: Path, issue: Path, tmp_path: Path
) -> None:
    turns = usual("implement")
    endless = write_script(tmp_path / "s.yml", implement=[turns[0], call("run", command="sleep 1000"), *turns[1:]])
    out = tmp_path / "out"
    running = start(
        "solve", "--repo", str(sums), "--issue", str(issue), "--model", endless, "--out", str(out), "--json",
        environment={"FORGEHAND_STATE_DIR": str(state)},
    )  # fmt: skip
    until(lambda: edited(out) and "sleep" in str(rows(out, "SELECT entry FROM journal_entries")), running)
    os.killpg(running.pid, number)  # as a terminal does: to everything in the foreground
    printed, words = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 1, words
    said = json.loads(printed)
    assert said["outcome"] == "failed"
    assert "stopped by you" in said["reason"]
    assert said["branch"] is None
    assert "+    for number in numbers:" in Path(said["patch"]).read_text()
    assert git(sums, "branch", "--list", "forgehand/*") == ""
    assert list((state / "boxes").glob("*.json")) == []
    assert rows(out, "SELECT stage, lease_owner FROM tasks") == [("cancelled", None)]


def test_what_was_killed_goes_on_where_it_was(
    forgehand: Forgehand,
    state: Path,
    sums: Path,
    issue: Path,
    tmp_path: Path,
    slow: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    given = ("solve", "--repo", str(sums), "--issue", str(issue), "--model", slow, "--out", str(out), "--json")
    running = start(*given, environment={"FORGEHAND_STATE_DIR": str(state), **QUICK})
    until(lambda: edited(out), running)
    running.kill()
    running.communicate(timeout=PATIENCE_S)
    paid = {key for (key,) in rows(out, "SELECT key FROM budget_entries WHERE settled")}
    assert len(paid) >= 4
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    ran = forgehand(*given)
    assert ran.document["outcome"] == "proven", ran.err
    assert len(rows(out, "SELECT id FROM tasks")) == 1
    assert git(sums, "branch", "--list", "forgehand/*") == ran.document["branch"]
    keys = [key for (key,) in rows(out, "SELECT key FROM budget_entries")]
    # Nine calls in the script; the one in flight at the kill may have been paid for once more.
    assert paid <= set(keys)
    assert len(keys) in (9, 10)
    assert list((state / "boxes").glob("*.json")) == []


def test_after_its_end_the_same_folder_takes_a_new_task(
    forgehand: Forgehand, sums: Path, issue: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--out", out, "--json")
    first, second = forgehand(*given).document, forgehand(*given).document
    assert (first["outcome"], second["outcome"]) == ("proven", "proven")
    assert first["task"] != second["task"]
    assert len(git(sums, "branch", "--list", "forgehand/*").split()) == 2


@pytest.fixture
def unfinished(forgehand: Forgehand, sums: Path, issue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a task that was abandoned in its first stage."""
    out = tmp_path / "out"

    class Killed(BaseException):
        pass

    def dies(_: object) -> Move:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("cli.solve.STAGES", {Stage.RECEIVED: dies})
        for name, value in QUICK.items():
            patch.setenv(name, value)
        with pytest.raises(Killed):
            forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--out", out)
    return out


def test_the_lease_of_a_killed_run_is_waited_out(
    unfinished: Path, forgehand: Forgehand, sums: Path, issue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = time.time() + 3
    with sqlite3.connect(unfinished / "forgehand.db") as database:
        database.execute("UPDATE tasks SET lease_until = ?", [until])
    monkeypatch.setattr("cli.solve.STAGES", {Stage.RECEIVED: lambda _: Move(Stage.NEEDS_HUMAN, "enough")})
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--out", unfinished, "--json")
    assert ran.document["reason"] == "enough"
    assert time.time() >= until
    assert ran.err.count("an earlier run was killed") == 1


def test_another_issue_does_not_get_into_unfinished_work(
    unfinished: Path, forgehand: Forgehand, sums: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.md").write_text("Something else")
    ran = forgehand("solve", "--repo", sums, "--issue", tmp_path / "other.md", "--model", MODEL, "--out", unfinished)
    assert ran.status == 2
    assert "The first number is left out" in ran.err


def test_a_task_that_waits_is_waited_for(
    forgehand: Forgehand, sums: Path, issue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []

    def waits_twice(_: object) -> Move | Wait:
        times.append(time.monotonic())
        return Wait(0.5) if len(times) < 3 else Move(Stage.NEEDS_HUMAN, "waited long enough")

    monkeypatch.setattr("cli.solve.STAGES", {Stage.RECEIVED: waits_twice})
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json")
    assert (ran.status, ran.document["outcome"]) == (1, "needs_human")
    assert ran.document["reason"] == "waited long enough"
    assert [later - earlier >= 0.5 for earlier, later in itertools.pairwise(times)] == [True, True]


def test_a_stop_reaches_a_task_that_waits(
    forgehand: Forgehand, sums: Path, issue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits(_: object) -> Wait:
        signal.raise_signal(signal.SIGINT)
        return Wait(3600.0)

    monkeypatch.setattr("cli.solve.STAGES", {Stage.RECEIVED: waits})
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json")
    assert (ran.status, ran.document["outcome"]) == (1, "failed")
    assert "stopped by you" in ran.document["reason"]


def test_a_second_ctrl_c_ends_at_once_and_says_how_to_go_on(
    forgehand: Forgehand, sums: Path, issue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stubborn(_: object) -> Wait:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second one did not end it")

    monkeypatch.setattr("cli.solve.STAGES", {Stage.RECEIVED: stubborn})
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json")
    assert (ran.status, ran.out) == (2, "")
    assert "same --out" in ran.err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_issue_is_the_same_whatever_its_file_is_called(
    unfinished: Path, forgehand: Forgehand, sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "copy.md").write_text(ISSUE)
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    ran = forgehand(
        "solve", "--repo", sums, "--issue", tmp_path / "copy.md", "--model", MODEL, "--out", unfinished, "--json"
    )
    assert ran.document["outcome"] == "proven", ran.err
    assert len(rows(unfinished, "SELECT id FROM tasks")) == 1
