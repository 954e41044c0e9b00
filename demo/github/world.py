"""The twin's whole memory behind one lock, with the look-ups everything else is written in."""

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from demo.github import git
from demo.github.clock import now
from demo.github.errors import not_found
from demo.github.records import ROLES, AccountKind, App, Hook, Installation, Label, Repository, Role, User

ACTIONS_APP_ID = 15368  # GitHub Actions' own App on github.com

DEFAULT_LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("enhancement", "a2eeef", "New feature or request"),
)


@dataclass
class InstallationToken:
    installation_id: int
    permissions: dict[str, str]
    repository_ids: set[int] | None
    expires_at: datetime


@dataclass
class World:
    """Everything the twin knows. Hold `lock` while reading or changing it.

    `folder` takes the bare git repositories; `token_life` is how long an installation token is good for.
    """

    folder: Path
    base_url: str = "http://127.0.0.1"
    token_life: timedelta = timedelta(hours=1)
    rate_limit: int = 5000
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    users: dict[str, User] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    installation_tokens: dict[str, InstallationToken] = field(default_factory=dict, repr=False)
    user_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    _last_id: int = 1000

    def __post_init__(self) -> None:
        self.add_user("github", "Organization")
        self.add_user("web-flow")
        self.add_app(
            "github-actions",
            "GitHub Actions",
            "github",
            public_key=b"",
            permissions={},
            events=[],
            app_id=ACTIONS_APP_ID,
        )

    def next_id(self) -> int:
        with self.lock:
            self._last_id += 1
            return self._last_id

    # people

    def add_user(self, login: str, kind: AccountKind = "User", name: str | None = None) -> User:
        with self.lock:
            user = User(self.next_id(), login, kind, name)
            self.users[login.lower()] = user
            return user

    def user(self, login: str) -> User:
        found = self.users.get(login.lower())
        if found is None:
            raise not_found()
        return found

    def issue_user_token(self, login: str) -> str:
        with self.lock:
            token = f"ghp_{secrets.token_hex(18)}"
            self.user_tokens[token] = self.user(login).login
            return token

    # apps

    def add_app(
        self,
        slug: str,
        name: str,
        owner: str,
        *,
        public_key: bytes,
        permissions: dict[str, str],
        events: list[str],
        hook_url: str | None = None,
        hook_secret: str | None = None,
        app_id: int | None = None,
    ) -> App:
        with self.lock:
            made = App(
                id=app_id or self.next_id(),
                slug=slug,
                name=name,
                owner=owner,
                client_id=f"Iv23{secrets.token_hex(8)}",
                public_key=public_key,
                permissions={"metadata": "read", **permissions},
                events=list(events),
                hook=Hook(self.next_id(), hook_url, hook_secret),
            )
            self.apps[made.id] = made
            self.add_user(made.login, "Bot", name)
            return made

    def add_installation(self, app: App, account: str, repository_ids: set[int] | None = None) -> Installation:
        with self.lock:
            made = Installation(
                self.next_id(),
                app.id,
                self.user(account).login,
                dict(app.permissions),
                list(app.events),
                repository_ids,
            )
            self.installations[made.id] = made
            return made

    def covers(self, installation: Installation, repository: Repository) -> bool:
        return installation.account == repository.owner and (
            installation.repository_ids is None or repository.id in installation.repository_ids
        )

    def installations_on(self, repository: Repository) -> Iterator[Installation]:
        for installation in self.installations.values():
            if installation.suspended_at is None and self.covers(installation, repository):
                yield installation

    def covered_by(self, installation: Installation) -> list[Repository]:
        return [r for r in self.repositories.values() if self.covers(installation, r)]

    # repositories

    def add_repository(
        self, owner: str, name: str, *, private: bool = False, description: str | None = None
    ) -> Repository:
        """An empty repository with a bare git repository beside it."""
        with self.lock:
            path = self.folder / owner / f"{name}.git"
            git.init_bare(path)
            made = Repository(self.next_id(), self.user(owner).login, name, path, description, private)
            for label, color, about in DEFAULT_LABELS:
                made.labels[label] = Label(self.next_id(), label, color, about)
            self.repositories[made.id] = made
            return made

    def repository(self, owner: str, name: str) -> Repository:
        wanted = f"{owner}/{name}".lower()
        for repository in self.repositories.values():
            if repository.full_name.lower() == wanted:
                return repository
        raise not_found()

    def role(self, repository: Repository, login: str) -> Role | None:
        """What `login` may do: a granted role, admin for the owner, read for anybody on a public repository."""
        user = self.users.get(login.lower())
        if user is None:
            return None
        if user.login == repository.owner:
            return "admin"
        granted = repository.collaborators.get(user.login)
        if granted is not None:
            return granted
        return None if repository.private else "read"

    def has_role(self, repository: Repository, login: str, least: Role) -> bool:
        role = self.role(repository, login)
        return role is not None and ROLES.index(role) >= ROLES.index(least)

    def assignable(self, repository: Repository, login: str) -> bool:
        """GitHub offers people with at least triage; bots of Apps are never on the list."""
        user = self.users.get(login.lower())
        return user is not None and user.type == "User" and self.has_role(repository, user.login, "triage")

    def association(self, repository: Repository, login: str) -> str:
        """GitHub's `author_association`: how somebody stands to the repository, not what they may do."""
        if login == repository.owner:
            return "OWNER"
        owner = self.users.get(repository.owner.lower())
        if owner is not None and login in owner.members:
            return "MEMBER"
        if login in repository.collaborators:
            return "COLLABORATOR"
        merged = {p.number for p in repository.pulls.values() if p.merged_at is not None}
        if any(repository.issues[number].user == login for number in merged):
            return "CONTRIBUTOR"
        return "NONE"

    def expires(self) -> datetime:
        return now() + self.token_life
