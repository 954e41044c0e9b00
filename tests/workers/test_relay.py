"""The relay: order within a subject, retries, and what goes wrong on the way to a decision."""

import json
import threading
import time
from typing import Any

import pytest

from forges.github import parse
from store import deliveries
from store.deliveries import MAX_ATTEMPTS
from tests.forges.stage import until
from tests.workers.counter import Counter
from workers import relay as relay_module
from workers.relay import Relay

PERMISSION = r"/collaborators/[^/]+/permission$"


def asked(counter: Counter, words: str, issue: int) -> tuple[str, bytes]:
    """The delivery of a comment, not in the inbox yet."""
    counter.take_in()
    counter.maria.comment(counter.name, issue, words)
    (one,) = counter.take_in()
    return one


def test_a_stop_right_after_a_request(counter: Counter) -> None:
    issue = counter.place.issue()
    counter.put(*asked(counter, "/forgehand fix", issue))
    counter.put(*asked(counter, "/forgehand stop", issue))
    counter.relay.turn()
    assert counter.counts() == {"done": 2}
    assert counter.task.stop_requested_by == "maria"


def test_a_stop_that_overtook_its_request(counter: Counter) -> None:
    """Order of arrival is all there is: what was asked for afterwards by our clock is asked for."""
    issue = counter.place.issue()
    request, stop = asked(counter, "/forgehand fix", issue), asked(counter, "/forgehand stop", issue)
    stopped, started = counter.put(*stop), counter.put(*request)
    counter.relay.turn()
    assert counter.delivery(stopped).outcome == "no task is live there"
    assert counter.delivery(started).outcome == f"task {counter.task.id}"
    assert counter.task.stop_requested_by is None


def test_words_between_a_request_and_a_stop(counter: Counter) -> None:
    issue = counter.place.issue()
    for words in ("/forgehand fix", "Mind the zero.", "/forgehand stop", "Too late."):
        counter.put(*asked(counter, words, issue))
    counter.relay.turn()
    assert [one.body for one in counter.inputs("comment")] == ["Mind the zero.", "Too late."]
    assert counter.task.signals == 3


@pytest.mark.parametrize("kind", ["bad_gateway", "lost_response", "cut_body"])
def test_nobody_is_let_in_while_github_does_not_say_who_they_are(kind: str, counter: Counter) -> None:
    request = asked(counter, "/forgehand fix", counter.place.issue())
    number = counter.put(*request)
    counter.place.controls.fault(kind, "GET", PERMISSION, count=100)
    counter.relay.turn()
    waiting = counter.delivery(number)
    assert (waiting.state, waiting.attempts) == ("pending", 1)
    assert waiting.next_at > counter.workshop.clock()
    assert counter.tasks() == []
    counter.relay.turn()
    assert counter.delivery(number).attempts == 1, "it is not tried before its time"
    counter.place.controls.clear_faults()
    counter.ahead = 60
    counter.relay.turn()
    assert counter.delivery(number).outcome == f"task {counter.task.id}"


@pytest.mark.parametrize("kind", ["secondary_limit", "primary_limit"])
def test_a_rate_limit_is_waited_for_and_is_no_try(kind: str, counter: Counter) -> None:
    number = counter.put(*asked(counter, "/forgehand fix", counter.place.issue()))
    counter.place.controls.fault(kind, "GET", PERMISSION, retry_after_s=3)
    began = time.time()
    counter.relay.turn()
    waiting = counter.delivery(number)
    assert (waiting.state, waiting.attempts) == ("pending", 0)
    assert began + 1 < waiting.next_at < began + 10
    until(lambda: counter.relay.turn() and counter.delivery(number).state == "done")
    assert counter.delivery(number).outcome == f"task {counter.task.id}"


def test_a_refusal_is_a_no(counter: Counter) -> None:
    number = counter.put(*asked(counter, "/forgehand fix", counter.place.issue()))
    counter.place.controls.fault("unprocessable", "GET", PERMISSION, count=100)
    counter.relay.turn()
    ended = counter.delivery(number)
    assert (ended.state, (ended.outcome or "")[:8]) == ("ignored", "refused:")
    assert counter.tasks() == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("installation", "id"), 999_999_999),
        (("repository", "full_name"), "brightwork/gone"),
        (("repository", "full_name"), "nobody/nothing"),
        (("sender", "login"), "no-such-person"),
    ],
    ids=["unknown installation", "deleted repository", "deleted owner", "deleted person"],
)
def test_what_github_does_not_know_is_a_no(path: tuple[str, str], value: Any, counter: Counter) -> None:
    event, body = asked(counter, "/forgehand fix", counter.place.issue())
    payload = json.loads(body)
    payload[path[0]][path[1]] = value
    number = counter.put(event, payload)
    counter.relay.turn()
    assert counter.delivery(number).state == "ignored"
    assert counter.tasks() == []


