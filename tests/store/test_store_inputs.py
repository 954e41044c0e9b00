"""What people say to a live task: taken in once, and read by one window only, which may read it again."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import Database, inputs
from tests.store.making import create
from tests.store.racing import race


def add(session: Session, task_id: str, key: str, **others: Any) -> bool:
    given: dict[str, Any] = {
        "kind": "comment",
        "author": "mona",
        "permission": "write",
        "body": f"about {key}",
        "data": {"id": key},
        "now": 1.0,
    }
    return inputs.add(session, task_id, key=key, **(given | others))


def take(database: Database, task_id: str, taker: str, *, now: float = 5.0, kind: str = "comment") -> list[str]:
    with database.write() as session:
        return [taken.key for taken in inputs.take(session, task_id, kind, taker=taker, now=now)]


def waiting(database: Database, task_id: str, kind: str = "comment") -> list[str]:
    with database.read() as session:
        return [row.key for row in inputs.waiting(session, task_id, kind)]


def test_an_input_is_taken_in_once_by_its_key(database: Database) -> None:
    first, second = create(database, "a"), create(database, "b")
    with database.write() as session:
        assert add(session, first, "comment:1", not_before=3.0)
        assert not add(session, first, "comment:1", body="another body")
        assert add(session, second, "comment:1")
        assert add(session, first, "comment:2")
    with database.read() as session:
        (kept, _) = inputs.waiting(session, first, "comment")
    assert (kept.key, kept.kind, kept.author, kept.permission) == ("comment:1", "comment", "mona", "write")
    assert (kept.body, kept.data, kept.at, kept.not_before) == ("about comment:1", {"id": "comment:1"}, 1.0, 3.0)


def test_threads_that_add_one_key_add_it_once(database: Database) -> None:
    task_id = create(database)
    assert race(database, lambda session, number: add(session, task_id, "comment:1")).count(True) == 1
    assert waiting(database, task_id) == ["comment:1"]


def test_an_input_for_no_task_is_an_error_and_no_duplicate(database: Database) -> None:
    """False means "there already": what somebody said must not be dropped on that ground when it is not so."""
    with pytest.raises(IntegrityError), database.write() as session:
        add(session, "nowhere", "comment:1")


def test_taking_can_be_repeated_by_the_taker_and_by_nobody_else(database: Database) -> None:
    task_id = create(database)
    with database.write() as session:
        for key in ("c1", "c2"):
            add(session, task_id, key)
    assert waiting(database, task_id) == ["c1", "c2"]
    assert take(database, task_id, "1/plan#1") == ["c1", "c2"]
    assert waiting(database, task_id) == []
    assert take(database, task_id, "1/implement#1") == []
    with database.write() as session:
        add(session, task_id, "c3")
    assert take(database, task_id, "1/implement#1") == ["c3"]
    assert take(database, task_id, "1/plan#1") == ["c1", "c2"], "as it was killed before it wrote them down"
    assert take(database, task_id, "1/implement#1", now=9.0) == ["c3"]


def test_threads_that_take_share_without_doubles(database: Database) -> None:
    """A worker that lost its lease and does not know yet must not read what the new one reads."""
    task_id = create(database)
    keys = [f"c{number}" for number in range(20)]
    with database.write() as session:
        for key in keys:
            add(session, task_id, key)

    def take_all(session: Session, number: int) -> list[str]:
        return [row.key for row in inputs.take(session, task_id, "comment", taker=f"window-{number}", now=5.0)]

    taken = race(database, take_all)
    assert sorted(key for part in taken for key in part) == sorted(keys)


def test_an_unripe_input_waits(database: Database) -> None:
    task_id = create(database)
    with database.write() as session:
        add(session, task_id, "early", not_before=5.0)
        add(session, task_id, "late", not_before=5.5)
    assert take(database, task_id, "w", now=4.9) == []
    assert take(database, task_id, "w", now=5.0) == ["early"]
    assert waiting(database, task_id) == ["late"]
    assert take(database, task_id, "w", now=6.0) == ["early", "late"]


def test_kinds_and_tasks_are_apart(database: Database) -> None:
    first, second = create(database, "a"), create(database, "b")
    with database.write() as session:
        add(session, first, "review:1", kind="review")
        add(session, second, "comment:1")
    assert waiting(database, first) == []
    assert take(database, first, "w") == []
    assert take(database, first, "w", kind="review") == ["review:1"]
    assert waiting(database, second) == ["comment:1"]


def test_asking_whether_there_is_anything_takes_nothing(database: Database) -> None:
    task_id = create(database)

    def any_for(taker: str) -> bool:
        with database.read() as session:
            return inputs.any_for(session, task_id, "comment", taker=taker)

    assert not any_for("w1")
    with database.write() as session:
        add(session, task_id, "c1")
    assert any_for("w1")
    assert any_for("w2")
    take(database, task_id, "w1")
    assert any_for("w1")
    assert not any_for("w2")


def test_what_nobody_has_taken_can_be_completed(database: Database) -> None:
    task_id, other = create(database, "a"), create(database, "b")
    with database.write() as session:
        for task in (task_id, other):
            add(session, task, "review:1")
        inputs.amend(session, task_id, "review:1", body="all of it", data={"comments": 2})
    with database.write() as session:
        (taken,) = inputs.take(session, task_id, "comment", taker="w", now=5.0)
        assert (taken.body, taken.data) == ("all of it", {"comments": 2})
        inputs.amend(session, task_id, "review:1", body="too late", data={})
        (again,) = inputs.take(session, task_id, "comment", taker="w", now=5.0)
        assert again.body == "all of it"
        (untouched,) = inputs.waiting(session, other, "comment")
        assert untouched.body == "about review:1"
