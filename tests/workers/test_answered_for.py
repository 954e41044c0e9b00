"""Whose boxes a reaper must leave alone."""

import time
from pathlib import Path

import pytest

from store import Stage, pools, tasks
from tests.cli.ground import SUMS, make_repository
from tests.workers.bench import Bench
from workers import sweeper
from workers.sweeper import AnsweredFor

KEPT = AnsweredFor([("0a1b", 7)], ["0a1b-attempt-6", "warm-docker-ff-3"], ["warm-docker-aa-"])


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("0a1b-attempt-7", True),
        ("0a1b-head-again-7", True),
        ("0a1b-setup-7", True),
        ("0a1b-attempt-6", True),  # the box its last worker had
        ("0a1b-base-6", False),
        ("0a1b-attempt-17", False),
        ("0a1c-attempt-7", False),
        ("warm-docker-aa-123", True),
        ("warm-docker-ab-123", False),
        ("warm-docker-ff-3", True),
        ("0a1b", False),
        ("", False),
    ],
)
def test_names(name: str, answered: bool) -> None:
    assert (name in KEPT) is answered


def test_with_nobody_nothing_is_answered_for() -> None:
    assert "warm-docker-aa-1" not in AnsweredFor([], [], [])


def test_the_database_says_who_lives(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    context = bench.prepared(make_repository(tmp_path / "sums", SUMS))
    warmth = pools.Warmth(1, 2, 3, 4)
    with bench.database.write() as session:
        pools.tell(session, "warm-a-", "docker", warmth, now=time.time(), lease_s=60)
        pools.tell(session, "warm-b-", "docker", warmth, now=time.time() - 100, lease_s=60)
        pools.tell(session, "warm-c-", "docker", warmth, now=time.time() - 7200, lease_s=60)
        pools.tell(session, "warm-a-", "docker", warmth, now=time.time(), lease_s=60)
        assert pools.counts(session, now=time.time()) == {"docker": warmth}
    context.remember(box={"name": "warm-b-9", "rev": "", "windows": []})
    found = sweeper.answered_for(bench.workshop)
    fence = context.held.fence
    expected = {f"{context.id}-base-{fence}": True, "warm-a-1": True, "warm-b-9": True, "warm-b-1": False}
    assert {name: name in found for name in expected} == expected
    with bench.database.write() as session:
        tasks.advance(session, context.held, Stage.CANCELLED, now=time.time(), reason="stopped")
        tasks.finish(session, context.held, now=time.time())
        pools.drop(session, "warm-a-")
    found = sweeper.answered_for(bench.workshop)
    assert not any(name in found for name in expected)
    bench.database.close()