def test_what_comes_after_a_postponed_delivery_waits_with_it(counter: Counter) -> None:
    held_up, free = counter.place.issue(), counter.place.issue()
    first = counter.put(*asked(counter, "/forgehand fix", held_up))
    counter.place.controls.fault("bad_gateway", "GET", PERMISSION, count=1)
    counter.relay.turn()
    assert counter.delivery(first).state == "pending"
    stop = counter.put(*asked(counter, "/forgehand stop", held_up))
    elsewhere = counter.put(*asked(counter, "/forgehand fix", free))
    counter.relay.turn()
    assert counter.delivery(elsewhere).state == "done", "another subject goes on"
    assert counter.delivery(stop).state == "pending"
    assert counter.delivery(stop).attempts == 0, "waiting costs no try"
    counter.ahead = 60
    counter.relay.turn()
    stopped = next(task for task in counter.tasks() if task.number == held_up)
    assert counter.delivery(first).outcome == f"task {stopped.id}"
    assert counter.delivery(stop).outcome == f"task {stopped.id} told to stop"


def test_a_delivery_is_given_up_in_the_end(counter: Counter) -> None:
    issue = counter.place.issue()
    number = counter.put(*asked(counter, "/forgehand fix", issue))
    later = counter.put(*asked(counter, "Mind the zero.", issue))
    counter.place.controls.fault("bad_gateway", "GET", PERMISSION, count=1000)
    for _ in range(MAX_ATTEMPTS):
        counter.relay.turn()
        counter.ahead += 700
    given_up = counter.delivery(number)
    assert (given_up.state, given_up.attempts) == ("failed", MAX_ATTEMPTS)
    assert given_up.outcome
    counter.relay.turn()
    assert counter.delivery(later).state == "ignored", "and the subject is free for what came after"


@pytest.mark.parametrize(
    ("event", "body", "state"),
    [
        ("issues", b"not json", "failed"),
        ("issues", b"\xff\xfe", "failed"),
        ("issues", b"[1, 2]", "failed"),
        ("issues", b"{}", "ignored"),
        ("issues", b'{"action": 5}', "ignored"),
        ("issues", b'{"action": "assigned", "issue": []}', "ignored"),
        ("no_such_event", b"{}", "ignored"),
        ("issue_comment", json.dumps({"action": "created", "comment": {"body": "x" * 70_000}}).encode(), "ignored"),
    ],
)
def test_a_payload_that_makes_no_sense(event: str, body: bytes, state: str, counter: Counter) -> None:
    broken = counter.put(event, body)
    good = counter.put(*asked(counter, "/forgehand fix", counter.place.issue()))
    counter.relay.turn()
    assert counter.delivery(broken).state == state
    assert counter.delivery(broken).outcome, "with the reason"
    assert counter.delivery(good).state == "done"


def test_a_defect_of_ours_keeps_nobody_waiting(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no payload known that breaks the parser, so one is made to."""

    def breaks(event: str, payload: Any, rules: Any) -> Any:
        if event == "gollum":
            raise ZeroDivisionError
        return parse(event, payload, rules)

    monkeypatch.setattr(relay_module, "parse", breaks)
    broken = counter.put("gollum", b"{}")
    good = counter.put(*asked(counter, "/forgehand fix", counter.place.issue()))
    counter.relay.turn()
    assert (counter.delivery(broken).state, counter.delivery(broken).outcome) == (
        "failed",
        "ZeroDivisionError in Forgehand itself",
    )
    assert counter.delivery(good).state == "done"


def test_two_relays_at_once_make_one_of_everything(counter: Counter) -> None:
    """A relay that was held up past its lease, and the one that took its duty over."""
    other = Relay(counter.workshop, counter.app)
    issues = [counter.place.issue() for _ in range(3)]
    for words in ("/forgehand fix", "/forgehand stop"):
        for issue in issues:
            counter.put(*asked(counter, words, issue))
    counter.place.controls.fault("slow", "GET", PERMISSION, count=6, delay_s=0.3)
    both = [threading.Thread(target=relay.turn) for relay in (counter.relay, other)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    with counter.database.read() as session:
        assert "pending" not in deliveries.counts(session)
    assert sorted(task.number or 0 for task in counter.tasks()) == sorted(issues)
    assert {task.stop_requested_by for task in counter.tasks()} == {"maria"}


def test_nothing_is_decided_before_github_says_who_we_are(counter: Counter) -> None:
    number = counter.put(*asked(counter, "/forgehand fix", counter.place.issue()))
    fresh = Relay(counter.workshop, counter.app)
    counter.place.controls.fault("bad_gateway", "GET", r"^/app", count=1000)
    fresh.turn()
    assert counter.delivery(number).attempts == 0
    assert counter.delivery(number).state == "pending"
    counter.place.controls.clear_faults()
    counter.ahead = 30
    fresh.turn()
    assert counter.delivery(number).state == "done"
