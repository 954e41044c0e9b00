"""Default branches followed: what was pushed is fetched and indexed before a task asks for it.

A push leaves one mark for its repository in the database, the newest taking the place of the one before. Every worker
looks at the marks for the mirrors on its own host: one process of a host at a time, one repository at a time, in
processes that yield to all others. A push that is missed, or a worker that is behind, costs the next task the time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from forges.github import ForgeError, ForgeUnavailable, GitHubApp, RateLimited
from forges.github.events import BranchPushed
from repositories import Mirror, Remote
from repositories.errors import MirrorBusy, RemoteUnavailable, RepositoryError
from repositories.locking import exclusive
from store import duties
from workers.github.desk import mirror_path
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0
REST_S = 10.0
TROUBLE_S = 60.0
UNUSED_S = 900.0
_MARK = "push:github:"


@dataclass(frozen=True, slots=True)
class Push:
    """Where a repository's default branch was moved to."""

    repository_id: int
    installation_id: int
    repository: str
    branch: str
    sha: str


def moves_default_branch(signal: BranchPushed) -> bool:
    return signal.ref == f"refs/heads/{signal.repository.default_branch}" and not signal.deleted


def note(session: Session, signal: BranchPushed) -> None:
    """Leaves the mark that the repository's default branch moved."""
    push = Push(
        signal.repository.id,
        signal.installation_id,
        signal.repository.full_name,
        signal.repository.default_branch,
        signal.after,
    )
    duties.set_mark(session, f"{_MARK}{push.repository_id}", json.dumps(asdict(push)))


def _read(mark: str) -> Push | None:
    """None for a mark that a release with other fields left."""
    try:
        return Push(**json.loads(mark))
    except (ValueError, TypeError):
        return None


class Freshness:
    """One host's following of default branches."""

    def __init__(self, workshop: Workshop, app: GitHubApp) -> None:
        self._workshop, self._app = workshop, app
        self._seen: dict[int, Push] = {}
        self._not_before: dict[int, float] = {}

    def turn(self) -> list[str]:
        """Brings every index here up to what was pushed since; returns the repositories it did that for."""
        workshop = self._workshop
        workshop.indexes.let_go(unused_s=UNUSED_S)
        with workshop.database.read() as session:
            pushes = [_read(value) for value in duties.marks(session, _MARK).values()]
        waiting = [push for push in pushes if push and self._seen.get(push.repository_id) != push and self._may(push)]
        if not waiting:
            return []
        try:
            with exclusive(workshop.mirrors / "freshness.lock", timeout=0.0):
                return [push.repository for push in waiting if not workshop.draining.is_set() and self._follow(push)]
        except MirrorBusy:
            return []  # another process of this host is at it

    def _may(self, push: Push) -> bool:
        return self._workshop.clock() >= self._not_before.get(push.repository_id, 0.0)

    def _follow(self, push: Push) -> bool:
        """True when there was something to do. Trouble that may pass is met again a minute later."""
        path = mirror_path(self._workshop.mirrors, push.repository_id)
        rest_s, seen, done = REST_S, True, False
        try:
            if path.exists() and not self._workshop.indexes.knows(path, push.sha):
                self._refresh(push, path)
                done = True
        except (ForgeUnavailable, RateLimited, RemoteUnavailable, MirrorBusy) as trouble:
            log.warning("an index waits for its repository", repository=push.repository, error=str(trouble))
            rest_s, seen = TROUBLE_S, False
        except (ForgeError, RepositoryError) as refusal:
            log.warning("a repository cannot be followed", repository=push.repository, error=str(refusal))
        except Exception:
            # The next task finds out for itself; this push is not tried again.
            log.exception("an index could not be brought up to date", repository=push.repository)
        self._not_before[push.repository_id] = self._workshop.clock() + rest_s
        if seen:
            self._seen[push.repository_id] = push
        return done

    def _refresh(self, push: Push, path: Path) -> None:
        repository = self._app.installation(push.installation_id).repository(push.repository)
        mirror = Mirror.open(path, Remote(repository.info().clone_url, repository.git_token))
        mirror.fetch(push.branch)
        # The branch may have moved again since, or back: what it holds now is what the next task starts from.
        sha = mirror.resolve(push.branch)
        seconds = self._workshop.indexes.refresh(path, sha)
        log.info("followed a push", repository=push.repository, sha=sha, seconds=round(seconds, 3))
