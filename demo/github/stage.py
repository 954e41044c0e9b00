"""The demo's set of people, App and repository: what a twin is furnished with, and everything needed to use it."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from demo import samples
from demo.github.manifest import make_keys
from demo.github.records import Issue
from demo.github.world import World

OWNER = "brightwork"
MAINTAINER, REVIEWER, OUTSIDER, MACHINE = "maria", "ravi", "otis", "forgehand-bot"
SLUG = "forgehand"
TRIGGER_LABEL = "forgehand"

PERMISSIONS = {
    "actions": "read",
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "members": "read",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "read",
}
EVENTS = [
    "check_run",
    "check_suite",
    "create",
    "delete",
    "issue_comment",
    "issues",
    "label",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "status",
    "workflow_run",
]


@dataclass(frozen=True)
class Stage:
    """How to reach a furnished twin. Holds secrets: kept out of `repr`, written only to a file of the owner's own."""

    url: str
    repository: str
    issue: int
    app_id: int
    app_slug: str
    installation_id: int
    trigger_login: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    admin_token: str = field(repr=False)
    tokens: dict[str, str] = field(repr=False)

    def save(self, path: Path) -> None:
        """Writes the stage as JSON to a new file that only its owner can read."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)

    @classmethod
    def load(cls, path: Path) -> "Stage":
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def furnish(
    world: World,
    *,
    sample: str,
    hook_url: str | None,
    permissions: dict[str, str] | None = None,
    admin_token: str | None = None,
) -> Stage:
    """Puts people, the App, its installation, the sample repository and its open issue into an empty world."""
    private, public = make_keys()
    secret = secrets.token_hex(20)
    with world.lock:
        organization = world.add_user(OWNER, "Organization", "Brightwork")
        for login, name in (
            (MAINTAINER, "Maria Lindqvist"),
            (REVIEWER, "Ravi Menon"),
            (OUTSIDER, "Otis Carver"),
            (MACHINE, "Forgehand"),
        ):
            world.add_user(login, "User", name)
        organization.members |= {MAINTAINER, REVIEWER}
        app = world.add_app(
            SLUG,
            "Forgehand",
            OWNER,
            public_key=public,
            permissions=PERMISSIONS if permissions is None else permissions,
            events=EVENTS,
            hook_url=hook_url,
            hook_secret=secret,
        )
        repository = world.add_repository(OWNER, sample, description=samples.summary(sample))
        repository.collaborators |= {MAINTAINER: "admin", REVIEWER: "write", MACHINE: "triage"}
        samples.build(sample, repository.path)
        installation = world.add_installation(app, OWNER)
        title, body = samples.issue(sample)
        issue = Issue(world.next_id(), 1, title, body, MAINTAINER, labels=["bug"])
        repository.issues[issue.number] = issue
        return Stage(
            world.base_url,
            repository.full_name,
            issue.number,
            app.id,
            app.slug,
            installation.id,
            MACHINE,
            private.decode(),
            secret,
            admin_token or secrets.token_hex(20),
            {login: world.issue_user_token(login) for login in (MAINTAINER, REVIEWER, OUTSIDER)},
        )
