"""Parking, waking, stopping and ending: no wake is lost, and an end is an end."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy.orm import Session

from store import Database, IllegalMove, Stage, events, tasks
from store.schema import Task
from tests.store.making import claim, claimed, create, end, row
from tests.store.racing import race


def park(database: Database, held: tasks.Claim, *, wake_at: float, now: float) -> None:
    with database.write() as session:
        tasks.park(session, held, wake_at=wake_at, now=now)


def wake(database: Database, task_id: str, *, now: float) -> bool:
    with database.write() as session:
        return tasks.wake(session, task_id, now=now)


def runnable(database: Database, *, now: float, ring_again_after: float = 30.0, limit: int = 100) -> list[str]:
    with database.read() as session:
        return tasks.runnable(session, now=now, ring_again_after=ring_again_after, limit=limit)


def test_a_parked_task_sleeps_until_its_time(database: Database) -> None:
    held = claimed(database)
    park(database, held, wake_at=500.0, now=10.0)
    assert runnable(database, now=499.0) == []
    assert runnable(database, now=500.0) == [held.task_id]
    task = row(database, held.task_id)
    assert (task.lease_owner, task.lease_until, task.wake_at) == (None, None, 500.0)
    assert claim(database, held.task_id, "worker-2", now=500.0).fence == 2


def test_a_wake_while_parked_runs_it_now(database: Database) -> None:
    held = claimed(database)
    park(database, held, wake_at=500.0, now=10.0)
    assert wake(database, held.task_id, now=20.0)
    assert runnable(database, now=19.0) == []
    assert runnable(database, now=20.0) == [held.task_id]


def test_a_wake_never_makes_a_task_sleep_longer(database: Database) -> None:
    task_id = create(database, now=5.0)
    assert wake(database, task_id, now=400.0)
    assert row(database, task_id).wake_at == 5.0


def test_a_wake_between_claim_and_park_runs_it_again_at_once(database: Database) -> None:
    held = claimed(database)
    assert wake(database, held.task_id, now=5.0)
    assert runnable(database, now=6.0) == [], "it is being worked on"
    park(database, held, wake_at=500.0, now=10.0)
    assert runnable(database, now=10.0) == [held.task_id]
    again = claim(database, held.task_id, now=10.0)
    assert again.signals == held.signals + 1
    park(database, again, wake_at=500.0, now=11.0)
    assert runnable(database, now=12.0) == [], "what it was woken for was seen by the second run"


def test_a_wake_before_the_claim_is_not_answered_twice(database: Database) -> None:
    task_id = create(database)
    wake(database, task_id, now=0.0)
    park(database, claim(database, task_id), wake_at=500.0, now=10.0)
    assert runnable(database, now=12.0) == []


def test_a_wake_racing_with_a_park_is_never_lost(database: Database) -> None:
    held = claimed(database)

    def act(session: Session, number: int) -> None:
        if number == 0:
            tasks.park(session, held, wake_at=500.0, now=10.0)
        else:
            assert tasks.wake(session, held.task_id, now=10.0)

    race(database, act)
    assert runnable(database, now=10.0) == [held.task_id]
    assert row(database, held.task_id).signals == 7


def test_a_doorbell_rung_just_now_is_not_rung_again_until_its_time(database: Database) -> None:
    first, second = create(database, "a", now=1.0), create(database, "b", now=2.0)
    assert runnable(database, now=10.0) == [first, second]
    with database.write() as session:
        tasks.rung(session, [first], now=10.0)
        tasks.rung(session, [], now=10.0)
    assert runnable(database, now=39.9) == [second]
    assert runnable(database, now=40.0) == [first, second]


@pytest.mark.parametrize("news", ["wake", "park"])
def test_news_are_worth_another_ring(database: Database, news: str) -> None:
    task_id = create(database)
    with database.write() as session:
        tasks.rung(session, [task_id], now=10.0)
    if news == "wake":
        wake(database, task_id, now=11.0)
    else:
        park(database, claim(database, task_id, now=11.0), wake_at=11.0, now=11.0)
    assert runnable(database, now=11.0) == [task_id]


def test_runnable_leaves_out_what_is_held_asleep_or_ended_and_begins_with_the_oldest(database: Database) -> None:
    late, early = create(database, "late", now=5.0), create(database, "early", now=4.0)
    create(database, "asleep", now=1000.0)
    claim(database, create(database, "held"))
    crashed = claim(database, create(database, "crashed", now=6.0), now=6.0, lease_s=1.0).task_id
    end(database, claimed(database, "ended"))
    assert runnable(database, now=20.0) == [early, late, crashed]
    assert runnable(database, now=20.0, limit=2) == [early, late]
    assert runnable(database, now=6.5) == [early, late]


def test_a_stop_is_asked_for_once(database: Database) -> None:
    held = claimed(database)
    park(database, held, wake_at=500.0, now=10.0)
    with database.write() as session:
        assert tasks.request_stop(session, held.task_id, "mona", now=20.0)
        assert not tasks.request_stop(session, held.task_id, "hubot", now=21.0)
    task = row(database, held.task_id)
    assert (task.stop_requested_by, task.signals, task.wake_at) == ("mona", 1, 20.0)


def test_of_many_who_ask_for_a_stop_one_is_named(database: Database) -> None:
    task_id = create(database)
    asked = race(database, lambda session, number: tasks.request_stop(session, task_id, f"user-{number}", now=1.0))
    assert asked.count(True) == 1
    assert row(database, task_id).stop_requested_by == f"user-{asked.index(True)}"
    assert row(database, task_id).signals == 1


def test_an_ended_task_hears_nothing_any_more(database: Database) -> None:
    held = claimed(database)
    end(database, held, now=7.0)
    with database.write() as session:
        assert not tasks.wake(session, held.task_id, now=8.0)
        assert not tasks.wake(session, "nowhere", now=8.0)
        assert not tasks.request_stop(session, held.task_id, "mona", now=8.0)
    task = row(database, held.task_id)
    assert (task.wake_at, task.signals, task.stop_requested_by) == (None, 0, None)
    assert (task.active_subject, task.finished_at, task.lease_owner, task.lease_until) == (None, 7.0, None, None)
    assert runnable(database, now=1e9) == []


def test_only_a_task_at_an_end_can_be_finished(database: Database) -> None:
    held = claimed(database)
    with pytest.raises(ValueError, match="received"), database.write() as session:
        tasks.finish(session, held, now=1.0)
    assert row(database, held.task_id).active_subject is not None


def test_advancing_moves_logs_and_changes_columns_in_one_go(database: Database) -> None:
    held = claimed(database)
    with database.write() as session:
        task = tasks.advance(session, held, Stage.TRIAGED, now=3.0, reason="a clear ticket", base_branch="main")
        assert task.stage == Stage.TRIAGED
        tasks.advance(session, held, Stage.RESEARCHING, now=4.0, data={"plan": [1]})
    task = row(database, held.task_id)
    assert (task.stage, task.stage_since, task.updated_at) == ("researching", 4.0, 4.0)
    assert (task.reason, task.base_branch, task.data) == ("a clear ticket", "main", {"plan": [1]})
    with database.read() as session:
        log = events.of_task(session, held.task_id)
        assert events.of_task(session, held.task_id, after=2) == log[2:]
    assert [(event.seq, event.at, event.kind, event.stage, event.data) for event in log[1:]] == [
        (2, 3.0, "stage", "triaged", {"from": "received", "reason": "a clear ticket"}),
        (3, 4.0, "stage", "researching", {"from": "triaged", "reason": None}),
    ]


def test_a_move_that_is_no_arrow_changes_nothing(database: Database) -> None:
    held = claimed(database)
    with database.write() as session, pytest.raises(IllegalMove, match="received -> publishing"):
        tasks.advance(session, held, Stage.PUBLISHING, now=3.0, base_branch="main")
    task = row(database, held.task_id)
    assert (task.stage, task.base_branch, task.stage_since) == ("received", None, 0.0)
    with database.read() as session:
        assert len(events.of_task(session, held.task_id)) == 1


def test_events_from_several_hands_are_numbered_without_gaps(database: Database) -> None:
    """The worker's and the relay's: each holds the task's row while it writes."""
    held = claimed(database)

    def act(session: Session, number: int) -> int:
        tasks.guard(session, held)
        return events.append(session, held.task_id, "received", "note", {"by": number}, now=1.0)

    assert sorted(race(database, act)) == list(range(2, 10))


