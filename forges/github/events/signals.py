"""What a delivery can mean to us: a closed union of frozen values, keyed on GitHub's numeric ids.

Every signal has a `subject`, the key of the mailbox its effects must be ordered in: an issue or pull request
(`github:{installation}:{repository}:{number}`), a commit or a branch where no number is known, a repository, an
installation, or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Trigger = Literal["assigned", "label", "mention", "command", "opened_mention"]
CloseReason = Literal["closed", "merged", "deleted", "transferred"]
ChecksSource = Literal["check_run", "check_suite", "status", "workflow_run"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `type` is GitHub's: User, Bot, Organization or Mannequin."""

    id: int
    login: str
    type: str

    @property
    def is_bot(self) -> bool:
        return self.type == "Bot"


@dataclass(frozen=True, slots=True)
class RepositoryRef:
    """The repository as the payload had it; `id` is what lasts."""

    id: int
    full_name: str
    default_branch: str
    private: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _InRepository:
    installation_id: int
    repository: RepositoryRef
    actor: Actor

    @property
    def subject(self) -> str:
        return f"github:{self.installation_id}:{self.repository.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnNumber(_InRepository):
    number: int
    is_pull_request: bool

    @property
    def subject(self) -> str:
        return f"github:{self.installation_id}:{self.repository.id}:{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnCommit(_InRepository):
    head_sha: str
    pull_numbers: tuple[int, ...]

    @property
    def subject(self) -> str:
        """Of the pull request when there is exactly one (forks have none in the payload), otherwise of the commit."""
        place = self.pull_numbers[0] if len(self.pull_numbers) == 1 else f"sha:{self.head_sha}"
        return f"github:{self.installation_id}:{self.repository.id}:{place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequested(_OnNumber):
    """Somebody asked for work. `text` is what they wrote where they asked; title and body are the subject's own.

    `base` is an explicit `base:` option; `problem` what to tell the asker about an option that could not be taken.
    `optimize`: the work is to make the kernel of this path or name faster, and nothing else.
    `hop` is the number to put into the markers of our own answers: one more than the request arrived with.
    """

    trigger: Trigger
    text: str
    title: str
    body: str
    state: str
    labels: tuple[str, ...]
    milestone: str | None
    base: str | None = None
    problem: str | None = None
    optimize: str | None = None
    comment_id: int | None = None
    hop: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainRequested(_OnNumber):
    """Somebody asked a question about the code. `question` is empty when the subject itself is to be explained.

    `said_in` is what it was written in, once for each: `comment:7`, `review:7`, `review_comment:7`, `opened`.
    `comment_id` is set for a comment in the conversation; `path` is the file an inline comment stands at.
    """

    said_in: str
    question: str
    title: str
    body: str
    comment_id: int | None = None
    path: str | None = None
    hop: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyKernelsRequested(_OnNumber):
    """Somebody asked to verify a pull request's kernels: the one called `name`, all when it is None.

    `problem`: what to tell the asker about a name that could not be taken."""

    comment_id: int
    name: str | None
    problem: str | None = None
    hop: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested(_OnNumber):
    """A stop command. `comment_id` is None when it stood in a review body."""

    comment_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested(_OnNumber):
    """A retry command, with the same options as a request."""

    comment_id: int | None
    base: str | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering(_OnNumber):
    """A comment that asks for nothing by itself: guidance, if a task is live there."""

    comment_id: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSubmitted(_OnNumber):
    """A review; `state` is approved, changes_requested or commented. Its inline comments come as own signals."""

    review_id: int
    state: str
    body: str
    commit_id: str | None
    head_ref: str
    author_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCommented(_OnNumber):
    """One inline comment. `review_id` groups those of one review; `line` is None when it is outdated or on a file."""

    comment_id: int
    review_id: int | None
    in_reply_to_id: int | None
    body: str
    path: str
    line: int | None
    start_line: int | None
    side: str | None
    commit_id: str | None
    diff_hunk: str
    head_ref: str
    author_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectClosed(_OnNumber):
    """The issue or pull request ended, and how."""

    reason: CloseReason

    @property
    def merged(self) -> bool:
        return self.reason == "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectReopened(_OnNumber):
    """The issue or pull request is open again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectEdited(_OnNumber):
    """Title, body or (of a pull request) base changed; the values are the new ones."""

    title: str
    body: str
    base_changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestMoved(_OnNumber):
    """A pull request is at another head, onto another base, or there at all: opened, reopened, pushed to or retargeted,
    by whomever, ourselves among them. `meant`: what the same delivery means beside that."""

    head_sha: str
    meant: TaskRequested | ExplainRequested | SubjectReopened | SubjectEdited | Ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassigned(_OnNumber):
    """A login that asks by assignment was taken off: the request is withdrawn."""

    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlabelled(_OnNumber):
    """The label that asks was taken off: the request is withdrawn."""

    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckActionPressed(_OnCommit):
    """A button of our own check run. Anyone with write access can press it: check `actor` again."""

    identifier: str
    check_run_id: int
    external_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRerequested(_OnCommit):
    """Somebody asked to run our check again; both ids are None when the whole suite was meant."""

    check_run_id: int | None
    external_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksChanged(_OnCommit):
    """Some CI result on a commit changed: look at the checks again. `name` and `conclusion` are for people to read."""

    source: ChecksSource
    name: str
    conclusion: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchPushed(_InRepository):
    """Somebody else moved a branch. `before` or `after` is forty zeros when it was created or deleted."""

    ref: str
    before: str
    after: str
    forced: bool
    deleted: bool

    @property
    def subject(self) -> str:
        return f"github:{self.installation_id}:{self.repository.id}:{self.ref}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryChanged(_InRepository):
    """The repository itself was renamed, transferred, archived, deleted, made private, ..."""

    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationChanged:
    """The App was installed, removed, suspended, given other permissions or other repositories."""

    installation_id: int
    action: str
    actor: Actor
    permissions: tuple[tuple[str, str], ...] = ()
    added: tuple[tuple[int, str], ...] = ()
    removed: tuple[tuple[int, str], ...] = ()

    @property
    def subject(self) -> str:
        return f"github:{self.installation_id}"


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for us, and why: stored with the delivery, so that people can see it."""

    reason: str

    @property
    def subject(self) -> None:
        return None


Signal = (
    TaskRequested
    | ExplainRequested
    | VerifyKernelsRequested
    | StopRequested
    | RetryRequested
    | Steering
    | ReviewSubmitted
    | ReviewCommented
    | SubjectClosed
    | SubjectReopened
    | SubjectEdited
    | PullRequestMoved
    | Unassigned
    | Unlabelled
    | CheckActionPressed
    | CheckRerequested
    | ChecksChanged
    | BranchPushed
    | RepositoryChanged
    | InstallationChanged
    | Ignored
)
