"""Money, tokens, model calls and time: set aside before, settled after, never over the limit."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from store import Claim, Database, LeaseLost, Limits, budgets, tasks
from store.budgets import BudgetExhausted, Spending
from tests.store.making import claim, claimed
from tests.store.racing import THREADS, race

LIMITS = Limits(usd_nanos=1_000, tokens=100, steps=4, seconds=50.0)


def reserve(
    database: Database, held: Claim, key: str, usd_nanos: int = 0, tokens: int = 0, *, worked_s: float = 0.0
) -> None:
    with database.write() as session:
        budgets.reserve(session, held, key, usd_nanos=usd_nanos, tokens=tokens, worked_s=worked_s, now=1.0)


def settle(database: Database, held: Claim, key: str, usd_nanos: int = 0, tokens: int = 0) -> None:
    with database.write() as session:
        budgets.settle(session, held.task_id, key, usd_nanos=usd_nanos, tokens=tokens)


def spent(database: Database, held: Claim) -> Spending:
    with database.read() as session:
        return budgets.spending(session, held.task_id)


def test_a_reservation_counts_until_it_is_settled(database: Database) -> None:
    held = claimed(database, limits=LIMITS)
    assert spent(database, held) == Spending(0, 0, 0)
    reserve(database, held, "w/1", 600, 60)
    assert spent(database, held) == Spending(600, 60, 1)
    settle(database, held, "w/1", 200, 20)
    assert spent(database, held) == Spending(200, 20, 1)
    reserve(database, held, "w/2", 800, 80)
    assert spent(database, held) == Spending(1000, 100, 2)


@pytest.mark.parametrize(
    ("usd_nanos", "tokens", "worked_s", "limit", "words"),
    [
        (701, 0, 0.0, "money", r"money budget is used up: \$0.0000 and the next call may cost \$0.0000 of \$0.0000"),
        (0, 71, 0.0, "token", "token budget is used up: 30 and the next call may take 71 of 100"),
        (0, 0, 50.5, "time", r"time budget is used up: 5\d s of 50 s"),
    ],
)
def test_each_limit_is_named_and_its_last_unit_is_usable(
    database: Database, usd_nanos: int, tokens: int, worked_s: float, limit: str, words: str
) -> None:
    held = claimed(database, limits=LIMITS)
    reserve(database, held, "w/1", 300, 30)
    with pytest.raises(BudgetExhausted, match=words) as refused:
        reserve(database, held, "w/2", usd_nanos, tokens, worked_s=worked_s)
    assert refused.value.limit == limit
    assert spent(database, held) == Spending(300, 30, 1), "what is refused is not set aside"
    reserve(database, held, "w/2", min(usd_nanos, 700), min(tokens, 70), worked_s=min(worked_s, 50.0))


def test_the_number_of_model_calls_is_limited(database: Database) -> None:
    held = claimed(database, limits=LIMITS)
    for step in range(4):
        reserve(database, held, f"w/{step}")
    with pytest.raises(BudgetExhausted, match="step budget is used up: 4 model calls of 4") as refused:
        reserve(database, held, "w/4")
    assert refused.value.limit == "step"
    reserve(database, held, "w/3")


def test_time_counts_heartbeats_and_what_came_after_the_last(database: Database) -> None:
    held = claimed(database, limits=LIMITS)
    with database.write() as session:
        tasks.renew(session, held, now=40.0, lease_s=60, worked_s=40.0)
    reserve(database, held, "w/1", worked_s=10.0)
    with pytest.raises(BudgetExhausted, match="time"):
        reserve(database, held, "w/2", worked_s=10.5)


def test_a_reservation_made_again_replaces_the_first(database: Database) -> None:
    """Its worker died in the call; the same call is made again by whoever took over."""
    first = claimed(database, limits=LIMITS)
    reserve(database, first, "w/1", 900, 90)
    second = claim(database, first.task_id, "worker-2", now=60.0)
    reserve(database, second, "w/1", 1000, 100)
    assert spent(database, second) == Spending(1000, 100, 1)
    reserve(database, second, "w/1", 10, 1)
    assert spent(database, second) == Spending(10, 1, 1)


def test_a_call_that_was_paid_for_stays_counted_when_it_is_made_again(database: Database) -> None:
    """Killed between settling and writing the reply down: the call is repeated under its key, and paid twice."""
    held = claimed(database, limits=LIMITS)
    reserve(database, held, "w/1", 600, 60)
    settle(database, held, "w/1", 500, 50)
    with pytest.raises(BudgetExhausted, match="money"):
        reserve(database, held, "w/1", 501, 50)
    reserve(database, held, "w/1", 400, 40)
    assert spent(database, held) == Spending(900, 90, 2)
    settle(database, held, "w/1", 300, 30)
    assert spent(database, held) == Spending(800, 80, 2)


def test_two_workers_that_made_the_same_call_both_spent_its_money(database: Database) -> None:
    first = claimed(database, limits=LIMITS)
    reserve(database, first, "w/1", 400, 40)
    second = claim(database, first.task_id, "worker-2", now=60.0)
    reserve(database, second, "w/1", 400, 40)
    settle(database, first, "w/1", 300, 30)
    settle(database, second, "w/1", 200, 20)
    assert spent(database, second) == Spending(500, 50, 2)


def test_threads_that_settle_one_call_at_once_all_count(database: Database) -> None:
    held = claimed(database, limits=LIMITS)
    reserve(database, held, "w/1", 400, 40)
    race(database, lambda session, _: budgets.settle(session, held.task_id, "w/1", usd_nanos=10, tokens=1))
    assert spent(database, held) == Spending(10 * THREADS, THREADS, THREADS)


def test_settling_needs_no_lease_but_a_reservation(database: Database) -> None:
    held = claimed(database, limits=LIMITS)
    reserve(database, held, "w/1", 5, 5)
    claim(database, held.task_id, "worker-2", now=60.0)
    settle(database, held, "w/1", 2_000, 200)
    assert spent(database, held) == Spending(2_000, 200, 1)
    with pytest.raises(LookupError, match="no reservation w/2"):
        settle(database, held, "w/2", 1, 1)


def test_a_call_that_came_to_more_than_reserved_stops_the_next(database: Database) -> None:
    held = claimed(database, limits=LIMITS)
    reserve(database, held, "w/1", 5, 5)
    settle(database, held, "w/1", 1_001, 5)
    with pytest.raises(BudgetExhausted, match="money"):
        reserve(database, held, "w/2", 0, 0)


def test_tasks_have_budgets_of_their_own(database: Database) -> None:
    one, other = claimed(database, "a", limits=LIMITS), claimed(database, "b", limits=LIMITS)
    reserve(database, one, "w/1", 1_000, 100)
    reserve(database, other, "w/1", 1_000, 100)
    assert spent(database, one) == spent(database, other) == Spending(1_000, 100, 1)


def test_threads_that_reserve_at_once_stay_within_the_limit(database: Database) -> None:
    held = claimed(database, limits=Limits(usd_nanos=1_000, tokens=10**6, steps=10**6, seconds=1e6))

    def reserve_300(session: Session, number: int) -> bool:
        try:
            budgets.reserve(session, held, f"w/{number}", usd_nanos=300, tokens=1, worked_s=0.0, now=1.0)
        except BudgetExhausted:
            return False
        return True

    outcomes = race(database, reserve_300)
    assert (outcomes.count(True), outcomes.count(False)) == (3, THREADS - 3)
    assert spent(database, held).usd_nanos == 900


@pytest.mark.parametrize(
    ("nanos", "words"),
    [(0, "$0.00"), (10_000_000, "$0.01"), (2_500_000_000, "$2.50"), (1_234_567_890, "$1.2346"), (1, "$0.0000")],
)
def test_money_in_words(nanos: int, words: str) -> None:
    assert budgets.dollars(nanos) == words


@dataclass
class Books:
    """What the ledger must come to, kept the plain way: every paid call, and the open reservation of each key."""

    paid: list[tuple[int, int]] = field(default_factory=list)
    open: dict[str, tuple[int, int]] = field(default_factory=dict)

    def total(self, *, but: str = "") -> Spending:
        amounts = [*self.paid, *(amount for key, amount in self.open.items() if key != but)]
        return Spending(sum(usd for usd, _ in amounts), sum(tokens for _, tokens in amounts), len(amounts))


amounts = st.tuples(st.integers(0, 500), st.integers(0, 50))
acts = st.lists(st.tuples(st.sampled_from(["reserve", "settle"]), st.sampled_from("abc"), amounts), max_size=25)


def test_never_over_a_limit_whatever_the_sequence(database: Database) -> None:
    """As long as no call comes to more than was set aside for it."""
    subjects = iter(range(10**6))

    @settings(max_examples=40, deadline=None)
    @given(acts)
    def any_sequence(sequence: list[tuple[str, str, tuple[int, int]]]) -> None:
        held, books = claimed(database, f"s{next(subjects)}", limits=LIMITS), Books()
        with database.write() as session:
            for act, key, (usd, tokens) in sequence:
                if act == "reserve":
                    before = books.total(but=key)
                    fits = (
                        before.usd_nanos + usd <= LIMITS.usd_nanos
                        and before.tokens + tokens <= LIMITS.tokens
                        and before.steps < LIMITS.steps
                    )
                    try:
                        budgets.reserve(session, held, key, usd_nanos=usd, tokens=tokens, worked_s=0, now=1.0)
                    except BudgetExhausted:
                        assert not fits
                    else:
                        assert fits
                        books.open[key] = (usd, tokens)
                elif key in books.open:
                    reserved_usd, reserved_tokens = books.open.pop(key)
                    came_to = min(usd, reserved_usd), min(tokens, reserved_tokens)
                    budgets.settle(session, held.task_id, key, usd_nanos=came_to[0], tokens=came_to[1])
                    books.paid.append(came_to)
                used = budgets.spending(session, held.task_id)
                assert used == books.total()
                assert used.usd_nanos <= LIMITS.usd_nanos
                assert used.tokens <= LIMITS.tokens
                assert used.steps <= LIMITS.steps

    any_sequence()


def test_a_lost_lease_reserves_nothing(database: Database) -> None:
    held = claimed(database, limits=LIMITS)
    claim(database, held.task_id, "worker-2", now=60.0)
    with pytest.raises(LeaseLost):
        reserve(database, held, "w/1", 1, 1)
    assert spent(database, held) == Spending(0, 0, 0)
