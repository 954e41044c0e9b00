"""The journal's numbering and its snapshots, and the proofs that are kept beside it."""

from sqlalchemy.orm import Session

from store import Claim, Database, journal, proofs
from store.journal import Recorded
from tests.store.making import claim, claimed, row
from tests.store.racing import THREADS, race


def append(database: Database, held: Claim, window: str, entry: dict[str, object], changes: bytes | None = None) -> int:
    with database.write() as session:
        return journal.append(session, held, window, entry, changes, now=1.0)


def test_each_window_counts_from_one(database: Database) -> None:
    held, other = claimed(database, "a"), claimed(database, "b")
    assert [append(database, held, "1/plan#1", {"n": n}) for n in range(3)] == [1, 2, 3]
    assert append(database, held, "1/plan#2", {"n": 9}) == 1
    assert append(database, other, "1/plan#1", {"n": 8}) == 1
    assert append(database, held, "1/plan#1", {"n": 3}) == 4
    with database.read() as session:
        assert journal.load(session, held.task_id, "1/plan#1") == [Recorded(n + 1, {"n": n}) for n in range(4)]
        assert journal.load(session, other.task_id, "1/plan#1") == [Recorded(1, {"n": 8})]
        assert journal.load(session, held.task_id, "1/plan#3") == []
        assert journal.of_task(session, held.task_id) == [
            ("1/plan#1", Recorded(1, {"n": 0})),
            ("1/plan#1", Recorded(2, {"n": 1})),
            ("1/plan#1", Recorded(3, {"n": 2})),
            ("1/plan#2", Recorded(1, {"n": 9})),
            ("1/plan#1", Recorded(4, {"n": 3})),
        ]


def test_two_entries_in_one_transaction_have_two_numbers(database: Database) -> None:
    held = claimed(database)
    with database.write() as session:
        numbers = [journal.append(session, held, "w", {"n": n}, None, now=1.0) for n in range(2)]
    assert numbers == [1, 2]


def test_the_next_worker_goes_on_where_the_last_ended(database: Database) -> None:
    held = claimed(database)
    append(database, held, "w", {"n": 1})
    assert append(database, claim(database, held.task_id, "worker-2", now=60.0), "w", {"n": 2}) == 2


def test_threads_of_one_worker_number_without_gaps(database: Database) -> None:
    held = claimed(database)

    def act(session: Session, number: int) -> int:
        return journal.append(session, held, "w", {"by": number}, None, now=1.0)

    assert sorted(race(database, act)) == list(range(1, THREADS + 1))


def test_what_a_tool_printed_comes_back_as_it_was(database: Database) -> None:
    """NUL, half a surrogate pair, deep nesting and a megabyte: none of it is ours to refuse."""
    entry: dict[str, object] = {
        "output": "a\x00b\ud800\u2028\U0001f600",
        "deep": [[[{"n": 2**60, "x": 0.1}]]],
        "long": "y" * (1 << 20),
    }
    held = claimed(database)
    append(database, held, "w", entry, bytes(range(256)))
    with database.read() as session:
        assert journal.load(session, held.task_id, "w") == [Recorded(1, entry)]
        assert journal.last_changes(session, held.task_id, ["w"]) == bytes(range(256))


def test_the_newest_snapshot_of_some_windows(database: Database) -> None:
    held, other = claimed(database, "a"), claimed(database, "b")

    def last(*windows: str) -> bytes | None:
        with database.read() as session:
            return journal.last_changes(session, held.task_id, list(windows))

    assert last("w1", "w2") is None
    append(database, held, "w1", {}, b"first")
    append(database, held, "w1", {})
    append(database, other, "w1", {}, b"another task's")
    assert last("w1", "w2") == b"first"
    append(database, held, "w2", {}, b"second")
    append(database, held, "w1", {}, b"")
    assert last("w1", "w2") == b"", "an emptied tree is a snapshot too"
    assert last("w2") == b"second"
    assert last("w3") is None
    assert last() is None


def save(database: Database, held: Claim, head: str, verdict: str, *, now: float) -> None:
    with database.write() as session:
        proofs.save(session, held, head, verdict, {"verdict": verdict, "at": now}, now=now)


def test_a_proof_for_each_commit_and_the_latest(database: Database) -> None:
    held = claimed(database)
    with database.read() as session:
        assert proofs.latest(session, held.task_id) is None
    save(database, held, "a" * 40, "unproven", now=1.0)
    save(database, held, "b" * 40, "proven", now=2.0)
    with database.read() as session:
        assert proofs.of_head(session, held.task_id, "a" * 40) == {"verdict": "unproven", "at": 1.0}
        assert proofs.of_head(session, held.task_id, "c" * 40) is None
        assert proofs.of_head(session, "nowhere", "a" * 40) is None
        assert proofs.latest(session, held.task_id) == {"verdict": "proven", "at": 2.0}


def test_proving_a_commit_again_replaces_its_proof(database: Database) -> None:
    held = claimed(database)
    save(database, held, "a" * 40, "could_not_run", now=1.0)
    save(database, held, "b" * 40, "proven", now=2.0)
    save(database, held, "a" * 40, "regressed", now=3.0)
    with database.read() as session:
        assert proofs.of_head(session, held.task_id, "a" * 40) == {"verdict": "regressed", "at": 3.0}
        assert proofs.latest(session, held.task_id) == {"verdict": "regressed", "at": 3.0}


def test_an_entry_is_progress(database: Database) -> None:
    """A task whose worker is killed again and again, but later each time, is not given up on."""
    held = claimed(database)
    assert row(database, held.task_id).claims_without_progress == 1
    with database.write() as session:
        journal.append(session, held, "1/plan#1", {}, None, now=1.0)
    assert row(database, held.task_id).claims_without_progress == 0
