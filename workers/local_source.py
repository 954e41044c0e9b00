"""A directory as a source of tasks: its commits are the base, a branch in it is the result, nothing else is touched."""

import hashlib
import re
import threading
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from repositories import AuthenticationRefused, Mirror, NonFastForward, PushRejected, Remote, RevisionUnknown
from repositories.names import is_sha
from store import Database, Stage, events
from store.events import Event
from workers.decisions import EndTask, Move
from workers.workshop import Prepared, TaskContext

SLUG_CHARS = 40


def branch_name(title: str, task_id: str) -> str:
    """`forgehand/read-decimals-0123456789abcd`: readable, unlike every other task's, and well formed for git."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_CHARS].strip("-")
    return f"forgehand/{slug}-{task_id}" if slug else f"forgehand/{task_id}"


def mirror_path(mirrors: Path, directory: str) -> Path:
    """Where the clone of a directory is kept."""
    return mirrors / "local" / f"{hashlib.sha256(directory.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.git"


def find_base(mirror: Mirror, base: str | None) -> tuple[str, str, str]:
    """The base as people name it, why it is that one, and its commit; the mirror is brought up to date on the way.

    `base` is a branch, a tag or a commit; None is the directory's current branch, or its HEAD where that is detached.
    RevisionUnknown, NameRefused, EmptyRepository, RepositoryGone.
    """
    mirror.fetch()
    why = "given with --base"
    if base is None:
        tip = mirror.remote_tip()
        base = tip.branch or tip.sha
        why = "the directory's current branch" if tip.branch else "the directory's HEAD, which is on no branch"
    if is_sha(base) and not mirror.has_commit(base):
        mirror.fetch(base)  # on no branch and under no tag, so it did not come along
    return base, why, mirror.resolve(base)


class LocalSource:
    """The Source of tasks on directories. The task's request has `directory` (absolute) and `base` (or None).

    Work is done on a bare clone. The directory's working tree, index and HEAD are neither read nor written: what is
    not committed there is not part of the work. `progress` gets a task's new events, in order, each once.
    """

    def __init__(self, progress: Callable[[Sequence[Event]], None]) -> None:
        self._progress = progress
        self._shown: dict[str, int] = {}
        self._lock = threading.Lock()

    def acknowledge(self, context: TaskContext) -> None:
        self.show(context)

    def prepare(self, context: TaskContext) -> Prepared:
        """See `find_base`. EndTask for a base that is not there; EmptyRepository, RepositoryGone."""
        task = context.task()
        try:
            base, why, sha = find_base(self.mirror(context), task.request.get("base"))
        except RevisionUnknown as unknown:
            raise EndTask(Stage.FAILED, f"there is no base to work from: {unknown}") from None
        branch = branch_name(task.ticket["title"], task.id)
        return Prepared(base_branch=base, why=why, base_sha=sha, start_sha=sha, branch=branch)

    def mirror(self, context: TaskContext) -> Mirror:
        directory = context.task().request["directory"]
        return Mirror.open(mirror_path(context.workshop.mirrors, directory), Remote(directory))

    def show(self, context: TaskContext) -> None:
        self.catch_up(context.database, context.id)

    def catch_up(self, database: Database, task_id: str) -> None:
        """Hands on the events since the last call, from whichever thread it comes."""
        with self._lock:
            with database.read() as session:
                new = events.of_task(session, task_id, after=self._shown.get(task_id, 0))
            if new:
                self._shown[task_id] = new[-1].seq
                self._progress(new)

    def publish(self, context: TaskContext) -> Move:
        """Puts the branch into the directory, proven or not. Only a proven change is done; on others people decide."""
        task = context.task()
        head, branch = task.head_sha or "", task.branch or ""
        context.heartbeat.renew()
        try:
            self.mirror(context).push(head, branch, expected=task.data.get("pushed_sha"))
        except (NonFastForward, PushRejected, AuthenticationRefused) as refused:
            return Move(Stage.NEEDS_HUMAN, f"the branch could not be put into the directory: {refused}")
        verdict = str(task.data.get("verdict"))
        if verdict == "proven":
            return Move(Stage.DONE, remember={"pushed_sha": head})
        return Move(
            Stage.NEEDS_HUMAN,
            f"the change could not be proven ({verdict.replace('_', ' ')}): it is on the branch {branch}",
            remember={"pushed_sha": head},
        )
