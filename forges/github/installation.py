"""An installation, and one repository of it ready to work with: all operations under one narrowed token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from .check_runs import CheckRuns
from .ci import Ci
from .contents import Contents
from .events import Actor
from .issues import Issues, person
from .permissions import Permissions
from .pulls import Pulls
from .reviews import Reviews
from .transport import Channel, TokenSource

Connect = Callable[[str | None], tuple[Channel, TokenSource]]
"""From a repository's full name, or None for the whole installation, to its requests and tokens."""


@dataclass(frozen=True, slots=True)
class RepositoryInfo:
    """A repository as it stands now."""

    id: int
    full_name: str
    default_branch: str
    private: bool
    archived: bool
    fork: bool
    clone_url: str
    html_url: str


class Installation:
    """An installation: the App in one account. `connect` opens it for one repository, or for all of them."""

    def __init__(self, installation_id: int, connect: Connect) -> None:
        self.id = installation_id
        self._connect = connect

    def repository(self, full_name: str) -> Repository:
        """Return a repository (`owner/name`) to work with. Asks nothing yet."""
        return Repository(self.id, full_name, self._connect)

    def repositories(self) -> list[RepositoryInfo]:
        """Return every repository the installation covers."""
        channel, _ = self._connect(None)
        return [_repository(body) for body in channel.pages("/installation/repositories", key="repositories")]

    def bot_user(self, slug: str) -> Actor:
        """Return the App's bot user; its id stands in every delivery we cause, and in our commits' e-mail address."""
        channel, _ = self._connect(None)
        return person(channel.get(f"/users/{quote(slug + '[bot]')}"))


class Repository:
    """One repository under a token narrowed to it. Safe to share between threads."""

    def __init__(self, installation_id: int, full_name: str, connect: Connect) -> None:
        self.full_name = full_name
        self.installation_id = installation_id
        self._channel, self._tokens = connect(full_name)
        self.issues: Final = Issues(self._channel, full_name)
        self.pulls: Final = Pulls(self._channel, full_name)
        self.reviews: Final = Reviews(self._channel, full_name)
        self.check_runs: Final = CheckRuns(self._channel, full_name)
        self.ci: Final = Ci(self._channel, full_name)
        self.contents: Final = Contents(self._channel, full_name)
        self.permissions: Final = Permissions(self._channel, full_name)

    def info(self) -> RepositoryInfo:
        """Return the repository as it stands. NotFound when it is gone or no longer covered."""
        return _repository(self._channel.get(f"/repos/{self.full_name}"))

    def git_token(self) -> str:
        """Return a token for git over HTTPS (user name `x-access-token`), good for five minutes at least.

        Ask for it at each git operation and keep it nowhere.
        """
        return self._tokens.current().value

    def __repr__(self) -> str:
        return f"Repository({self.full_name})"


def _repository(body: Any) -> RepositoryInfo:
    return RepositoryInfo(
        id=body["id"],
        full_name=body["full_name"],
        default_branch=body["default_branch"],
        private=body["private"],
        archived=bool(body.get("archived")),
        fork=bool(body.get("fork")),
        clone_url=body["clone_url"],
        html_url=body["html_url"],
    )
