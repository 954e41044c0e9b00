"""What a delivery wants looked at: a pull request's new head, or what somebody asked for."""

from __future__ import annotations

from sqlalchemy.orm import Session

from forges.github.events import CheckRerequested, PullRequestMoved, VerifyKernelsRequested
from store import kernel_checks
from store.kernel_checks import NewLook

EXTERNAL_ID = "kernel"


def of_head(signal: PullRequestMoved) -> NewLook:
    repository = signal.repository
    key = f"github:{repository.id}:{signal.number}:{signal.head_sha}"
    return NewLook(key, signal.installation_id, repository.id, repository.full_name, signal.number)


def of_comment(signal: VerifyKernelsRequested) -> NewLook:
    repository = signal.repository
    return NewLook(
        f"github:{repository.id}:comment:{signal.comment_id}",
        signal.installation_id,
        repository.id,
        repository.full_name,
        signal.number,
        asked={
            "by": signal.actor.login,
            "names": None if signal.name is None else [signal.name],
            "comment_id": signal.comment_id,
            "hop": signal.hop,
        },
    )


def of_rerequest(session: Session, signal: CheckRerequested) -> NewLook | None:
    """The look at what a check run of ours, or all of a commit, is to tell anew; None when that is no kernel's.

    A check run is asked for again once: what it is answered by is another one.
    """
    repository_id = signal.repository.id
    kind, _, rest = (signal.external_id or "").partition(":")
    if signal.check_run_id is None:
        found = kernel_checks.on_head(session, repository_id, signal.head_sha)
        what = f"suite:{signal.head_sha}:{max((one.round for one in found), default=0)}"
    elif kind == EXTERNAL_ID:
        one = kernel_checks.of_check_run(session, repository_id, rest.partition(":")[0])
        found, what = [one] if one is not None else [], f"run:{signal.check_run_id}"
    else:
        return None
    if not found:
        return None
    return NewLook(
        f"github:{repository_id}:{what}",
        signal.installation_id,
        repository_id,
        signal.repository.full_name,
        found[0].number,
        asked={"by": signal.actor.login, "names": sorted({one.kernel for one in found}), "comment_id": None, "hop": 1},
    )
