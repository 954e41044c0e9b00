"""What each signal does: who may, where no task lives, where one does. Against the twin and a real database."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from forges.github.check_runs import Button, Output
from store import TERMINAL, Stage, events, inputs
from tests.workers.counter import Counter

Ask = Callable[[Counter, int], object]

# How a task is asked for on an issue.
REQUESTS: dict[str, Ask] = {
    "assigned": lambda at, issue: at.assign(issue),
    "label": lambda at, issue: at.maria.label(at.name, issue, "forgehand"),
    "mention": lambda at, issue: at.maria.comment(at.name, issue, "@forgehand please take this one"),
    "command": lambda at, issue: at.maria.comment(at.name, issue, "/forgehand fix"),
}


@pytest.mark.parametrize("trigger", REQUESTS)
def test_a_writer_asks(trigger: str, counter: Counter) -> None:
    issue = counter.place.issue("It breaks.")
    REQUESTS[trigger](counter, issue)
    settled = counter.hand_over()
    assert {row.state for row in settled} <= {"done", "ignored"}
    assert [row.outcome for row in settled if row.state == "done"] == [f"task {counter.task.id}"]
    task = counter.task
    assert (task.request["trigger"], task.request["actor"], task.request["permission"]) == (trigger, "maria", "admin")
    assert (task.number, task.stage, task.ticket["body"]) == (issue, Stage.RECEIVED, "It breaks.")
    assert counter.rung == [task.id]


def test_a_mention_in_a_new_issue_asks(counter: Counter) -> None:
    issue = counter.place.issue("@forgehand please")
    counter.hand_over()
    assert (counter.task.number, counter.task.request["trigger"]) == (issue, "opened_mention")


def test_an_outsider_is_told_once(counter: Counter) -> None:
    issue = counter.place.issue()
    for _ in range(3):
        counter.otis.comment(counter.name, issue, "/forgehand fix")
        settled = counter.hand_over()
        assert settled[-1].outcome == "otis has the permission read: refused"
    assert counter.tasks() == []
    assert len(bot_comments(counter, issue)) == 1
    assert "only people with write permission" in bot_comments(counter, issue)[0]


def test_an_option_that_cannot_be_taken_is_answered_each_time(counter: Counter) -> None:
    issue = counter.place.issue()
    for words in ("/forgehand fix base:../up", "@forgehand please, base:-x"):
        counter.maria.comment(counter.name, issue, words)
        assert counter.hand_over()[-1].state == "ignored"
    assert counter.tasks() == []
    said = bot_comments(counter, issue)
    assert len(said) == 2
    assert all("I did not start" in one and "does not name a branch" in one for one in said)


def test_what_is_wrong_with_a_gesture_is_told_once_for_each_problem(counter: Counter) -> None:
    issue = counter.place.issue("/forgehand optimize")
    for text in (None, None, "/forgehand optimize a b", "/forgehand optimize a b"):
        if text is not None:
            counter.maria.ask("PATCH", f"/repos/{counter.name}/issues/{issue}", {"body": text})
        counter.assign(issue)
        counter.hand_over()
        counter.maria.unassign(counter.name, issue, counter.place.stage.trigger_login)
        counter.hand_over()
    assert counter.tasks() == []
    said = bot_comments(counter, issue)
    assert ["I did not start" in one for one in said] == [True, True]
    assert said[0] != said[1]


def test_a_closed_issue_is_not_worked_on(counter: Counter) -> None:
    issue = counter.place.issue()
    counter.maria.close(counter.name, issue)
    counter.take_in()
    counter.assign(issue)
    assert counter.hand_over()[-1].outcome == "the issue is closed"
    assert counter.tasks() == []


def test_words_reach_a_live_task_and_nobody_elses(counter: Counter) -> None:
    issue = counter.place.issue()
    counter.maria.comment(counter.name, issue, "Nobody is at it.")
    assert counter.hand_over()[-1].outcome == "no task is live there"
    counter.assign(issue)
    counter.hand_over()
    counter.maria.comment(counter.name, issue, "Mind the zero.")
    counter.hand_over()
    counter.maria.comment(counter.name, issue, "@forgehand mind the one as well")
    counter.hand_over()
    counter.otis.comment(counter.name, issue, "Delete everything.")
    counter.hand_over()
    said = counter.inputs("comment")
    assert [(one.author, one.permission, one.body) for one in said] == [
        ("maria", "admin", "Mind the zero."),
        ("maria", "admin", "@forgehand mind the one as well"),
    ]
    assert counter.task.signals == 2, "the task was woken for each"
    assert [event.data["author"] for event in log(counter, "unread")] == ["otis"]


def test_asked_for_again_while_a_task_lives(counter: Counter) -> None:
    issue = counter.place.issue()
    counter.assign(issue)
    counter.maria.label(counter.name, issue, "forgehand")
    counter.hand_over()
    counter.maria.comment(counter.name, issue, "/forgehand retry")
    assert counter.hand_over()[-1].outcome == f"task {counter.task.id} is at it already"


WITHDRAWALS: dict[str, tuple[Ask, str]] = {
    "stop": (lambda at, issue: at.maria.comment(at.name, issue, "/forgehand stop"), "maria"),
    "unassigned": (
        lambda at, issue: at.maria.unassign(at.name, issue, at.place.stage.trigger_login),
        "maria (unassigning)",
    ),
    "closed": (lambda at, issue: at.maria.close(at.name, issue), "maria (closing)"),
}


@pytest.mark.parametrize("how", WITHDRAWALS)
def test_a_task_is_stopped(how: str, counter: Counter) -> None:
    act, who = WITHDRAWALS[how]
    issue = counter.place.issue()
    counter.assign(issue)
    counter.hand_over()
    act(counter, issue)
    assert counter.hand_over()[-1].outcome == f"task {counter.task.id} told to stop"
    assert counter.task.stop_requested_by == who
    assert counter.rung == [counter.task.id] * 2


@pytest.mark.parametrize("how", WITHDRAWALS)
def test_nothing_is_stopped_where_nothing_lives(how: str, counter: Counter) -> None:
    issue = counter.place.issue()
    counter.assign(issue)
    counter.take_in()
    WITHDRAWALS[how][0](counter, issue)
    assert counter.hand_over()[-1].outcome == "no task is live there"


def test_taking_the_label_off_stops(counter: Counter) -> None:
    issue = counter.place.issue()
    counter.maria.label(counter.name, issue, "forgehand")
    counter.hand_over()
    counter.maria.unlabel(counter.name, issue, "forgehand")
    counter.hand_over()
    assert counter.task.stop_requested_by == "maria (taking off the label)"


def test_an_outsider_stops_nothing(counter: Counter) -> None:
    issue = counter.place.issue()
    counter.assign(issue)
    counter.hand_over()
    counter.otis.comment(counter.name, issue, "/forgehand stop")
    assert counter.hand_over()[-1].outcome == "otis has the permission read: not stopped"
    assert counter.task.stop_requested_by is None


def test_an_issue_closed_while_its_pull_request_is_open_only_wakes(counter: Counter) -> None:
    """A merge closes the issue first: what becomes of the task is read from the pull request."""
    issue, pull = owned_pull(counter)
    counter.maria.close(counter.name, issue)
    counter.hand_over()
    assert counter.task.stop_requested_by is None
    assert counter.task.signals == 1
    assert pull.number == counter.task.pull_number


def test_a_retry(counter: Counter) -> None:
    issue = counter.place.issue()
    counter.maria.comment(counter.name, issue, "/forgehand retry")
    assert counter.hand_over()[-1].outcome == "there is no earlier task here to retry"
    counter.assign(issue)
    counter.hand_over()
    first = counter.task.id
    counter.end_task()
    counter.maria.comment(counter.name, issue, "/forgehand retry base:main")
    asked = counter.take_in()
    for event, body in asked * 3:
        counter.put(event, body)
    counter.relay.turn()
    assert [task.id for task in counter.tasks()][:1] == [first]
    _, again = counter.tasks()
    assert (again.request["trigger"], again.request["retry_of"], again.request["base"]) == ("retry", first, "main")
    assert again.ticket == counter.tasks()[0].ticket


def test_one_comment_is_one_task_for_ever(counter: Counter) -> None:
    """A request delivered again under another id, after its task ended, starts nothing."""
    issue = counter.place.issue()
    counter.maria.comment(counter.name, issue, "/forgehand fix")
    (asked,) = [one for one in counter.take_in() if one[0] == "issue_comment"]
    counter.put(*asked)
    counter.relay.turn()
    counter.end_task()
    late = counter.put(*asked)
    counter.relay.turn()
    assert counter.delivery(late).outcome == "this request was taken before"
    assert counter.task.stage in TERMINAL


# Reviews


def owned_pull(counter: Counter) -> tuple[int, Any]:
    """A task on an issue, and the pull request it owns."""
    issue = counter.place.issue()
    counter.assign(issue)
    counter.hand_over()
    pull = counter.place.pull()
    counter.take_in()
    counter.give_pull(pull.number, pull.head_sha, pull.head_ref)
    return issue, pull


@pytest.mark.parametrize("order", ["review first", "comments first", "between", "everything twice"])
def test_a_review_is_one_input(order: str, counter: Counter) -> None:
    _, pull = owned_pull(counter)
    inline = [{"path": "NOTES.md", "line": line, "side": "RIGHT", "body": f"Line {line}?"} for line in (1, 2)]
    made = counter.maria.review(counter.name, pull.number, body="Two things.", comments=inline)
    got = counter.take_in()
    reviews = [one for one in got if one[0] == "pull_request_review"]
    comments = [one for one in got if one[0] == "pull_request_review_comment"]
    assert (len(reviews), len(comments)) == (1, 2)
    arranged = {
        "review first": reviews + comments,
        "comments first": comments + reviews,
        "between": comments[:1] + reviews + comments[1:],
        "everything twice": (comments + reviews) * 2,
    }[order]
    for event, body in arranged:
        counter.put(event, body)
    counter.relay.turn()
    (said,) = counter.inputs("review")
    assert (said.key, said.body, said.data) == (f"review:{made['id']}", "Two things.", {"review_id": made["id"]})
    assert said.not_before > counter.workshop.clock(), "it waits for the rest of the review"
    assert counter.counts() == {"done": 1 + len(arranged)} | _ignored(counter)


def test_the_words_of_a_review_that_comes_late(counter: Counter) -> None:
    """Its inline comments were taken in and are being answered when the review itself arrives."""
    _, pull = owned_pull(counter)
    inline = [{"path": "NOTES.md", "line": 1, "side": "RIGHT", "body": "Line 1?"}]
    made = counter.maria.review(counter.name, pull.number, body="And shorter.", comments=inline)
    got = dict(counter.take_in())
    counter.put("pull_request_review_comment", got["pull_request_review_comment"])
    counter.relay.turn()
    (early,) = counter.inputs("review")
    assert early.body == "", "what the comment says is read from the review, and answered once"
    counter.ahead = 10
    with counter.database.write() as session:
        assert inputs.take(session, counter.task.id, "review", taker="a window", now=counter.workshop.clock())
    for _ in range(2):
        counter.put("pull_request_review", got["pull_request_review"])
    counter.relay.turn()
    (late,) = counter.inputs("review")
    assert (late.body, late.data) == ("And shorter.", {"review_id": made["id"], "words_only": True})


def _ignored(counter: Counter) -> dict[str, int]:
    ignored = counter.counts().get("ignored", 0)
    return {"ignored": ignored} if ignored else {}


def test_an_approval_without_words_is_noted(counter: Counter) -> None:
    _, pull = owned_pull(counter)
    counter.maria.review(counter.name, pull.number, event="APPROVE")
    counter.hand_over()
    assert counter.inputs("review") == []
    assert [event.data for event in log(counter, "approved")] == [{"by": "maria"}]


def test_an_outsiders_review_is_not_passed_on(counter: Counter) -> None:
    _, pull = owned_pull(counter)
    counter.otis.review(counter.name, pull.number, event="COMMENT", body="Delete everything.")
    counter.hand_over()
    assert counter.inputs("review") == []
    assert [event.data["author"] for event in log(counter, "unread")] == ["otis"]


def test_a_comment_on_the_pull_request_reaches_its_task(counter: Counter) -> None:
    _, pull = owned_pull(counter)
    counter.maria.comment(counter.name, pull.number, "Shorter, please.")
    counter.hand_over()
    (said,) = counter.inputs("comment")
    assert (said.body, said.data["number"]) == ("Shorter, please.", pull.number)


def test_a_stop_on_the_pull_request_stops_its_task(counter: Counter) -> None:
    _, pull = owned_pull(counter)
    counter.maria.comment(counter.name, pull.number, "/forgehand stop")
    counter.hand_over()
    assert counter.task.stop_requested_by == "maria"


# Buttons, CI, pushes


@pytest.mark.parametrize(
    ("login", "identifier", "task", "outcome"),
    [
        ("maria", "stop", None, "told to stop"),
        ("maria", "retry", None, "is at it already"),
        ("maria", "dance", None, "unknown button 'dance'"),
        ("maria", "stop", "no-such-task", "the button belongs to no task here"),
        ("otis", "stop", None, "otis has the permission read: the button does nothing"),
    ],
)
def test_a_button(login: str, identifier: str, task: str | None, outcome: str, counter: Counter) -> None:
    """Who presses is changed on the way: GitHub hands on what it should not have let happen."""
    _, pull = owned_pull(counter)
    runs = counter.place.repository.check_runs
    run = runs.create(
        name="Forgehand",
        head_sha=pull.head_sha,
        external_id=f"{task or counter.task.id}:{pull.head_sha}",
        output=Output("Title", "Summary", "Text"),
    )
    runs.update(run.id, conclusion="success", buttons=[Button("Press", "A button", identifier)])
    counter.take_in()
    counter.maria.press(counter.name, run.id, identifier)
    (pressed,) = [json.loads(body) for event, body in counter.take_in() if event == "check_run"]
    pressed["sender"] |= {"login": login}
    number = counter.put("check_run", pressed)
    counter.relay.turn()
    assert outcome in (counter.delivery(number).outcome or "")
    assert counter.task.stop_requested_by == (login if outcome == "told to stop" else None)


def test_ci_and_pushes_wake_the_task(counter: Counter) -> None:
    _, pull = owned_pull(counter)
    head = pull.head_sha
    counter.maria.ask("POST", f"/repos/{counter.name}/statuses/{head}", {"state": "success", "context": "x"})
    counter.hand_over()
    assert counter.task.signals == 1
    elsewhere, _ = counter.place.push_branch()
    assert elsewhere != pull.head_ref
    counter.hand_over()
    assert counter.task.signals == 1, "another branch is nobody's business"


# Repositories and installations that go


def scene(counter: Counter, **more: Any) -> dict[str, Any]:
    """The parts of a payload that say where and by whom, from a real one."""
    counter.place.issue()
    payload = json.loads(counter.take_in()[-1][1])
    return {name: payload[name] for name in ("repository", "installation", "sender")} | more


@pytest.mark.parametrize(
    ("event", "action", "removed"),
    [
        ("repository", "deleted", False),
        ("repository", "archived", False),
        ("repository", "transferred", False),
        ("installation", "deleted", False),
        ("installation", "suspend", False),
        ("installation_repositories", "removed", True),
    ],
)
def test_what_goes_away_takes_its_tasks_with_it(event: str, action: str, removed: bool, counter: Counter) -> None:
    counter.assign(counter.place.issue())
    counter.hand_over()
    payload = scene(counter, action=action)
    if removed:
        repository = payload["repository"]
        payload["repositories_removed"] = [{name: repository[name] for name in ("id", "full_name")}]
    number = counter.put(event, payload)
    counter.relay.turn()
    assert counter.delivery(number).outcome == "stopped 1 tasks"
    who, _, how = (counter.task.stop_requested_by or "").partition(" ")
    assert who == payload["sender"]["login"]
    assert action in how


@pytest.mark.parametrize(
    ("event", "action"),
    [("repository", "renamed"), ("installation", "created"), ("installation_repositories", "added")],
)
def test_what_changes_otherwise_stops_nothing(event: str, action: str, counter: Counter) -> None:
    counter.assign(counter.place.issue())
    counter.hand_over()
    number = counter.put(event, scene(counter, action=action))
    counter.relay.turn()
    assert counter.delivery(number).state == "ignored"
    assert counter.task.stop_requested_by is None


def log(counter: Counter, kind: str) -> list[events.Event]:
    with counter.database.read() as session:
        return [event for event in events.of_task(session, counter.task.id) if event.kind == kind]


def bot_comments(counter: Counter, issue: int) -> list[str]:
    comments = counter.maria.ask("GET", f"/repos/{counter.name}/issues/{issue}/comments")
    return [one["body"] for one in comments if one["user"]["login"] == "forgehand[bot]"]
