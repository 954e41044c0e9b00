"""What the twin remembers, as plain records: GitHub's things under GitHub's names, linked by id or login."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal

from demo.github.clock import now

_order = count(1)


def _next() -> int:
    """The place in what happened: times are whole seconds, and pages show what came first."""
    return next(_order)


Role = Literal["read", "triage", "write", "maintain", "admin"]
ROLES: tuple[Role, ...] = ("read", "triage", "write", "maintain", "admin")


AccountKind = Literal["User", "Bot", "Organization"]


@dataclass
class User:
    id: int
    login: str
    type: AccountKind = "User"
    name: str | None = None
    members: set[str] = field(default_factory=set)  # logins, for an organization
    created_at: datetime = field(default_factory=now)


@dataclass
class Hook:
    """An App's webhook settings. The secret leaves the twin only in the answer of the manifest conversion."""

    id: int
    url: str | None = None
    secret: str | None = field(default=None, repr=False)
    content_type: Literal["json", "form"] = "json"


@dataclass
class App:
    id: int
    slug: str
    name: str
    owner: str
    client_id: str
    public_key: bytes
    permissions: dict[str, str]
    events: list[str]
    hook: Hook
    description: str | None = None
    external_url: str = "https://example.invalid/"
    created_at: datetime = field(default_factory=now)

    @property
    def login(self) -> str:
        return f"{self.slug}[bot]"


@dataclass
class Installation:
    id: int
    app_id: int
    account: str
    permissions: dict[str, str]
    events: list[str]
    repository_ids: set[int] | None = None  # None: all repositories of the account
    suspended_at: datetime | None = None
    created_at: datetime = field(default_factory=now)


@dataclass
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass
class Reaction:
    id: int
    user: str
    content: str
    created_at: datetime = field(default_factory=now)


@dataclass
class Issue:
    """An issue, or the issue side of a pull request (`is_pull`): they share one number space."""

    id: int
    number: int
    title: str
    body: str | None
    user: str
    is_pull: bool = False
    state: Literal["open", "closed"] = "open"
    state_reason: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    via_app: int | None = None
    reactions: list[Reaction] = field(default_factory=list)
    timeline: list["Happening"] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    closed_at: datetime | None = None
    closed_by: str | None = None


@dataclass
class Happening:
    """One line of an issue's timeline that is not a comment: somebody labelled, assigned, closed, pushed."""

    actor: str
    what: str
    at: datetime = field(default_factory=now)
    order: int = field(default_factory=_next)


@dataclass
class Comment:
    id: int
    number: int
    body: str
    user: str
    via_app: int | None = None
    reactions: list[Reaction] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    order: int = field(default_factory=_next)


@dataclass
class Pull:
    """The branch side of a pull request; its text, labels and comments are on the issue of the same number."""

    id: int
    number: int
    head: str
    head_sha: str
    base: str
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: str | None = None
    merge_commit_sha: str | None = None
    requested_reviewers: list[str] = field(default_factory=list)
    maintainer_can_modify: bool = False
    mergeable_for: tuple[str, str] | None = None  # the (base, head) that `mergeable` was computed for
    mergeable: bool | None = None


@dataclass
class Review:
    id: int
    number: int
    user: str
    state: Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"]
    body: str
    commit_id: str
    submitted_at: datetime = field(default_factory=now)
    order: int = field(default_factory=_next)


@dataclass
class ReviewComment:
    id: int
    number: int
    review_id: int
    user: str
    body: str
    path: str
    commit_id: str
    diff_hunk: str
    line: int | None
    side: Literal["LEFT", "RIGHT"] = "RIGHT"
    start_line: int | None = None
    start_side: Literal["LEFT", "RIGHT"] | None = None
    in_reply_to: int | None = None
    subject_type: Literal["line", "file"] = "line"
    position: int = 1
    outdated: bool = False
    resolved_by: str | None = None  # on the first comment of a thread only
    reactions: list[Reaction] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)


@dataclass
class CheckSuite:
    id: int
    app_id: int
    head_sha: str
    head_branch: str | None
    before: str | None
    after: str | None
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    requeued: bool = False
    announced: tuple[int, ...] = ()  # the check runs whose completion was last told as check_suite.completed


@dataclass
class CheckRun:
    id: int
    suite_id: int
    app_id: int
    name: str
    head_sha: str
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    details_url: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)


@dataclass
class CommitStatus:
    id: int
    sha: str
    context: str
    state: str
    creator: str
    description: str | None
    target_url: str | None
    created_at: datetime = field(default_factory=now)


@dataclass
class Step:
    name: str
    number: int
    status: str = "queued"
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass
class Job:
    """One job of a workflow run. Its id is also the id of its check run, as on GitHub."""

    id: int
    run_id: int
    key: str
    name: str
    status: str = "queued"
    conclusion: str | None = None
    steps: list[Step] = field(default_factory=list)
    log: str = ""
    created_at: datetime = field(default_factory=now)
    started_at: datetime = field(default_factory=now)
    completed_at: datetime | None = None


@dataclass
class WorkflowRun:
    id: int
    number: int
    workflow_id: int
    name: str
    path: str
    event: str
    head_sha: str
    head_branch: str
    suite_id: int
    actor: str
    title: str
    status: str = "queued"
    conclusion: str | None = None
    jobs: list[Job] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)


@dataclass
class Protection:
    """What a branch asks for before a merge. `pull_request` also refuses direct pushes."""

    contexts: list[tuple[str, int | None]] = field(default_factory=list)
    strict: bool = False
    pull_request: bool = False


@dataclass
class Repository:
    id: int
    owner: str
    name: str
    path: Path  # the bare git repository
    description: str | None = None
    private: bool = False
    default_branch: str = "main"
    drafts_allowed: bool = True
    collaborators: dict[str, Role] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    reviews: dict[int, Review] = field(default_factory=dict)
    review_comments: dict[int, ReviewComment] = field(default_factory=dict)
    suites: dict[int, CheckSuite] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    statuses: list[CommitStatus] = field(default_factory=list)
    workflow_runs: dict[int, WorkflowRun] = field(default_factory=dict)
    protections: dict[str, Protection] = field(default_factory=dict)
    created_at: datetime = field(default_factory=now)
    pushed_at: datetime = field(default_factory=now)

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"
