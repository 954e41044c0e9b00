"""Claiming: exactly one worker, until its lease ends; every takeover has a higher fence."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy.orm import Session

from store import Claim, Database, LeaseLost, Stage, tasks
from tests.store.making import claim, claimed, create, end, row
from tests.store.racing import race


def test_of_many_threads_exactly_one_claims(database: Database) -> None:
    task_id = create(database)
    claims = race(
        database, lambda session, number: tasks.claim(session, task_id, f"worker-{number}", now=0.0, lease_s=60)
    )
    won = [held for held in claims if held is not None]
    assert len(won) == 1
    task = row(database, task_id)
    assert won[0] == Claim(task_id, str(task.lease_owner), 1, 0)
    assert (task.fence, task.lease_until) == (1, 60.0)


def test_many_threads_share_many_tasks_without_doubles(database: Database) -> None:
    ids = [create(database, f"s{number}") for number in range(5)]

    def take_all(session: Session, number: int) -> int:
        claims = [tasks.claim(session, task_id, f"worker-{number}", now=0.0, lease_s=9) for task_id in ids]
        return sum(held is not None for held in claims)

    assert sum(race(database, take_all)) == len(ids)


def test_of_many_threads_exactly_one_takes_over(database: Database) -> None:
    old = claimed(database)
    claims = race(
        database, lambda session, number: tasks.claim(session, old.task_id, f"w{number}", now=60.0, lease_s=60)
    )
    assert [held.fence for held in claims if held is not None] == [2]


@pytest.mark.parametrize(("now", "given"), [(0.0, False), (59.999, False), (60.0, True), (1e9, True)])
@pytest.mark.parametrize("owner", ["worker-1", "worker-2"])
def test_a_lease_ends_when_it_says(database: Database, now: float, given: bool, owner: str) -> None:
    """Its owner's second process is another worker like any other."""
    old = claimed(database)
    with database.write() as session:
        new = tasks.claim(session, old.task_id, owner, now=now, lease_s=60)
    assert (new is not None) == given
    if new is not None:
        assert new.fence == old.fence + 1


@pytest.mark.parametrize(("now", "given"), [(99.0, False), (100.0, True)])
def test_a_task_is_claimed_only_when_it_wants_to_run(database: Database, now: float, given: bool) -> None:
    task_id = create(database, now=100.0)
    with database.write() as session:
        assert (tasks.claim(session, task_id, "w", now=now, lease_s=1) is not None) == given


def test_no_task_no_claim(database: Database) -> None:
    with database.write() as session:
        assert tasks.claim(session, "nowhere", "w", now=0.0, lease_s=1) is None
        assert tasks.get(session, "nowhere") is None


def test_an_ended_task_is_never_claimed_again(database: Database) -> None:
    held = claimed(database)
    end(database, held)
    with database.write() as session:
        assert tasks.claim(session, held.task_id, "w", now=1e9, lease_s=1) is None


def test_renewing_extends_the_lease_and_counts_the_work(database: Database) -> None:
    held = claimed(database)
    with database.write() as session:
        assert tasks.renew(session, held, now=30.0, lease_s=60, worked_s=29.5) == tasks.Pulse(None, 0)
        assert tasks.renew(session, held, now=40.0, lease_s=60, worked_s=10.25) == tasks.Pulse(None, 0)
    task = row(database, held.task_id)
    assert (task.lease_until, task.active_seconds, task.fence) == (100.0, 39.75, 1)
    with database.write() as session:
        assert tasks.claim(session, held.task_id, "worker-2", now=99.0, lease_s=60) is None


def test_a_late_worker_keeps_its_task_while_nobody_took_it(database: Database) -> None:
    held = claimed(database)
    with database.write() as session:
        tasks.renew(session, held, now=500.0, lease_s=60)
        tasks.record(session, held, now=500.0, branch="b")
    assert row(database, held.task_id).lease_until == 560.0


def test_news_reach_the_worker_by_renewal_and_by_pulse(database: Database) -> None:
    held = claimed(database)
    with database.write() as session:
        assert tasks.request_stop(session, held.task_id, "mona", now=1.0)
        tasks.wake(session, held.task_id, now=1.0)
    with database.read() as session:
        assert tasks.pulse(session, held) == tasks.Pulse("mona", 2)
    with database.write() as session:
        assert tasks.renew(session, held, now=2.0, lease_s=60) == tasks.Pulse("mona", 2)


def test_pulse_changes_nothing(database: Database) -> None:
    held = claimed(database)
    with database.write() as session:
        tasks.pulse(session, held)
    assert row(database, held.task_id).lease_until == 60.0


def test_guard_holds_the_row_until_the_transaction_ends(database: Database) -> None:
    """A takeover waits for a write in progress, so that the write belongs wholly to the old claim."""
    held = claimed(database)
    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            tasks.guard(session, held)
            takeover = pool.submit(claim, database, held.task_id, "worker-2", now=61.0)
            assert not wait([takeover], timeout=0.3).done
            tasks.record(session, held, now=61.0, branch="b")
        assert takeover.result(timeout=30).fence == 2
    assert row(database, held.task_id).branch == "b"


def test_claims_without_progress_are_counted_until_there_is_some(database: Database) -> None:
    task_id = create(database)

    def count() -> int:
        return row(database, task_id).claims_without_progress

    for crash in range(3):
        held = claim(database, task_id, now=crash * 100.0)
        assert count() == crash + 1
    with database.write() as session:
        tasks.renew(session, held, now=201.0, lease_s=60, worked_s=1.0)
    assert count() == 3, "a heartbeat is no progress"
    with database.write() as session:
        tasks.record(session, held, now=202.0, branch="b")
    assert count() == 0
    held = claim(database, task_id, now=300.0)
    with database.write() as session:
        tasks.advance(session, held, Stage.TRIAGED, now=301.0)
    assert count() == 0
    held = claim(database, task_id, now=400.0)
    with database.write() as session:
        tasks.park(session, held, wake_at=402.0, now=401.0)
    assert count() == 0


def test_guard_lets_the_holder_through_and_nobody_else(database: Database) -> None:
    held = claimed(database)
    for forged in (
        Claim(held.task_id, "worker-2", held.fence, 0),
        Claim(held.task_id, held.owner, held.fence + 1, 0),
        Claim("nowhere", held.owner, held.fence, 0),
    ):
        with pytest.raises(LeaseLost), database.write() as session:
            tasks.guard(session, forged)
    with database.write() as session:
        tasks.guard(session, held)
