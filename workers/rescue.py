"""Nothing that was worked out is lost when a task ends early: what is not on the forge is kept as a patch."""

import os
from datetime import UTC, datetime
from pathlib import Path

import structlog

from repositories import Mirror, RepositoryError, Signature
from sandboxes.contract import SandboxError
from store import LeaseLost, Stage, journal
from store.schema import Task
from workers.changes import unpack
from workers.workshop import TaskContext

log = structlog.get_logger(__name__)


def rescue(context: TaskContext) -> Path | None:
    """Writes `<state>/patches/<task>.patch` (for `git apply`, onto the base commit) and remembers where; None when
    there is nothing to save. Trouble with it never keeps a task from ending."""
    task = context.task()
    if task.stage == Stage.DONE or task.base_sha is None:
        return None
    try:
        mirror = context.source.mirror(context)
        commit = _newest(context, mirror, task)
        if commit is None:
            return None
        path = context.settings.state_dir / "patches" / f"{task.id}.patch"
        _write(path, mirror.patch(task.base_sha, commit))
    except LeaseLost:
        raise
    except (RepositoryError, SandboxError, OSError, ValueError) as error:
        log.warning("the work could not be saved as a patch", error=str(error))
        return None
    except Exception:
        # A damaged snapshot, or a defect of ours: also then the task must be told and closed.
        log.exception("the work could not be saved as a patch")
        return None
    context.remember(saved_patch=str(path))
    return path


def _newest(context: TaskContext, mirror: Mirror, task: Task) -> str | None:
    """The commit with the newest work that is nowhere else: the agent's last snapshot, or a head not pushed yet."""
    parent = task.head_sha or task.base_sha or ""
    windows = [f"{task.data.get('round')}/{phase}#{number}" for phase, number in task.data.get("windows", {}).items()]
    with context.database.read() as session:
        packed = journal.last_changes(session, task.id, windows)
    # In a stage after the change was committed, the snapshot of its round is part of the head already.
    if packed is not None and task.data.get("committed_round") != task.data.get("round"):
        changes = unpack(packed)
        wanted = {path: changes[path] for path in changes.keys() - mirror.ignored(parent, changes)}
        if wanted:
            when = datetime.fromtimestamp(int(task.stage_since), UTC)
            return mirror.commit(parent, wanted, f"Work in progress of task {task.id}", _AUTHOR, when)
    if task.head_sha is not None and task.head_sha not in (task.data.get("pushed_sha"), task.base_sha):
        return task.head_sha
    return None


def _write(path: Path, patch: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_bytes(patch)
    os.replace(half, path)


_AUTHOR = Signature("forgehand", "forgehand@localhost")
