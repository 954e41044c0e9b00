"""Machines are given in a fair order, never more than there are, and are free again with the claim that had them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import Database, LeaseLost, Stage, machines, tasks
from store.machines import FleetLimits, Place, Seat, line, may_have
from store.tasks import Claim
from tests.store.making import claim, claimed
from tests.store.racing import race


def seat(name: str, installation: int = 1, asked_at: float = 0.0, **others: str) -> Seat:
    return Seat(name, installation, others.get("repository", f"octo/{name}"), asked_at, others.get("node"))


# The order


def test_first_come_first_served_within_an_installation() -> None:
    order = line([seat("b", asked_at=2), seat("a", asked_at=1), seat("c", asked_at=3)], [])
    assert [one.task_id for one in order] == ["a", "b", "c"]


def test_an_installation_with_many_delays_another_by_one() -> None:
    many = [seat(f"many{n}", 1, asked_at=n) for n in range(5)]
    late = seat("late", 2, asked_at=10)
    assert [one.task_id for one in line([*many, late], [])][:3] == ["many0", "late", "many1"]
    having = [seat("has", 1, node="n")]
    assert line([*many, late], having)[0] == late, "who has one already comes after who has none"


names = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), max_size=12)


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[Seat], list[Seat], FleetLimits]:
    waiting = [seat(f"w{n}", who, float(at), repository=f"r{at % 2}") for n, (who, at) in enumerate(draw(names))]
    having = [
        seat(f"h{n}", who, float(at), repository=f"r{at % 2}", node=f"n{at % 2}")
        for n, (who, at) in enumerate(draw(names))
    ]
    limits = FleetLimits(*(draw(st.integers(0, 4)) for _ in range(4)))
    return waiting, having, limits


@given(fleets())
def test_everyone_stands_in_line_once(fleet: tuple[list[Seat], list[Seat], FleetLimits]) -> None:
    waiting, having, _ = fleet
    assert sorted(one.task_id for one in line(waiting, having)) == sorted(one.task_id for one in waiting)


@given(fleets())
def test_giving_to_all_who_may_have_never_passes_a_limit(fleet: tuple[list[Seat], list[Seat], FleetLimits]) -> None:
    waiting, having, limits = fleet
    before = len(having)
    for asking in list(waiting):
        if may_have(asking.task_id, "n0", waiting, having, limits):
            waiting.remove(asking)
            having.append(replace(asking, node="n0"))
    given_now = having[before:]
    for new in given_now:
        assert not limits.fleet or len(having) <= max(limits.fleet, before)
        for limit, of in ((limits.installation, "installation"), (limits.repository, "repository")):
            same = [one for one in having if getattr(one, of) == getattr(new, of)]
            assert not limit or len(same) <= limit
        assert not limits.node or sum(one.node == "n0" for one in having) <= limits.node


@given(fleets())
def test_a_free_machine_is_somebodys(fleet: tuple[list[Seat], list[Seat], FleetLimits]) -> None:
    """Nobody waits for nothing: with a machine free under every limit, the first in line that may have one gets it."""
    waiting, _, limits = fleet
    if waiting:
        assert any(may_have(one.task_id, "n0", waiting, [], limits) for one in waiting)


def test_one_that_its_own_limit_holds_back_holds_back_nobody() -> None:
    having = [seat("h", 1, node="n")]
    waiting = [seat("same", 1, asked_at=1), seat("other", 2, asked_at=2)]
    limits = FleetLimits(fleet=2, installation=1)
    assert not may_have("same", "n", waiting, having, limits)
    assert may_have("other", "n", waiting, having, limits)


# In the database

ONE = FleetLimits(fleet=1)


def ask(database: Database, held: Claim, *, now: float = 1.0) -> Place | None:
    with database.write() as session:
        return machines.ask(session, held, "n", ONE, now=now)


def test_the_second_waits_until_the_first_is_done(database: Database) -> None:
    first, second = claimed(database, "a"), claimed(database, "b")
    assert ask(database, first) is None
    assert ask(database, first) is None, "it has it already"
    assert ask(database, second) == Place(1, 1)
    with database.read() as session:
        assert machines.counts(session, now=1.0) == (1, 1)
    with database.write() as session:
        machines.give_back(session, first.task_id)
    assert ask(database, second) is None


def test_a_dead_workers_machine_is_free_with_its_lease_and_its_task_keeps_its_place(database: Database) -> None:
    dead, other = claimed(database, "a"), claimed(database, "b")
    assert ask(database, dead, now=1.0) is None
    assert ask(database, other, now=2.0) == Place(1, 1)
    again = claim(database, dead.task_id, "worker-2", now=100.0)
    with database.write() as session:
        tasks.renew(session, other, now=100.0, lease_s=60)
    assert ask(database, other, now=100.0) == Place(2, 2), "who asked first is first"
    assert ask(database, again, now=100.0) is None


def test_a_lost_claim_gets_none(database: Database) -> None:
    old = claimed(database, "a")
    claim(database, old.task_id, "worker-2", now=100.0)
    with pytest.raises(LeaseLost):
        ask(database, old, now=100.0)


def test_ended_tasks_stand_in_no_line(database: Database) -> None:
    ended, other = claimed(database, "a"), claimed(database, "b")
    assert ask(database, other) is None
    assert ask(database, ended) == Place(1, 1)
    with database.write() as session:
        tasks.advance(session, ended, Stage.CANCELLED, now=2.0)
        tasks.finish(session, ended, now=2.0)
    with database.read() as session:
        assert machines.counts(session, now=2.0) == (1, 0)


def test_many_at_once_get_no_more_than_there_are(database: Database) -> None:
    held = [claimed(database, f"s{n}") for n in range(8)]
    limits = FleetLimits(fleet=3)
    places = race(database, lambda session, n: machines.ask(session, held[n], "n", limits, now=1.0))
    assert places.count(None) == 3
