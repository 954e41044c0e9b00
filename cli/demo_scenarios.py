"""What happens in the demo: people act on the twin, and what must come of it is waited for and checked."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.demo_house import SAMPLE, House
from cli.errors import CannotRun
from demo import samples
from store import Stage, deliveries
from store.schema import Task

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """What a scenario came to: its task (None where none may exist) and whether all that had to hold did."""

    task: Task | None
    held: bool
    why: str = ""


def issue_to_pr(house: House, say: Say) -> Ending:
    """Assigned, proven, CI red, repaired, green, reviewed, answered on the same branch, ready for review."""
    house.maintainer.assign(house.stage.repository, house.stage.issue, house.stage.trigger_login)
    say(f"maria assigns issue #{house.stage.issue} to {house.stage.trigger_login}")
    took = house.wait("the acknowledgement", lambda: bool(_bot_comments(house)), within_s=60)
    say(f"acknowledged after {took:.2f} s")
    task = _reach(house, Stage.IN_REVIEW)
    say(f"ravi reviews pull request #{task.pull_number} with two inline comments")
    head = task.head_sha or ""
    comments = [
        {"path": edit.path, "line": _line(house, head, edit), "side": "RIGHT", "body": edit.after}
        for edit in samples.review(SAMPLE)
    ]
    house.reviewer.review(house.stage.repository, task.pull_number or 0, body="", comments=comments)
    house.wait("the review's answers", lambda: len(_replies(house, task)) == len(comments), within_s=120)
    house.wait("ready for review again", lambda: _only(house).stage == Stage.IN_REVIEW, within_s=120)
    task = _only(house)
    pulls = house.maintainer.ask("GET", f"/repos/{house.stage.repository}/pulls?state=all")
    pull = house.maintainer.ask("GET", f"/repos/{house.stage.repository}/pulls/{task.pull_number}")
    return _judge(
        task,
        {
            "one pull request": len(pulls) == 1,
            "one status comment": len(_bot_comments(house)) == 1,
            "both comments answered": len(_replies(house, task)) == 2,
            "the review answered on the same branch": pull["head"]["sha"] == task.head_sha != head,
            "ready for review": not pull["draft"],
        },
    )


def label(house: House, say: Say) -> Ending:
    """The same by a label."""
    house.maintainer.label(house.stage.repository, house.stage.issue, "forgehand")
    say("maria puts the label forgehand on the issue")
    return _judge(_reach(house, Stage.IN_REVIEW), {})


def mention(house: House, say: Say) -> Ending:
    """The same by a comment that mentions the App."""
    house.maintainer.comment(
        house.stage.repository, house.stage.issue, f"@{house.stage.app_slug} please take this one."
    )
    say("maria mentions the App in a comment")
    return _judge(_reach(house, Stage.IN_REVIEW), {})


def stop(house: House, say: Say) -> Ending:
    """A writer says stop while the model is at work."""
    house.maintainer.assign(house.stage.repository, house.stage.issue, house.stage.trigger_login)
    say("maria assigns the issue")
    house.wait("the change is being made", lambda: _stage(house) == Stage.IMPLEMENTING, within_s=120)
    house.reviewer.comment(house.stage.repository, house.stage.issue, "/forgehand stop")
    say("ravi says /forgehand stop")
    took = house.wait("the task stops", lambda: _stage(house) == Stage.CANCELLED, within_s=20)
    say(f"stopped after {took:.2f} s")
    house.wait("the task is closed", lambda: _only(house).finished_at is not None, within_s=10)
    pulls = house.maintainer.ask("GET", f"/repos/{house.stage.repository}/pulls?state=all")
    said = _bot_comments(house)[0]["body"]
    return _judge(
        _only(house),
        {"no pull request": pulls == [], "it says who stopped it": "ravi" in said},
        expected=Stage.CANCELLED,
    )


def not_allowed(house: House, say: Say) -> Ending:
    """An outsider asks twice: nothing runs, and they are told once."""
    for _ in range(2):
        house.outsider.comment(house.stage.repository, house.stage.issue, "/forgehand fix")
        say("otis, who cannot write here, says /forgehand fix")
    house.wait("the refusal", lambda: bool(_bot_comments(house)), within_s=20)
    house.wait("every delivery is settled", lambda: _settled(house), within_s=20)
    told = _bot_comments(house)
    held = not house.tasks() and len(told) == 1
    return Ending(None, held, "" if held else f"{len(house.tasks())} tasks, told {len(told)} times")


def duplicate_deliveries(house: House, say: Say) -> Ending:
    """Every delivery five times and out of order: one task, one comment, one pull request."""
    house.twin.controls().knobs(copies=5, shuffle=5, seed=7)
    say("GitHub delivers everything five times and out of order")
    house.maintainer.assign(house.stage.repository, house.stage.issue, house.stage.trigger_login)
    task = _reach(house, Stage.IN_REVIEW)
    house.wait("every delivery is settled", lambda: _settled(house), within_s=30)
    pulls = house.maintainer.ask("GET", f"/repos/{house.stage.repository}/pulls?state=all")
    return _judge(
        task,
        {
            "one task": len(house.tasks()) == 1,
            "one pull request": len(pulls) == 1,
            "one status comment": len(_bot_comments(house)) == 1,
        },
    )


SCENARIOS: Mapping[str, Callable[[House, Say], Ending]] = {
    "issue-to-pr": issue_to_pr,
    "label": label,
    "mention": mention,
    "stop": stop,
    "not-allowed": not_allowed,
    "duplicate-deliveries": duplicate_deliveries,
}


def _reach(house: House, stage: Stage, *, within_s: float = 180.0) -> Task:
    """The one task, once it has come to `stage`. CannotRun when it ended elsewhere."""

    def there() -> bool:
        found = _stage(house)
        if found in (Stage.FAILED, Stage.CANCELLED, Stage.NEEDS_HUMAN) and found != stage:
            raise CannotRun(f"the task ended in {found}: {_only(house).reason}. The logs are in {house.state}")
        return found == stage

    house.wait(f"the task comes to {stage}", there, within_s=within_s)
    return _only(house)


def _only(house: House) -> Task:
    found = house.tasks()
    if len(found) != 1:
        raise CannotRun(f"there are {len(found)} tasks, and there should be one. The logs are in {house.state}")
    return found[0]


def _stage(house: House) -> str | None:
    found = house.tasks()
    return found[-1].stage if found else None


def _judge(task: Task, demands: Mapping[str, bool], *, expected: Stage = Stage.IN_REVIEW) -> Ending:
    missing = [what for what, held in demands.items() if not held]
    if task.stage != expected:
        missing.append(f"the stage {expected} (it is {task.stage}: {task.reason})")
    return Ending(task, not missing, "not so: " + "; ".join(missing) if missing else "")


def _bot_comments(house: House) -> list[dict[str, Any]]:
    comments = house.maintainer.ask("GET", f"/repos/{house.stage.repository}/issues/{house.stage.issue}/comments")
    return [comment for comment in comments if comment["user"]["login"] == f"{house.stage.app_slug}[bot]"]


def _replies(house: House, task: Task) -> list[dict[str, Any]]:
    comments = house.maintainer.ask("GET", f"/repos/{house.stage.repository}/pulls/{task.pull_number}/comments")
    return [one for one in comments if one.get("in_reply_to_id") and one["user"]["login"].endswith("[bot]")]


def _line(house: House, head: str, edit: samples.Edit) -> int:
    """The line of the pull request's file that a reviewer's comment is about."""
    found = house.maintainer.ask("GET", f"/repos/{house.stage.repository}/contents/{edit.path}?ref={head}")
    lines = base64.b64decode(found["content"]).decode("utf-8").splitlines()
    return lines.index(edit.before.rstrip("\n")) + 1


def _settled(house: House) -> bool:
    """Whether the twin has sent everything and the inbox has acted on it all."""
    if not house.twin.postman.wait_idle(20):
        return False
    with house.database.read() as session:
        return deliveries.counts(session).get("pending", 0) == 0
