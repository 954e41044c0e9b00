"""What a delivery wants looked at: a pull request's new head, or what somebody asked for."""

from __future__ import annotations

from sqlalchemy.orm import Session

from forges.github.events import CheckRerequested, PullRequestMoved, VerifyKernelsRequested
from store import kernel_checks, kernel_looks
from store.kernel_looks import NewLook
from store.schema import KernelLook

EXTERNAL_ID = "kernel"
FAULTS_ID = "kernels"


def of_head(signal: PullRequestMoved) -> NewLook:
    repository = signal.repository
    key = f"github:{repository.id}:{signal.number}:{signal.head_sha}"
    return NewLook(key, signal.installation_id, repository.id, repository.full_name, signal.number)


def delivered_head(look: KernelLook) -> str | None:
    """The head that a delivery told of; None for a look that somebody asked for."""
    return None if look.asked is not None else look.key.rpartition(":")[2]


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

    A check run is asked for again until a round answers it: that is another check run. What says that kernels cannot be
    verified stands for all of the commit: which those are is for the look to find out.
    """
    repository_id = signal.repository.id
    kind, _, rest = (signal.external_id or "").partition(":")
    if signal.check_run_id is not None and kind == EXTERNAL_ID:
        one = kernel_checks.of_check_run(session, repository_id, rest.partition(":")[0])
        if one is None:
            return None
        return _pressed(signal, f"run:{signal.check_run_id}", one.number, [one.kernel], touched=False)
    if signal.check_run_id is not None and kind != FAULTS_ID:
        return None
    found = kernel_checks.on_head(session, repository_id, signal.head_sha)
    numbers = (*(one.number for one in found), *signal.pull_numbers)
    number = next(iter(numbers), None) or kernel_looks.looked_at(session, repository_id, signal.head_sha)
    if number is None:
        return None
    what = f"suite:{signal.head_sha}:{sum(one.round for one in found)}"
    return _pressed(signal, what, number, sorted({one.kernel for one in found}), touched=True)


def _pressed(signal: CheckRerequested, what: str, number: int, names: list[str], *, touched: bool) -> NewLook:
    """`touched`: beside `names` those that the pull request touches."""
    repository = signal.repository
    return NewLook(
        f"github:{repository.id}:{what}",
        signal.installation_id,
        repository.id,
        repository.full_name,
        number,
        asked={"by": signal.actor.login, "names": names, "touched": touched, "comment_id": None, "hop": 1},
    )
