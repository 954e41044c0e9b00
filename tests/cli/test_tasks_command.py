"""`forgehand tasks` on a real database: list, show, stop, retry, and what there is to say when nothing is there."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from store import Database, Limits, NewTask, Stage, events, proofs, tasks
from store.schema import Task
from tests.cli.ground import Forgehand

PROOF = Path(__file__).with_name("proof.json")


def add(database: Database, number: int, title: str = "Broken", **changes: Any) -> str:
    new = NewTask(
        source="github",
        subject=f"github:9:issue:{number}",
        repository="octo/sums",
        request={"trigger": "assigned", "actor": "maria", "actor_id": 7, "comment_id": 77, "base": "main"},
        ticket={"title": title, "body": "It breaks.", "author": "maria", "permission": "write"},
        limits=Limits(5_000_000_000, 1000, 10, 60.0),
        installation_id=3,
        repository_id=9,
        number=number,
    )
    with database.write() as session:
        task = tasks.create(session, new, now=time.time())
        assert task is not None
        for column, value in changes.items():
            setattr(task, column, value)
    return task.id


def end(database: Database, task_id: str, there: Stage = Stage.FAILED) -> None:
    now = time.time()
    with database.write() as session:
        held = tasks.claim(session, task_id, "test", now=now, lease_s=60)
        assert held is not None
        tasks.advance(session, held, there, now=now, reason="no more")
        tasks.finish(session, held, now=now)


def messages(state: Path) -> list[str]:
    """The task ids in the broker's folder."""
    found = []
    for path in sorted((state / "broker").glob("*.msg")):
        body = json.loads(path.read_text())
        found.append(str(body["headers"]["argsrepr"]).strip("[]'\""))
    return found


@pytest.mark.parametrize("arguments", [(), ("list",), ("show", "x"), ("stop", "x"), ("retry", "x")])
def test_without_a_database_nothing_is_made_and_the_way_is_shown(
    arguments: tuple[str, ...], forgehand: Forgehand, state: Path
) -> None:
    ran = forgehand("tasks", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert "forgehand serve" in ran.err
    assert not state.exists()


def test_a_database_of_another_version(forgehand: Forgehand, state: Path) -> None:
    Database(f"sqlite:///{state / 'forgehand.db'}").engine.connect().close()
    assert forgehand("tasks").status == 2


def test_a_database_that_does_not_answer(forgehand: Forgehand, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_DATABASE_URL", "postgresql+psycopg://u:p4ssw0rd@127.0.0.1:9/none?connect_timeout=2")
    ran = forgehand("tasks")
    assert ran.status == 2
    assert "FORGEHAND_DATABASE_URL" in ran.err
    assert "p4ssw0rd" not in ran.err


def test_no_task_yet(forgehand: Forgehand, database: Database) -> None:
    assert "no tasks yet" in forgehand("tasks").out
    assert forgehand("tasks", "--json").document == []


@pytest.mark.parametrize("arguments", [("tasks",), ("tasks", "list")])
def test_the_list_is_newest_first(arguments: tuple[str, ...], forgehand: Forgehand, database: Database) -> None:
    old = add(database, 1, created_at=time.time() - 7300)
    new = add(database, 2, title="Say \x1b[31mred\x1b[0m")
    ran = forgehand(*arguments)
    lines = ran.out.splitlines()
    assert lines[1].startswith(new)
    assert lines[2].startswith(old)
    assert "octo/sums#1" in ran.out
    assert "2 h" in lines[2]
    assert "\x1b" not in ran.out
    assert [row["id"] for row in forgehand(*arguments, "--json").document] == [new, old]


def test_the_list_can_be_short(forgehand: Forgehand, database: Database) -> None:
    ids = [add(database, number, created_at=1000.0 + number) for number in range(4)]
    assert [row["id"] for row in forgehand("tasks", "list", "--limit", "2", "--json").document] == ids[:1:-1]


def test_one_task_with_its_events_proof_and_patch(forgehand: Forgehand, database: Database) -> None:
    head = "5" * 40
    task_id = add(database, 1, head_sha=head, data={"saved_patch": "/var/x.diff"})
    document = json.loads(PROOF.read_text())
    with database.write() as session:
        held = tasks.claim(session, task_id, "test", now=time.time(), lease_s=60)
        assert held is not None
        proofs.save(session, held, head, "proven", document, now=time.time())
        events.append(session, task_id, "proving", "progress", {"line": "ask @maria \x07 now"}, now=time.time())
    ran = forgehand("tasks", "show", task_id)
    assert ran.status == 0
    for shown in (task_id, "octo/sums#1", "/var/x.diff", "maria", "Proven", "ask @maria"):
        assert shown in ran.out
    assert "\x07" not in ran.out
    said = forgehand("tasks", "show", task_id, "--json").document
    assert said["proof"] == document
    assert [event["kind"] for event in said["events"]] == ["received", "progress"]
    assert said["saved_patch"] == "/var/x.diff"


@pytest.mark.parametrize("command", ["show", "stop", "retry"])
def test_a_task_that_is_not_there(command: str, forgehand: Forgehand, database: Database) -> None:
    ran = forgehand("tasks", command, "nothing\x1b[2J")
    assert (ran.status, ran.out) == (2, "")
    assert "There is no task" in ran.err
    assert "\x1b" not in ran.err


def test_stop_asks_once_and_rings(forgehand: Forgehand, database: Database, state: Path) -> None:
    task_id = add(database, 1, wake_at=time.time() + 3600)
    first = forgehand("tasks", "stop", task_id, "--json")
    assert (first.status, first.document["ok"]) == (0, True)
    assert messages(state) == [task_id]
    with database.read() as session:
        task = session.get_one(Task, task_id)
        assert task.stop_requested_by == "operator (terminal)"
        assert (task.wake_at or 0) <= time.time()
    again = forgehand("tasks", "stop", task_id)
    assert again.status == 1
    assert "already" in again.out
    assert messages(state) == [task_id]


def test_an_ended_task_cannot_be_stopped(forgehand: Forgehand, database: Database) -> None:
    task_id = add(database, 1)
    end(database, task_id)
    ran = forgehand("tasks", "stop", task_id)
    assert (ran.status, "it is failed" in ran.out) == (1, True)


def test_retry_makes_a_new_task_of_an_ended_one(forgehand: Forgehand, database: Database, state: Path) -> None:
    task_id = add(database, 1, pull_number=12)
    end(database, task_id, Stage.NEEDS_HUMAN)
    ran = forgehand("tasks", "retry", task_id, "--json")
    assert ran.status == 0
    new_id = ran.document["id"]
    assert messages(state) == [new_id]
    with database.read() as session:
        old, new = session.get_one(Task, task_id), session.get_one(Task, new_id)
        assert new.stage == "received"
        for column in ("source", "subject", "repository", "repository_id", "installation_id", "number", "ticket"):
            assert getattr(new, column) == getattr(old, column)
        assert new.request["retry_of"] == task_id
        assert (new.request["actor"], new.request["permission"]) == ("operator (terminal)", "admin")
        assert (new.request["pull_number"], new.request["base"], new.request["comment_id"]) == (12, "main", None)
        assert new.limit_usd_nanos == 5_000_000_000


def test_a_live_task_is_not_retried(forgehand: Forgehand, database: Database, state: Path) -> None:
    ended = add(database, 1)
    end(database, ended)
    live = add(database, 1)
    for task_id in (ended, live):
        ran = forgehand("tasks", "retry", task_id)
        assert ran.status == 1
        assert f"task {live} is at it" in ran.out
    assert messages(state) == []
