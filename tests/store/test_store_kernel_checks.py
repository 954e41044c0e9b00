"""Looks and checks of kernels: each asked for once, taken by one worker at a time, rung for until somebody came."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import Database, LeaseLost, kernel_checks, kernel_looks, leasing
from store.kernel_checks import NewCheck, NotNow
from store.kernel_looks import NewLook
from store.leasing import Held
from store.schema import KernelCheck, KernelLook
from tests.store.racing import race

HEAD = NewLook("github:9:17:abc", 5, 9, "octo/spoon", 17)
ASKED = replace(HEAD, key="github:9:comment:3", asked={"by": "mona", "names": ["softmax"], "comment_id": 3})
SOFTMAX = NewCheck("softmax", "abc", "base", "d1", {"candidate": "s.py"}, "cpu", None, 0.0)


def want(database: Database, new: NewLook = HEAD, *, now: float = 0.0) -> bool:
    with database.write() as session:
        return kernel_looks.want_look(session, new, now=now)


def look(database: Database, new: NewLook = HEAD, *, now: float = 0.0) -> Held:
    """The look, wanted and taken until 60 seconds later."""
    assert want(database, new, now=now)
    with database.write() as session:
        (due,) = kernel_looks.due_looks(session, now=now)
        held = leasing.take(session, KernelLook, due, "w1", now=now, lease_s=60)
    assert held is not None
    return held


def end(database: Database, held: Held, *, now: float = 0.0) -> None:
    with database.write() as session:
        if held.table is KernelLook:
            kernel_looks.end_look(session, held, "seen", now=now)
        else:
            leasing.finish(session, held, now=now)


def check(
    database: Database, held: Held, new: NewCheck = SOFTMAX, *, again: bool = False, now: float = 0.0
) -> KernelCheck:
    with database.write() as session:
        row = kernel_checks.want_check(session, held, new, again=again, now=now)
        session.expunge(row)
        return row


def claim(database: Database, check_id: str, owner: str = "w1", *, now: float = 0.0, gpu: bool = False) -> Held | None:
    with database.write() as session:
        return kernel_checks.claim(session, check_id, owner, now=now, lease_s=60, gpu=gpu)


def claimed(database: Database, check_id: str, **given: Any) -> Held:
    held = claim(database, check_id, **given)
    assert held is not None
    return held


def row(database: Database, held: Held) -> Any:
    with database.read() as session:
        found = session.get_one(held.table, held.id)
        session.expunge(found)
        return found


def due(database: Database, *, now: float, ring_again_after: float = 5.0) -> list[str]:
    with database.read() as session:
        return kernel_checks.due(session, now=now, ring_again_after=ring_again_after)


# Looks


def test_a_head_is_looked_at_once_until_it_is_seen_and_again_when_it_comes_again(database: Database) -> None:
    assert want(database)
    assert not want(database), "a redelivery while it waits"
    held = look_taken(database)
    end(database, held)
    assert row(database, held).outcome == "seen"
    assert want(database, now=9), "reopened: its base may have moved"
    with database.read() as session:
        assert kernel_looks.due_looks(session, now=9) == [held.id]


def look_taken(database: Database) -> Held:
    with database.write() as session:
        (waiting,) = kernel_looks.due_looks(session, now=0)
        held = leasing.take(session, KernelLook, waiting, "w1", now=0, lease_s=60)
    assert held is not None
    return held


def test_what_is_wanted_while_somebody_looks_is_looked_at_again(database: Database) -> None:
    """It may have been delivered after its base was read: retargeted, say."""
    held = look(database)
    assert want(database, now=3)
    end(database, held, now=5)
    after = row(database, held)
    assert (after.outcome, after.finished_at, after.wake_at, after.rung_at) == ("seen", None, 5, None)
    assert not want(database, now=6), "it waits"


def test_a_button_pressed_again_counts_where_the_first_time_made_no_round(database: Database) -> None:
    pressed = replace(HEAD, key="github:9:run:44", asked={"by": "mona", "names": ["softmax"], "comment_id": None})
    held = look(database, pressed)
    assert not want(database, pressed)
    end(database, held)
    assert want(database, pressed, now=5), "the pull request was closed, say"
    with database.write() as session:
        again = leasing.take(session, KernelLook, held.id, "w1", now=5, lease_s=60)
    assert again is not None
    check(database, again, again=True, now=5)
    end(database, again, now=6)
    assert not want(database, pressed, now=7)


def test_which_pull_request_came_to_a_head(database: Database) -> None:
    look(database)
    with database.read() as session:
        assert kernel_looks.looked_at(session, 9, "abc") == 17
        assert kernel_looks.looked_at(session, 9, "bc") is None
        assert kernel_looks.looked_at(session, 8, "abc") is None


def test_what_somebody_asked_for_is_looked_at_once_for_ever(database: Database) -> None:
    held = look(database, ASKED)
    assert row(database, held).asked == ASKED.asked
    assert not want(database, ASKED)
    end(database, held)
    assert not want(database, ASKED)


def test_a_look_that_cannot_be_stored_is_no_second_one(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        kernel_looks.want_look(session, replace(HEAD, repository=None), now=0)  # type: ignore[arg-type]  # on purpose


def test_a_taken_look_is_due_again_when_its_lease_has_ended(database: Database) -> None:
    held = look(database)
    with database.write() as session:
        assert kernel_looks.due_looks(session, now=59) == []
        assert kernel_looks.due_looks(session, now=61) == [held.id]
        taken = leasing.take(session, KernelLook, held.id, "w2", now=61, lease_s=60)
    assert taken is not None
    assert taken.fence == held.fence + 1
    with pytest.raises(LeaseLost), database.write() as session:
        kernel_looks.end_look(session, held, "late", now=62)
    assert row(database, held).outcome is None


# Checks


def test_one_check_for_a_commit_a_kernel_and_a_task(database: Database) -> None:
    held = look(database)
    first = check(database, held)
    assert (first.round, first.wake_at, first.repository, first.number) == (1, 0.0, "octo/spoon", 17)
    assert check(database, held).id == first.id
    others = [replace(SOFTMAX, kernel="gelu"), replace(SOFTMAX, head_sha="def"), replace(SOFTMAX, digest="d2")]
    assert len({check(database, held, one).id for one in others} | {first.id}) == 4
    with database.read() as session:
        assert [one.kernel for one in kernel_checks.on_head(session, 9, "abc")] == ["gelu", "softmax", "softmax"]
        assert kernel_checks.on_head(session, 8, "abc") == []
        assert kernel_checks.of_check_run(session, 9, first.id) is not None
        assert kernel_checks.of_check_run(session, 8, first.id) is None, "of another repository"


def test_another_look_at_the_same_goes_another_round_only_when_it_is_asked_to(database: Database) -> None:
    head = look(database)
    made = check(database, head)
    held = claimed(database, made.id)
    with database.write() as session:
        kernel_checks.record(session, held, verdict="faster", conclusion="success", document={"a": 1}, chart="<svg/>")
        kernel_checks.note_check_run(session, made.id, 1, 44, "https://x/44")
    asked = look(database, ASKED)
    assert check(database, asked, again=True).round == 1, "it is at it"
    end(database, held, now=5)
    assert check(database, head).finished_at == 5
    again = check(database, asked, again=True, now=7)
    assert (again.round, again.asked_at, again.wake_at, again.finished_at) == (2, 7, 0.0, None)
    assert (again.verdict, again.document, again.chart) == (None, None, None)
    held = claimed(database, made.id, now=8)
    with database.write() as session:
        kernel_checks.record(session, held, verdict="faster")
    end(database, held, now=9)
    assert check(database, asked, again=True, now=10).round == 2, "one look, one round, though it be looked twice"


@pytest.mark.parametrize(
    "other",
    [
        replace(SOFTMAX, unread="The entry softmax is not in the base branch's settings."),
        replace(SOFTMAX, entry=SOFTMAX.entry | {"claims": "faster"}),
        replace(SOFTMAX, entry={"candidate": "other.py"}),
    ],
)
def test_what_the_base_judges_by_something_else_goes_another_round(database: Database, other: NewCheck) -> None:
    head = look(database)
    made = check(database, head)
    held = claimed(database, made.id)
    with database.write() as session:
        kernel_checks.record(session, held, verdict="faster", conclusion="success", document={"a": 1}, chart="<svg/>")
    with pytest.raises(NotNow):
        check(database, head, other)
    end(database, held, now=5)
    assert check(database, head, now=6).round == 1, "the same, it stands"
    after = check(database, head, other, now=7)
    assert (after.id, after.round, after.verdict, after.finished_at) == (made.id, 2, None, None)
    assert (after.unread, after.entry) == (other.unread, other.entry)
    assert check(database, head, replace(SOFTMAX, reference_sha="later"), now=8).round == 2, "it is under way"


def test_what_is_verified_by_what_counts_no_longer_is_taken_from_its_worker(database: Database) -> None:
    head = look(database)
    made = check(database, head)
    with database.write() as session:
        kernel_checks.note_check_run(session, made.id, 1, 44, "https://x/44")
    held = claimed(database, made.id)
    after = check(database, head, replace(SOFTMAX, unread="It is new."), now=1)
    assert (after.round, after.unread, after.claims) == (1, "It is new.", 0)
    with pytest.raises(LeaseLost), database.write() as session:
        kernel_checks.record(session, held, verdict="faster")
    assert claim(database, made.id, "w2", now=1) is not None


def test_a_branch_that_is_not_the_default_one_has_checks_of_its_own(database: Database) -> None:
    held = look(database)
    onto_main = check(database, held)
    onto_release = check(database, held, replace(SOFTMAX, entry=SOFTMAX.entry | {"base": "release"}))
    assert onto_main.id != onto_release.id
    assert check(database, held).entry == SOFTMAX.entry


def test_what_ended_without_a_verdict_goes_another_round(database: Database) -> None:
    head = look(database)
    end(database, claimed(database, check(database, head).id))
    assert check(database, head, now=5).round == 2


def test_one_at_a_time_opens_a_check_run(database: Database) -> None:
    head = look(database)
    made = check(database, head)

    def take(owner: str, now: float) -> Held | None:
        with database.write() as session:
            row = session.get_one(KernelCheck, made.id)
            return kernel_checks.take_to_open(session, row, owner, now=now, lease_s=60)

    held = take("w1", 0)
    assert held is not None
    with pytest.raises(NotNow):
        take("w2", 1)
    assert claim(database, made.id, "w3", now=1) is None, "nor does a worker, which would open another"
    with pytest.raises(NotNow):
        check(database, head, replace(SOFTMAX, unread="It is new."), now=1)
    assert due(database, now=1) == []
    with database.write() as session:
        kernel_checks.note_check_run(session, made.id, 1, 44, "https://x/44")
        leasing.put_down(session, held, now=2)
    assert take("w2", 3) is None, "it is open"
    after = row(database, held)
    assert (after.lease_until, after.claims, after.rung_at) == (None, 0, 2)


def test_a_check_is_opened_only_by_who_has_the_look(database: Database) -> None:
    held = look(database)
    with pytest.raises(LeaseLost):
        check(database, replace(held, fence=held.fence + 1))
    with database.read() as session:
        assert kernel_checks.on_head(session, 9, "abc") == []


def test_who_lost_the_lease_writes_nothing(database: Database) -> None:
    made = check(database, look(database))
    late = claimed(database, made.id)
    assert claim(database, made.id, "w2", now=59) is None
    held = claimed(database, made.id, owner="w2", now=61)
    writes = [
        lambda session: kernel_checks.record(session, late, verdict="faster"),
        lambda session: leasing.give_back(session, late, wake_at=0),
        lambda session: leasing.finish(session, late, now=61),
        lambda session: leasing.renew(session, late, now=61, lease_s=60),
    ]
    for write in writes:
        with pytest.raises(LeaseLost), database.write() as session:
            write(session)
    after = row(database, held)
    assert (after.verdict, after.lease_owner, after.claims) == (None, "w2", 2)
    with database.write() as session:
        leasing.give_back(session, held, wake_at=99, troubles=3)
    after = row(database, held)
    assert (after.lease_until, after.wake_at, after.claims, after.troubles) == (None, 99, 1, 3)


def test_a_renewed_lease_lasts(database: Database) -> None:
    made = check(database, look(database))
    held = claimed(database, made.id)
    with database.write() as session:
        leasing.renew(session, held, now=50, lease_s=60)
    assert claim(database, made.id, "w2", now=100) is None
    assert claim(database, made.id, "w2", now=111) is not None


def test_only_what_a_worker_finds_is_its_to_change(database: Database) -> None:
    held = claimed(database, check(database, look(database)).id)
    with pytest.raises(ValueError, match="head_sha is not"), database.write() as session:
        kernel_checks.record(session, held, head_sha="other")


def test_a_check_run_of_an_earlier_round_is_not_the_present_one(database: Database) -> None:
    head, asked = look(database), ASKED
    made = check(database, head)
    end(database, claimed(database, made.id))
    check(database, look(database, asked), again=True)
    with database.write() as session:
        kernel_checks.note_check_run(session, made.id, 1, 44, "https://x/44")
    with database.read() as session:
        found = kernel_checks.get(session, made.id)
        assert found is not None
        assert found.check_run is None


# The doorbell


def test_what_waits_is_rung_for_again_and_again_until_it_is_taken(database: Database) -> None:
    made = check(database, look(database))
    assert due(database, now=1) == [made.id]
    with database.write() as session:
        kernel_checks.rung(session, [made.id], now=1)
    assert due(database, now=2) == []
    assert due(database, now=6) == [made.id]
    held = claimed(database, made.id, now=6)
    assert due(database, now=30) == []
    assert due(database, now=67) == [made.id], "the worker was lost"
    end(database, held)
    assert due(database, now=1e9) == []


def test_what_is_for_a_gpu_is_for_workers_with_one_until_its_time(database: Database) -> None:
    made = check(database, look(database), replace(SOFTMAX, device="cuda", wake_at=1800))
    assert due(database, now=1) == [made.id]
    with database.write() as session:
        kernel_checks.rung(session, [made.id], now=1)
    assert due(database, now=10) == []
    assert due(database, now=32) == [made.id], "one with a GPU may have come"
    assert claim(database, made.id, now=32) is None
    held = claimed(database, made.id, now=32, gpu=True)
    with database.write() as session:
        leasing.give_back(session, held, wake_at=1800)
    assert claim(database, made.id, now=1801) is not None, "its time has come"


def test_what_was_given_back_waits_for_its_time_wherever_a_gpu_is(database: Database) -> None:
    made = check(database, look(database), replace(SOFTMAX, device="cuda"))
    held = claimed(database, made.id, gpu=True)
    with database.write() as session:
        leasing.give_back(session, held, wake_at=3600, troubles=1)
    assert due(database, now=100) == []
    assert claim(database, made.id, now=100, gpu=True) is None
    assert due(database, now=3600) == [made.id]
    assert claim(database, made.id, now=3600, gpu=True) is not None


def test_a_worker_with_a_gpu_takes_what_is_for_the_cpu_when_it_is_due(database: Database) -> None:
    made = check(database, look(database), replace(SOFTMAX, wake_at=100))
    assert claim(database, made.id, now=50, gpu=True) is None
    assert claim(database, made.id, now=100, gpu=True) is not None


def test_what_ended_is_taken_by_nobody(database: Database) -> None:
    made = check(database, look(database), replace(SOFTMAX, device="cuda"))
    end(database, claimed(database, made.id))
    assert claim(database, made.id, now=1e6, gpu=True) is None


def forgotten(database: Database, *, since: float, now: float) -> list[str]:
    with database.read() as session:
        return kernel_checks.forgotten(session, since=since, now=now)


def test_what_nobody_ever_took(database: Database) -> None:
    made = check(database, look(database), replace(SOFTMAX, wake_at=10))
    assert forgotten(database, since=10, now=99) == []
    assert forgotten(database, since=11, now=99) == [made.id]
    another = claimed(database, check(database, look(database, ASKED), replace(SOFTMAX, kernel="gelu")).id)
    assert forgotten(database, since=11, now=9) == [], "a worker is at another"
    with database.write() as session:
        kernel_checks.record(session, another, verdict="faster")
    end(database, another, now=50)
    assert forgotten(database, since=49, now=99) == [], "it was at another since"
    assert forgotten(database, since=51, now=99) == [made.id]


def test_a_verdict_for_want_of_a_worker_is_no_sign_of_one(database: Database) -> None:
    made = check(database, look(database))
    another = claimed(database, check(database, look(database, ASKED), replace(SOFTMAX, kernel="gelu")).id)
    with database.write() as session:
        kernel_checks.record(session, another, verdict="infra_error")
    end(database, another, now=50)
    assert forgotten(database, since=49, now=99) == [made.id]


def test_what_the_last_worker_left_behind_is_forgotten_too(database: Database) -> None:
    given_back = check(database, look(database)).id
    lost = check(database, look(database, ASKED), replace(SOFTMAX, kernel="gelu")).id
    with database.write() as session:
        held = kernel_checks.claim(session, given_back, "w1", now=10, lease_s=60, gpu=False)
        assert held is not None
        leasing.give_back(session, held, wake_at=20)
    claimed(database, lost, now=10)
    assert forgotten(database, since=20, now=99) == []
    assert forgotten(database, since=21, now=99) == [given_back]
    assert set(forgotten(database, since=71, now=99)) == {given_back, lost}, "its lease ended at 70"


def test_a_verdict_that_nobody_told_is_found(database: Database) -> None:
    made = check(database, look(database))

    def untold(now: float) -> list[str]:
        with database.read() as session:
            return kernel_checks.untold(session, now=now)

    held = claimed(database, made.id)
    assert untold(1e6) == [], "it has no verdict"
    with database.write() as session:
        kernel_checks.record(session, held, verdict="faster")
    assert untold(59) == [], "it is being told"
    assert untold(61) == [made.id]
    end(database, held)
    assert untold(1e6) == []


def test_of_many_workers_one_takes_a_check(database: Database) -> None:
    made = check(database, look(database))

    def take(session: Session, number: int) -> Held | None:
        return kernel_checks.claim(session, made.id, f"w{number}", now=0, lease_s=60, gpu=False)

    taken = race(database, take)
    assert sum(one is not None for one in taken) == 1


def test_of_many_looks_at_the_same_one_makes_the_check(database: Database) -> None:
    looks = [look(database, replace(ASKED, key=f"github:9:comment:{number}")) for number in range(4)]

    def open_it(session: Session, number: int) -> str:
        return kernel_checks.want_check(session, looks[number], SOFTMAX, again=False, now=0).id

    assert len(set(race(database, open_it, threads=4))) == 1


def test_of_many_deliveries_one_wants_a_look(database: Database) -> None:
    assert sum(race(database, lambda session, _: kernel_looks.want_look(session, HEAD, now=0))) == 1
