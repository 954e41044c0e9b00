"""From a delivery's event name and payload to a Signal, without I/O.

`parse` takes anything and never raises: what it does not know, or cannot read, is Ignored with the reason. Who may ask
is not decided here (that takes a question to GitHub), only whose doing it was and what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from . import ci, installations, reviews, tickets
from .fields import Malformed, NoInstallation
from .rules import TriggerRules
from .signals import (
    Actor,
    BranchPushed,
    CheckActionPressed,
    CheckRerequested,
    ChecksChanged,
    ExplainRequested,
    Ignored,
    InstallationChanged,
    PullRequestMoved,
    RepositoryChanged,
    RepositoryRef,
    RetryRequested,
    ReviewCommented,
    ReviewSubmitted,
    Signal,
    Steering,
    StopRequested,
    SubjectClosed,
    SubjectEdited,
    SubjectReopened,
    TaskRequested,
    Unassigned,
    Unlabelled,
    VerifyKernelsRequested,
)

_Parser = Callable[[str, Mapping[str, Any], TriggerRules], Signal]

_PARSERS: Final[Mapping[str, _Parser]] = {
    "check_run": ci.check_run,
    "check_suite": ci.check_suite,
    "installation": installations.installation,
    "installation_repositories": installations.installation_repositories,
    "issue_comment": tickets.issue_comment,
    "issues": tickets.issues,
    "pull_request": tickets.pull_request,
    "pull_request_review": reviews.pull_request_review,
    "pull_request_review_comment": reviews.pull_request_review_comment,
    "push": ci.push,
    "repository": installations.repository,
    "status": ci.status,
    "workflow_run": ci.workflow_run,
}

HANDLED_EVENTS: Final = frozenset(_PARSERS)


def parse(event: str, payload: Mapping[str, Any], rules: TriggerRules) -> Signal:
    """Return what the delivery means: `event` is its X-GitHub-Event header, `payload` its decoded body."""
    parser = _PARSERS.get(event)
    if parser is None:
        return Ignored(f"event {event[:60]!r} is not handled")
    action = payload.get("action", "")
    if not isinstance(action, str):
        return Ignored(f"malformed {event} payload: action")
    try:
        return parser(action, payload, rules)
    except NoInstallation:
        return Ignored("the payload names no installation: it was not sent to an App")
    except Malformed as error:
        return Ignored(f"malformed {event} payload: {error}")


__all__ = [
    "HANDLED_EVENTS",
    "Actor",
    "BranchPushed",
    "CheckActionPressed",
    "CheckRerequested",
    "ChecksChanged",
    "ExplainRequested",
    "Ignored",
    "InstallationChanged",
    "PullRequestMoved",
    "RepositoryChanged",
    "RepositoryRef",
    "RetryRequested",
    "ReviewCommented",
    "ReviewSubmitted",
    "Signal",
    "Steering",
    "StopRequested",
    "SubjectClosed",
    "SubjectEdited",
    "SubjectReopened",
    "TaskRequested",
    "TriggerRules",
    "Unassigned",
    "Unlabelled",
    "VerifyKernelsRequested",
    "parse",
]
