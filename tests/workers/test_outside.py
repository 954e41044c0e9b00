"""An effect outside happens once: made, found, or found out about after its answer was lost."""

import time
from pathlib import Path
from typing import Any

import pytest

from forges.github import ForgeUnavailable
from store import Database, LeaseLost, NewTask, tasks
from store.migrating import migrate
from store.tasks import Limits
from workers.outside import once


class There:
    """A place outside, in which things are made and found, and which can lose its answers."""

    def __init__(self, *, loses: bool = False, takes_in: bool = True) -> None:
        self.things: list[dict[str, Any]] = []
        self.looked = 0
        self.loses, self.takes_in = loses, takes_in

    def find(self) -> dict[str, Any] | None:
        self.looked += 1
        return self.things[0] if self.things else None

    def make(self) -> dict[str, Any]:
        if self.takes_in:
            self.things.append({"id": len(self.things) + 1})
        if self.loses:
            raise ForgeUnavailable("POST /things", "cut off", maybe_written=True)
        return self.things[-1]


@pytest.fixture
def database(tmp_path: Path):
    made = Database(f"sqlite:///{tmp_path / 'effects.db'}")
    migrate(made)
    yield made
    made.close()


def do(database: Database, there: There, **more: Any) -> Any:
    return once(database, "a thing", find=there.find, make=there.make, now=time.time, **more)


def test_made_and_not_asked_again(database: Database) -> None:
    there = There()
    assert do(database, there) == {"id": 1}
    looked = there.looked
    assert do(database, there) == {"id": 1}
    assert (len(there.things), there.looked) == (1, looked)


def test_what_an_earlier_try_left_is_found(database: Database) -> None:
    there = There()
    there.things.append({"id": 7})
    assert do(database, there) == {"id": 7}
    assert len(there.things) == 1


def test_a_lost_answer_is_found_out_about(database: Database) -> None:
    there = There(loses=True)
    assert do(database, there) == {"id": 1}
    assert len(there.things) == 1


def test_a_lost_request_is_an_error_and_made_by_the_next_try(database: Database) -> None:
    there = There(loses=True, takes_in=False)
    with pytest.raises(ForgeUnavailable):
        do(database, there)
    there.loses, there.takes_in = False, True
    assert do(database, there) == {"id": 1}
    assert len(there.things) == 1


def test_what_was_surely_not_written_is_not_looked_for(database: Database) -> None:
    there = There()

    def refused() -> dict[str, Any]:
        raise ForgeUnavailable("POST /things", "no connection")

    with pytest.raises(ForgeUnavailable):
        once(database, "a thing", find=there.find, make=refused, now=time.time)
    assert there.looked == 1


def test_nothing_is_made_under_a_claim_that_is_gone(database: Database) -> None:
    there, now = There(), time.time()
    new = NewTask("local", "local:x", "x", {}, {}, Limits(0, 0, 1, 1.0))
    with database.write() as session:
        task = tasks.create(session, new, now=now)
        assert task is not None
        held = tasks.claim(session, task.id, "first", now=now, lease_s=1)
        assert tasks.claim(session, task.id, "second", now=now + 2, lease_s=1) is not None
    with pytest.raises(LeaseLost):
        do(database, there, held=held)
    assert there.things == []
