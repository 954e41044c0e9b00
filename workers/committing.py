"""From what a sandbox changed to a commit on the trusted side: caches left out, guarded files set apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from forges.github.change_guard import guard_change
from repositories import Mirror, Signature
from sandboxes.contract import ChangeSet
from store import Stage
from workers.decisions import EndTask
from workers.workshop import TaskContext


@dataclass(frozen=True, slots=True)
class Committed:
    """The new commit, and the paths whose changes were left out because only people may make them."""

    sha: str
    left_out: tuple[str, ...]


def commit_changes(
    context: TaskContext, mirror: Mirror, parent: str, changes: ChangeSet, *, subject: str, detail: str
) -> Committed:
    """Commits the box's changes onto `parent`. The same changes in the same stage give the same commit.

    What is left out is remembered for the task, whichever round it was in: comment and pull request name it.
    Raises EndTask when nothing is left to commit.
    """
    task = context.task()
    ignored = mirror.ignored(parent, changes)
    wanted = {path: change for path, change in changes.items() if path not in ignored}
    guard = guard_change(wanted)
    guarded = {*guard.workflows, *guard.owners, *guard.own_config}
    kept = {path: change for path, change in wanted.items() if path not in guarded}
    if not kept:
        if guarded:
            raise EndTask(
                Stage.NEEDS_HUMAN,
                "the whole change is in files that only people may change: " + ", ".join(sorted(guarded)),
            )
        raise EndTask(Stage.FAILED, "the change is empty: nothing but ignored files differs from the base")
    sha = mirror.commit(
        parent,
        kept,
        message(subject, detail, context.id),
        author_of(task.data),
        datetime.fromtimestamp(int(task.stage_since), UTC),
    )
    if guarded:
        context.remember(left_out=sorted({*task.data.get("left_out", []), *guarded}))
    return Committed(sha, tuple(sorted(guarded)))


def message(subject: str, detail: str, task_id: str) -> str:
    """A commit message: one line, an explanation, and the task as a trailer."""
    line = " ".join(subject.split())[:72] or "Change the code as asked"
    body = detail.strip()
    return f"{line}\n\n{body}\n\nForgehand-Task: {task_id}\n" if body else f"{line}\n\nForgehand-Task: {task_id}\n"


def author_of(data: Mapping[str, Any]) -> Signature:
    """The App's bot user where there is one (GitHub's form of its address links commits to it)."""
    name, email = data.get("committer", ("forgehand", "forgehand@localhost"))
    return Signature(name, email)
