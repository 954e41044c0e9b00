"""What has to hold at the end of the way, whatever was killed on it: one of everything, and nothing paid twice."""

from collections import Counter
from typing import Any

from sqlalchemy import select

from demo.github import git
from store import Stage, deliveries, journal
from store.schema import BudgetEntry, Effect, Task
from tests.end_to_end.chaos_house import ChaosHouse


def check_once(chaos: ChaosHouse, *, replies: int, merged: bool = True) -> None:
    """Asserts it all; `replies` is how many review comments have to be answered."""
    house, task = chaos.house, chaos.task
    assert task.stage == (Stage.DONE if merged else Stage.IN_REVIEW), f"{task.stage}: {task.reason}"
    _check_forge(chaos, task, replies)
    _check_model(chaos)
    _check_books(chaos, task)
    _check_log(chaos, task)
    for name in house.processes:
        before, found, after = house.log(name).partition("Traceback")
        assert not found, before[-1000:] + found + after[:4000]
    assert house.twin.problems() == []


def _check_forge(chaos: ChaosHouse, task: Task, replies: int) -> None:
    house = chaos.house
    repository = house.stage.repository
    bot = f"{house.stage.app_slug}[bot]"

    def ask(path: str) -> Any:
        return house.maintainer.ask("GET", f"/repos/{repository}/{path}")

    owner, _, name = repository.partition("/")
    bare = house.twin.world.repository(owner, name).path
    branches = [ref.removeprefix("refs/heads/") for ref in git.refs(bare, "refs/heads/")]
    assert Counter(branches) == Counter(["main", task.branch or ""]), "one branch of ours"
    pulls = ask("pulls?state=all")
    assert [pull["number"] for pull in pulls] == [task.pull_number], "one pull request"
    said = [one for one in ask(f"issues/{house.stage.issue}/comments") if one["user"]["login"] == bot]
    assert len(said) == 1, f"one status comment, and not {len(said)}"
    assert ask(f"issues/{task.pull_number}/comments") == [], "nothing beside the review's threads"
    inline = ask(f"pulls/{task.pull_number}/comments")
    answered = Counter(one["in_reply_to_id"] for one in inline if one["user"]["login"] == bot)
    asked = {one["id"] for one in inline if one["user"]["login"] != bot}
    assert answered == Counter(dict.fromkeys(asked, 1)), "one reply for each review comment"
    assert len(asked) == replies
    runs = [run for run in house.twin.world.repository(owner, name).check_runs.values() if run.name == "Forgehand"]
    heads = Counter(run.head_sha for run in runs)
    assert set(heads.values()) == {1}, f"one check run for each head: {heads}"
    commits = ask(f"pulls/{task.pull_number}/commits")
    assert set(heads) <= {commit["sha"] for commit in commits}, "and every one on a commit of the pull request"
    assert task.head_sha in heads


def _check_model(chaos: ChaosHouse) -> None:
    assert chaos.model.mismatches == []
    for step, times in chaos.model.asked.items():
        assert times <= 1 + chaos.allowed[step], f"{step} was asked for {times} times; in flight: {chaos.allowed[step]}"
    assert set(chaos.model.asked) == chaos.paid(), "every reply is on record"


def _check_books(chaos: ChaosHouse, task: Task) -> None:
    with chaos.house.database.read() as session:
        entries = list(session.scalars(select(BudgetEntry).where(BudgetEntry.task_id == task.id)))
        windows = Counter(window for window, _ in journal.of_task(session, task.id))
        effects = list(session.scalars(select(Effect)))
        counts = deliveries.counts(session)
    assert windows
    assert all(entry.settled for entry in entries), [entry.key for entry in entries if not entry.settled]
    assert len(entries) == len(chaos.model.asked) + chaos.given_up, "one entry for each call that was paid"
    assert [effect.key for effect in effects if effect.state != "done"] == []
    assert counts.get("failed", 0) == 0


def _check_log(chaos: ChaosHouse, task: Task) -> None:
    events = chaos.house.events(task.id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1)), "the log has no gap"
    arrows = [(event.data["from"], event.stage) for event in events if event.kind == "stage"]
    at = "received"
    for here, there in arrows:
        assert here == at, f"the log goes from {at} to {here}"
        at = there
    assert at == task.stage
