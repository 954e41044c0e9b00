"""The poller: what GitHub could not hand over is asked for again, as the same delivery, and not for ever."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from demo.github import Twin
from forges.github import GitHubApp
from store import Database, duties
from store.schema import Delivery
from tests.forges.receiver import Receiver
from tests.forges.stage import Place
from tests.workers.counter import Counter
from workers.poller import MARK, OVERLAP, REDELIVERIES_AT_MOST, Poller

ATTEMPTS = r"/app/hook/deliveries/\d+/attempts$"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A twin of the test's own: its delivery log is empty."""
    with Receiver() as receiver, Twin(tmp_path / "repositories") as twin:
        stage = twin.furnish(hook_url=receiver.url)
        twin.controls().ci(False)
        app = GitHubApp(stage.url, stage.app_id, stage.private_key, write_spacing_s=0.0)
        installation = app.installation(stage.installation_id)
        bot = installation.bot_user(stage.app_slug)
        yield Place(twin, stage, app, installation.repository(stage.repository), bot.id, receiver, tmp_path)


@pytest.fixture
def poller(counter: Counter) -> Poller:
    return Poller(counter.workshop, counter.app)


def received(counter: Counter) -> list[str]:
    """The deliveries that came, oldest first, put into the inbox under their own ids as the web service does."""
    assert counter.place.twin.postman.wait_idle(10)
    bodies = counter.place.receiver.bodies[counter.seen :]
    counter.seen += len(bodies)
    came = []
    with counter.database.write() as session:
        for headers, body in bodies:
            came.append(identity := headers["x-github-delivery"])
            if session.scalar(select(Delivery).where(Delivery.delivery_id == identity)) is None:
                session.add(
                    Delivery(
                        source="github",
                        app_id=str(counter.place.stage.app_id),
                        delivery_id=identity,
                        event=headers["x-github-event"],
                        content_type=headers["content-type"],
                        body=body,
                        received_at=counter.workshop.clock(),
                    )
                )
                session.flush()
    return came


def logged(counter: Counter) -> set[str]:
    """The ids in GitHub's own log."""
    assert counter.place.twin.postman.wait_idle(10)
    return {one["guid"] for one in counter.place.controls.deliveries()}


def mark_of(database: Database) -> str | None:
    with database.read() as session:
        return duties.mark(session, MARK)


def lose_an_assignment(counter: Counter) -> set[str]:
    counter.place.controls.knobs(lose=1.0)
    counter.assign(counter.place.stage.issue)
    lost = logged(counter)
    assert lost
    assert received(counter) == []
    return lost


def test_nothing_is_asked_for_when_all_is_here(counter: Counter, poller: Poller) -> None:
    counter.assign(counter.place.stage.issue)
    assert received(counter)
    assert poller.turn() == 0
    assert mark_of(counter.database) is not None
    assert received(counter) == []


def test_what_was_lost_comes_under_the_same_id_and_starts_the_task(counter: Counter, poller: Poller) -> None:
    lost = lose_an_assignment(counter)
    counter.place.controls.knobs()
    assert poller.turn() == len(lost)
    came = received(counter)
    assert sorted(came) == sorted(lost)
    counter.relay.turn()
    assert counter.task.number == counter.place.stage.issue
    assert poller.turn() == 0
    assert received(counter) == []


def test_an_answer_of_200_before_a_lost_write_is_no_delivery(counter: Counter, poller: Poller) -> None:
    """The inbox is what counts: GitHub holds this delivery for made."""
    counter.assign(counter.place.stage.issue)
    assert counter.take_in()
    lost = logged(counter)
    assert poller.turn() == len(lost)
    assert set(received(counter)) == lost
    assert poller.turn() == 0


def test_the_mark_does_not_pass_what_is_missing(counter: Counter, poller: Poller) -> None:
    assert poller.turn() == 0
    before = mark_of(counter.database)
    lost = lose_an_assignment(counter)
    counter.ahead = 3600
    assert poller.turn() == len(lost)
    assert mark_of(counter.database) == before
    counter.place.controls.knobs()
    assert poller.turn() == len(lost)
    assert set(received(counter)) == lost
    assert poller.turn() == 0
    passed = datetime.fromisoformat(mark_of(counter.database) or "")
    now = datetime.fromtimestamp(counter.workshop.clock(), UTC)
    assert now - OVERLAP - timedelta(seconds=30) < passed <= now - OVERLAP


def test_it_is_given_up_after_five_times(counter: Counter, poller: Poller) -> None:
    lost = lose_an_assignment(counter)
    assert [poller.turn() for _ in range(REDELIVERIES_AT_MOST + 1)] == [len(lost)] * REDELIVERIES_AT_MOST + [0]
    assert mark_of(counter.database) is not None, "the mark moves on: what is given up must not hold it for ever"
    tries = [one for one in counter.place.controls.journal() if one["path"].endswith("/attempts")]
    assert len(tries) == REDELIVERIES_AT_MOST * len(lost)


def test_a_log_that_cannot_be_read_moves_no_mark(counter: Counter, poller: Poller) -> None:
    lost = lose_an_assignment(counter)
    counter.place.controls.knobs()
    counter.place.controls.fault("bad_gateway", "GET", "/app/hook/deliveries", count=100)
    assert poller.turn() == 0
    assert mark_of(counter.database) is None
    counter.place.controls.clear_faults()
    assert poller.turn() == len(lost)
    assert set(received(counter)) == lost


def test_a_refused_request_costs_no_try(counter: Counter, poller: Poller) -> None:
    """An outage of the request for redelivery must not use up the five that each delivery has."""
    lost = lose_an_assignment(counter)
    counter.place.controls.knobs()
    counter.place.controls.fault("bad_gateway", "POST", ATTEMPTS, count=1000)
    for _ in range(REDELIVERIES_AT_MOST + 1):
        poller.turn()
    assert mark_of(counter.database) is None
    counter.place.controls.clear_faults()
    assert poller.turn() == len(lost)
    assert set(received(counter)) == lost


def test_one_refusal_does_not_hold_up_the_others(counter: Counter, poller: Poller) -> None:
    lost = lose_an_assignment(counter)
    counter.maria.comment(counter.name, counter.place.stage.issue, "More words.")
    lost = logged(counter)
    assert len(lost) > 1
    counter.place.controls.knobs()
    counter.place.controls.fault("unprocessable", "POST", ATTEMPTS)
    poller.turn()
    assert len(received(counter)) == len(lost) - 1
    assert mark_of(counter.database) is None
    assert poller.turn() == 1
    assert logged(counter) == lost


def test_a_second_app_does_not_hide_what_is_missing(counter: Counter, poller: Poller) -> None:
    """Both Apps on a repository get the same id for one event: the inbox of one says nothing of the other's."""
    lost = lose_an_assignment(counter)
    counter.place.controls.knobs()
    with counter.database.write() as session:
        for identity in lost:
            session.add(
                Delivery(
                    source="github",
                    app_id="999",
                    delivery_id=identity,
                    event="issues",
                    content_type="application/json",
                    body=json.dumps({}).encode(),
                    received_at=counter.workshop.clock(),
                )
            )
    assert poller.turn() == len(lost)