@pytest.mark.parametrize(
    "columns", [{"brnach": "b"}, {"stage": "done"}, {"fence": 9}, {"wake_at": None}, {"lease_until": 1e9}, {"id": "x"}]
)
@pytest.mark.parametrize("advancing", [False, True])
def test_what_is_no_column_of_the_work_cannot_be_changed(
    database: Database, columns: dict[str, Any], advancing: bool
) -> None:
    """A misspelt column would be lost without a word, and these others would go round the arrows and the leases."""
    held = claimed(database)
    (name,) = columns
    change = partial(tasks.advance, there=Stage.TRIAGED) if advancing else tasks.record
    with database.write() as session, pytest.raises(ValueError, match=name):
        change(session, held, now=1.0, **columns)
    task = row(database, held.task_id)
    assert (task.stage, task.fence, task.lease_until) == ("received", 1, 60.0)


def test_recording_a_document_grown_in_place_is_kept(database: Database) -> None:
    held = claimed(database)
    for turn in (1, 2):
        with database.write() as session:
            task = session.get_one(Task, held.task_id)
            task.data["turns"] = turn
            tasks.record(session, held, now=1.0, data=task.data)
    assert row(database, held.task_id).data == {"turns": 2}


def test_finding_tasks_by_head_and_by_pull_request(database: Database) -> None:
    fields = {"head_sha": "a" * 40, "pull_number": 5}
    older = create(database, "a", now=1.0, repository_id=9, fields=fields)
    newer = create(database, "b", now=2.0, repository_id=9, fields=fields)
    create(database, "c", now=3.0, repository_id=10, fields=fields)
    ended = claim(database, create(database, "d", now=4.0, repository_id=9, fields=fields), now=4.0)
    end(database, ended, now=5.0)
    with database.read() as session:
        assert sorted(tasks.parked_on_head(session, 9, "a" * 40)) == sorted([older, newer])
        assert tasks.parked_on_head(session, 9, "b" * 40) == []
        owner = tasks.on_pull_request(session, 9, 5)
        assert owner is not None
        assert owner.id == newer
        assert tasks.on_pull_request(session, 9, 6) is None
