"""One live task a subject, one task a request for ever, and nothing refused without a reason."""

import re

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import Database, Limits, Stage, events, tasks
from store.ids import new_task_id
from store.schema import Task
from tests.store.making import claim, create, end, new_task, row
from tests.store.racing import THREADS, race

SUBJECT = "github:9:issue:1"


def test_a_new_task_wants_to_run_and_has_one_event(database: Database) -> None:
    limits = Limits(usd_nanos=5_000_000_000, tokens=2**40, steps=7, seconds=1.5)
    task_id = create(
        database, now=12.5, limits=limits, installation_id=2**53, number=1, fields={"branch": "b", "pull_number": 3}
    )
    task = row(database, task_id)
    assert (task.stage, task.wake_at, task.created_at, task.fence, task.signals) == (Stage.RECEIVED, 12.5, 12.5, 0, 0)
    assert (task.subject, task.active_subject) == (SUBJECT, SUBJECT)
    assert (task.branch, task.pull_number, task.installation_id, task.data) == ("b", 3, 2**53, {})
    assert (task.limit_usd_nanos, task.limit_tokens, task.limit_steps, task.limit_seconds) == (5 * 10**9, 2**40, 7, 1.5)
    with database.read() as session:
        assert [(event.seq, event.kind, event.stage) for event in events.of_task(session, task_id)] == [
            (1, "received", "received")
        ]


def test_a_subject_has_one_live_task(database: Database) -> None:
    first = create(database)
    with database.write() as session:
        assert tasks.create(session, new_task(), now=1.0) is None
        assert tasks.create(session, new_task("github:9:issue:2"), now=1.0) is not None
    with database.read() as session:
        live = tasks.live_on(session, SUBJECT)
        assert live is not None
        assert live.id == first
        assert tasks.live_on(session, "github:9:issue:3") is None


def test_a_refused_task_leaves_the_transaction_usable(database: Database) -> None:
    create(database)
    with database.write() as session:
        assert tasks.create(session, new_task(), now=1.0) is None
        other = tasks.create(session, new_task("github:9:issue:2"), now=1.0)
        assert other is not None
    assert row(database, other.id).stage == Stage.RECEIVED


def test_threads_that_create_at_once_make_one_task(database: Database) -> None:
    made = race(database, lambda session, number: tasks.create(session, new_task(), now=float(number)))
    assert len([task for task in made if task is not None]) == 1
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Task)) == 1


def test_threads_with_one_request_for_many_subjects_make_one_task(database: Database) -> None:
    def ask(session: Session, number: int) -> Task | None:
        return tasks.create(session, new_task(f"github:9:issue:{number}", request_key="comment:77"), now=0.0)

    assert len([task for task in race(database, ask) if task is not None]) == 1


def test_threads_with_subjects_of_their_own_all_get_a_task(database: Database) -> None:
    made = race(database, lambda session, number: tasks.create(session, new_task(f"s{number}"), now=0.0))
    assert len({task.id for task in made if task is not None}) == THREADS


def test_finishing_frees_the_subject_but_not_the_request(database: Database) -> None:
    first = create(database, request_key="github:9:comment:77")
    end(database, claim(database, first))
    with database.write() as session:
        assert tasks.create(session, new_task(request_key="github:9:comment:77"), now=2.0) is None
        second = tasks.create(session, new_task(request_key="github:9:comment:78"), now=2.0)
        assert second is not None
    with database.read() as session:
        live, latest = tasks.live_on(session, SUBJECT), tasks.latest_on(session, SUBJECT)
        assert live is not None
        assert latest is not None
        assert live.id == latest.id == second.id != first
        assert tasks.latest_on(session, "github:9:issue:2") is None


def test_a_task_that_cannot_be_stored_is_an_error_and_no_duplicate(database: Database) -> None:
    """None means "there is one already": a request must not be dropped on that ground when it is not so."""
    broken = new_task(fields={"created_by": 0})
    with pytest.raises(TypeError), database.write() as session:
        tasks.create(session, broken, now=0.0)
    nameless = new_task()
    object.__setattr__(nameless, "repository", None)
    with pytest.raises(IntegrityError), database.write() as session:
        tasks.create(session, nameless, now=0.0)


def test_an_id_that_is_taken_is_an_error_and_no_duplicate(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = create(database)
    monkeypatch.setattr(tasks, "new_task_id", lambda now: task_id)
    with pytest.raises(IntegrityError), database.write() as session:
        tasks.create(session, new_task("github:9:issue:2"), now=0.0)


def test_ids_are_sortable_by_second_and_safe_in_branches() -> None:
    ids = [new_task_id(now) for now in (0.0, 1.9, 2.0, 1_800_000_000.0)]
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"[0-9a-f]{14}", task_id) for task_id in ids)
    assert len({new_task_id(5.0) for _ in range(100)}) == 100
