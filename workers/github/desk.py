"""One task's place at GitHub: its repository, our bot's identity there, and its mirror."""

import threading
from dataclasses import dataclass
from pathlib import Path

from forges.github import GitHubApp, Marker, Repository
from forges.github.events import Actor
from repositories import Mirror, Remote
from workers.workshop import TaskContext


@dataclass(frozen=True, slots=True)
class Identity:
    """Our App as it shows itself: `bot` is the user its comments and commits come from."""

    app_id: int
    slug: str
    bot: Actor

    @property
    def committer(self) -> tuple[str, str]:
        """Name and address that make GitHub show the bot as the author of a commit."""
        return f"{self.slug}[bot]", f"{self.bot.id}+{self.slug}[bot]@users.noreply.github.com"


class Desk:
    """The App, with what it learns once and keeps: its identity in each installation."""

    def __init__(self, app: GitHubApp) -> None:
        self.app = app
        self._identity: Identity | None = None
        self._lock = threading.Lock()

    def identity(self, installation_id: int) -> Identity:
        """Who we are. The bot's user is the same in all installations; any of them can be asked."""
        with self._lock:
            if self._identity is None:
                app = self.app.identity()
                bot = self.app.installation(installation_id).bot_user(app.slug)
                self._identity = Identity(app.id, app.slug, bot)
            return self._identity

    def repository(self, context: TaskContext) -> Repository:
        task = context.task()
        if task.installation_id is None:
            raise ValueError(f"task {task.id} has no installation")
        return self.app.installation(task.installation_id).repository(task.repository)

    def identity_for(self, context: TaskContext) -> Identity:
        return self.identity(context.task().installation_id or 0)

    def mirror(self, context: TaskContext) -> Mirror:
        """The repository's mirror, named by the repository's number: names change."""
        task = context.task()
        url = task.data.get("clone_url")
        if not url:
            raise ValueError(f"task {task.id} does not know its clone address yet")
        remote = Remote(url, self.repository(context).git_token)
        return Mirror.open(mirror_path(context.workshop.mirrors, task.repository_id or 0), remote)


def mirror_path(mirrors: Path, repository_id: int) -> Path:
    """Where a repository's mirror is kept."""
    return mirrors / "github" / f"{repository_id}.git"


def marker(context: TaskContext, kind: str, **fields: str) -> Marker:
    """The hidden marker of something this task writes; it carries how many bots the request has passed."""
    hop = str(context.task().request.get("hop", 1))
    return Marker(kind, {"task": context.id, **fields, "hop": hop})
