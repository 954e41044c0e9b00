"""A furnished twin with the App on it, as the tests use it: people, our own pushes, deliveries kept."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from demo.github import Controls, Person, Stage, Twin
from forges.github import (
    GitHubApp,
    Repository,
    TriggerRules,
)
from forges.github.events import (
    Signal,
)
from forges.github.pulls import PullRequest

from .receiver import Receiver


@dataclass
class Place:
    """A furnished twin, the App on it, and a receiver for its deliveries."""

    twin: Twin
    stage: Stage
    app: GitHubApp
    repository: Repository
    bot_id: int
    receiver: Receiver
    folder: Path
    branches: int = 0

    @property
    def controls(self) -> Controls:
        return self.twin.controls()

    @property
    def maria(self) -> Person:
        return self.twin.person("maria")

    @property
    def rules(self) -> TriggerRules:
        return TriggerRules(
            app_id=self.stage.app_id,
            app_slug=self.stage.app_slug,
            bot_user_id=self.bot_id,
            assignees=frozenset({self.stage.trigger_login}),
            label="forgehand",
        )

    def issue(self, body: str = "It breaks.") -> int:
        number: int = self.maria.open_issue(self.stage.repository, "Broken", body)["number"]
        return number

    def signal(self, wanted: Callable[[Signal], bool]) -> Signal:
        return self.receiver.wait_for(wanted, self.rules, self.stage.webhook_secret)

    def git(self, *arguments: str, cwd: Path | None = None, token: str | None = None) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.com",
        }
        if token is not None:
            helper = "!f() { echo username=x-access-token; echo password=$FORGE_TOKEN; }; f"
            environment |= {
                "FORGE_TOKEN": token,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "credential.helper",
                "GIT_CONFIG_VALUE_0": helper,
            }
        done = subprocess.run(
            ["git", *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def push_branch(self) -> tuple[str, str]:
        """Push a new branch with one commit, with a token of our own; return its name and sha."""
        self.branches += 1
        name = f"work/{self.branches}"
        clone = self.folder / f"clone-{self.branches}"
        token = self.repository.git_token()
        self.git("clone", "-q", self.repository.info().clone_url, str(clone), token=token)
        (clone / "NOTES.md").write_text(f"branch {self.branches}\n" * 5)
        self.git("checkout", "-qb", name, cwd=clone)
        self.git("add", "NOTES.md", cwd=clone)
        self.git("commit", "-qm", "Notes", cwd=clone)
        self.git("push", "-q", "origin", name, cwd=clone, token=token)
        return name, self.git("rev-parse", "HEAD", cwd=clone)

    def pull(self) -> PullRequest:
        head, _ = self.push_branch()
        return self.repository.pulls.create(head=head, base="main", title="Notes", body="Some notes.")


def until(probe: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return what `probe` returns as soon as that is true."""
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    while datetime.now(UTC) < deadline:
        if found := probe():
            return found
        time.sleep(0.02)
    raise AssertionError("not within the time allowed")
