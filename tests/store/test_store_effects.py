"""Effects by key: doing one again finds the first, whoever did it."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from store import Claim, Database, effects
from store.schema import Effect
from tests.store.making import claim, claimed

KEY = "pull:octo/spoon:forgehand/1"


def begin(database: Database, held: Claim | None, *, now: float = 1.0) -> dict[str, object] | None:
    with database.write() as session:
        return effects.begin(session, KEY, held=held, now=now)


def finish(database: Database, result: dict[str, object], *, now: float = 2.0) -> None:
    with database.write() as session:
        effects.finish(session, KEY, result, now=now)


def result_of(database: Database) -> dict[str, object] | None:
    with database.read() as session:
        return effects.result_of(session, KEY)


def test_an_effect_that_was_done_is_found(database: Database) -> None:
    held = claimed(database)
    assert result_of(database) is None
    assert begin(database, held) is None
    assert result_of(database) is None
    finish(database, {"number": 5})
    assert result_of(database) == {"number": 5}
    assert begin(database, held) == {"number": 5}


def test_an_effect_that_may_have_happened_is_tried_again(database: Database) -> None:
    """Killed between the intention and the answer: only the forge can tell, by the key."""
    held = claimed(database)
    assert begin(database, held) is None
    assert begin(database, claim(database, held.task_id, "worker-2", now=60.0), now=61.0) is None
    with database.read() as session:
        (row,) = session.scalars(select(Effect)).all()
    assert (row.task_id, row.state, row.at, row.done_at) == (held.task_id, "intended", 1.0, None)


def test_an_empty_result_is_a_result(database: Database) -> None:
    begin(database, None)
    finish(database, {})
    assert begin(database, None) == {}
    assert result_of(database) == {}


def test_what_happened_is_noted_whoever_holds_the_task(database: Database) -> None:
    held = claimed(database)
    begin(database, held)
    second = claim(database, held.task_id, "worker-2", now=60.0)
    finish(database, {"number": 5}, now=62.0)
    assert begin(database, second) == {"number": 5}
    with database.read() as session:
        (row,) = session.scalars(select(Effect)).all()
    assert (row.state, row.done_at) == ("done", 62.0)


def test_an_effect_without_a_task(database: Database) -> None:
    assert begin(database, None) is None
    finish(database, {"comment": 1})
    with database.read() as session:
        assert session.scalars(select(Effect.task_id)).all() == [None]


def test_an_effect_never_begun_cannot_be_finished(database: Database) -> None:
    with pytest.raises(NoResultFound):
        finish(database, {})


def test_begun_and_finished_in_one_transaction(database: Database) -> None:
    held = claimed(database)
    with database.write() as session:
        effects.begin(session, KEY, held=held, now=1.0)
        effects.finish(session, KEY, {"a": 1}, now=1.0)
    assert result_of(database) == {"a": 1}


def test_what_is_rolled_back_was_not_intended(database: Database) -> None:
    def crash() -> None:
        with database.write() as session:
            effects.begin(session, KEY, held=None, now=1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    with database.read() as session:
        assert session.scalars(select(Effect)).all() == []
