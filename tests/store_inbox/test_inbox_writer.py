"""The writer's thread: who is told what and when, how groups form, and how it ends."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from store import group_insert
from store.database import Database
from store.group_insert import DUPLICATE, NEW, Arrival, GroupInsert, Outcome, Receipt
from store.inbox import DIED, FULL, STOPPING, InboxWriter
from store.schema import Delivery


def arrival(number: int, size: int = 2) -> Arrival:
    return Arrival("github", "7", f"d-{number}", "issues", "application/json", b"x" * size, 1.0)


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Delivery)) or 0


@contextmanager
def running(writer: InboxWriter) -> Iterator[InboxWriter]:
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of every group that is stored."""
    seen: list[int] = []
    store = GroupInsert.store

    def counting(self: GroupInsert, group: Sequence[Arrival]) -> list[Receipt]:
        seen.append(len(group))
        return store(self, group)

    monkeypatch.setattr(GroupInsert, "store", counting)
    return seen


def test_the_receipt_comes_after_the_commit(database: Database) -> None:
    async def play() -> None:
        for number in range(5):
            assert await writer.submit(arrival(number)) == NEW
            assert count(database) == number + 1, "another connection sees it"
        assert await writer.submit(arrival(0)) == DUPLICATE

    with running(InboxWriter(database)) as writer:
        asyncio.run(play())


def test_500_at_once_and_their_doubles(database: Database) -> None:
    async def play() -> list[Receipt]:
        return await asyncio.gather(*(writer.submit(arrival(number % 500)) for number in range(1000)))

    with running(InboxWriter(database)) as writer:
        receipts = asyncio.run(play())
    assert receipts == [NEW] * 500 + [DUPLICATE] * 500
    assert count(database) == 500


def test_what_waits_while_the_database_is_busy_becomes_one_group(sqlite_database: Database, sizes: list[int]) -> None:
    async def play() -> None:
        with sqlite_database.writing_connection():
            first = writer.submit(arrival(0))
            while not sizes:  # the writer has taken the first, and waits for the lock
                await asyncio.sleep(0)
            rest = [writer.submit(arrival(number)) for number in range(1, 100)]
        assert await asyncio.gather(first, *rest) == [NEW] * 100

    with running(InboxWriter(sqlite_database)) as writer:
        asyncio.run(play())
    assert sizes == [1, 99]


def test_two_event_loops_are_each_answered_on_their_own(sqlite_database: Database) -> None:
    async def play(first: int) -> list[Receipt]:
        return await asyncio.gather(*(writer.submit(arrival(number)) for number in range(first, first + 50)))

    async def both() -> None:
        elsewhere = asyncio.to_thread(lambda: asyncio.run(play(1000)))
        assert await play(0) + await elsewhere == [NEW] * 100

    with running(InboxWriter(sqlite_database)) as writer:
        asyncio.run(both())


@pytest.mark.parametrize("limits", [{"max_waiting": 3}, {"max_waiting_bytes": 300}])
def test_more_than_may_wait_is_refused_at_once(
    sqlite_database: Database, sizes: list[int], limits: dict[str, int]
) -> None:
    async def play() -> None:
        with sqlite_database.writing_connection():
            first = writer.submit(arrival(0, 100))
            while not sizes:
                await asyncio.sleep(0)
            waiting = [writer.submit(arrival(number, 100)) for number in range(1, 4)]
            refused = writer.submit(arrival(4, 100))
            assert refused.done()
            assert refused.result() == FULL
        assert await asyncio.gather(first, *waiting) == [NEW] * 4
        assert await writer.submit(arrival(4, 100)) == NEW, "there is room again"

    with running(InboxWriter(sqlite_database, **limits)) as writer:
        asyncio.run(play())
    assert count(sqlite_database) == 5


def test_a_refused_group_is_told_and_the_next_one_is_stored(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_insert, "SQLITE_SESSION", ("PRAGMA busy_timeout=20",))

    async def play() -> None:
        with sqlite_database.writing_connection():
            refused = await writer.submit(arrival(1))
        assert refused.outcome is Outcome.REFUSED
        assert "locked" in refused.reason
        assert await writer.submit(arrival(1)) == NEW

    with running(InboxWriter(sqlite_database)) as writer:
        asyncio.run(play())


def test_stopping_stores_what_waits_and_refuses_what_comes(sqlite_database: Database, sizes: list[int]) -> None:
    writer = InboxWriter(sqlite_database)

    async def play() -> None:
        with sqlite_database.writing_connection():
            waiting = [writer.submit(arrival(0))]
            while not sizes:
                await asyncio.sleep(0)
            waiting += [writer.submit(arrival(number)) for number in range(1, 20)]
            stopped = asyncio.get_running_loop().run_in_executor(None, writer.stop)
            while writer.alive:
                await asyncio.sleep(0)
            assert await writer.submit(arrival(20)) == STOPPING
        await stopped
        assert await asyncio.gather(*waiting) == [NEW] * 20

    writer.start()
    asyncio.run(play())
    assert count(sqlite_database) == 20


def test_a_caller_that_gave_up_does_not_disturb_the_others(sqlite_database: Database, sizes: list[int]) -> None:
    async def play() -> None:
        with sqlite_database.writing_connection():
            first, second = writer.submit(arrival(0)), writer.submit(arrival(1))
            first.cancel()
        assert await second == NEW

    with running(InboxWriter(sqlite_database)) as writer:
        asyncio.run(play())
    assert count(sqlite_database) == 2, "it is stored all the same"


def test_a_loop_that_has_closed_is_left_alone(sqlite_database: Database, sizes: list[int]) -> None:
    async def leave() -> None:
        writer.submit(arrival(0))
        while not sizes:
            await asyncio.sleep(0)

    async def ask() -> Receipt:
        return await writer.submit(arrival(1))

    with running(InboxWriter(sqlite_database)) as writer:
        with sqlite_database.writing_connection():
            asyncio.run(leave())
        assert asyncio.run(ask()) == NEW
    assert count(sqlite_database) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death is the point
def test_a_dead_thread_leaves_nobody_waiting(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_: GroupInsert, group: Sequence[Arrival]) -> list[Receipt]:
        raise SystemExit

    monkeypatch.setattr(GroupInsert, "store", die)

    async def play() -> None:
        assert await writer.submit(arrival(0)) == DIED
        assert (await writer.submit(arrival(1))).outcome is Outcome.REFUSED

    with running(InboxWriter(sqlite_database)) as writer:
        asyncio.run(play())
        assert not writer.alive


def test_before_the_start_and_stopped_twice(sqlite_database: Database) -> None:
    async def ask() -> Receipt:
        return await writer.submit(arrival(0))

    writer = InboxWriter(sqlite_database)
    assert not writer.alive
    assert asyncio.run(ask()) == STOPPING
    writer.stop()
    writer = InboxWriter(sqlite_database)
    writer.start()
    writer.stop()
    writer.stop()
