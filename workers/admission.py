"""What a signal means: a new task, a word to a live one, a stop, or nothing. GitHub is asked each time who may ask."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.github import Signal
from forges.github.events import (
    BranchPushed,
    CheckActionPressed,
    CheckRerequested,
    ChecksChanged,
    ExplainRequested,
    InstallationChanged,
    PullRequestMoved,
    RepositoryChanged,
    RetryRequested,
    ReviewCommented,
    ReviewSubmitted,
    Steering,
    StopRequested,
    SubjectClosed,
    TaskRequested,
    Unassigned,
    Unlabelled,
    VerifyKernelsRequested,
)
from forges.github.events import Ignored as MeansNothing
from store import events, inputs, kernel_looks, tasks
from store.schema import Task
from workers import freshness, questions, requests
from workers.github.desk import Desk
from workers.kernel_checks import asking
from workers.refusing import key_of, refuse
from workers.retrying import limits_from
from workers.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a delivery ended: done or ignored, and why, for people to read."""

    state: str
    why: str


Settle = Callable[[Session, Outcome], None]


class Admission:
    """Carries out signals. `settle` is called in the transaction that does what the signal means."""

    def __init__(self, workshop: Workshop, desk: Desk) -> None:
        self._workshop, self._desk = workshop, desk

    def take(self, signal: Signal, settle: Settle) -> None:
        """Raises ForgeError when GitHub does not say who may ask; nothing has been done then."""
        match signal:
            case TaskRequested() | RetryRequested():
                self._requested(signal, settle)
            case ExplainRequested():
                self._asked(signal, settle)
            case Steering() | ReviewSubmitted() | ReviewCommented():
                self._said(signal, settle)
            case StopRequested():
                self._stop_asked(signal, settle)
            case CheckActionPressed():
                self._button(signal, settle)
            case Unassigned() | Unlabelled() | SubjectClosed():
                self._withdrawn(signal, settle)
            case BranchPushed():
                self._pushed(signal, settle)
            case PullRequestMoved():
                self._moved(signal, settle)
            case VerifyKernelsRequested():
                self._verify(signal, settle)
            case CheckRerequested():
                self._rerequested(signal, settle)
            case ChecksChanged():
                self._woken(signal, settle)
            case RepositoryChanged() | InstallationChanged():
                self._gone(signal, settle)
            case _:
                self._end(settle, "ignored", f"{type(signal).__name__}: nothing to do")

    def _end(self, settle: Settle, state: str, why: str) -> None:
        with self._workshop.database.write() as session:
            settle(session, Outcome(state, why))

    def _permission(self, signal: Any) -> str:
        """The actor's permission now: admin, write, read or none."""
        repository = self._desk.app.installation(signal.installation_id).repository(signal.repository.full_name)
        return repository.permissions.role(signal.actor.login).permission

    def _live(self, session: Session, signal: Any) -> Task | None:
        """The live task a signal is about: on this very subject, or the owner of this pull request."""
        return tasks.live_on(session, signal.subject) or (
            tasks.on_pull_request(session, signal.repository.id, signal.number) if signal.is_pull_request else None
        )

    # Requests

    def _requested(self, signal: TaskRequested | RetryRequested, settle: Settle) -> None:
        permission = self._permission(signal)
        if permission not in ("write", "admin"):
            refuse(
                self._workshop,
                self._desk,
                signal,
                "only people with write permission on this repository can give me work. "
                "Somebody with that permission can ask for this too.",
            )
            self._end(settle, "ignored", f"{signal.actor.login} has the permission {permission}: refused")
            return
        if signal.problem:
            refuse(
                self._workshop,
                self._desk,
                signal,
                f"I did not start: {signal.problem}.",
                key=key_of(signal.comment_id, signal.problem),
            )
            self._end(settle, "ignored", signal.problem)
            return
        if isinstance(signal, TaskRequested) and signal.state != "open":
            self._end(
                settle, "ignored", f"the {'pull request' if signal.is_pull_request else 'issue'} is {signal.state}"
            )
            return
        if isinstance(signal, TaskRequested) and signal.optimize and signal.comment_id and self._is_busy(signal):
            # To the task that lives there it would be a word about its own change.
            why = "I am at work here already. Ask for this again when that has ended."
            refuse(self._workshop, self._desk, signal, why, key=f"comment:{signal.comment_id}")
            self._end(settle, "ignored", "a task lives there: nothing else is optimized beside it")
            return
        now, limits = self._workshop.clock(), limits_from(self._workshop.settings)
        with self._workshop.database.write() as session:
            live = self._live(session, signal)
            if live is not None:
                settle(session, self._to_live(session, live, signal, permission, now))
                return
            if isinstance(signal, RetryRequested):
                new = requests.again(session, signal, permission, limits)
            else:
                new = requests.first(signal, permission, limits)
            if new is None:
                settle(session, Outcome("ignored", "there is no earlier task here to retry"))
                return
            task = tasks.create(session, new, now=now)
            if task is None:
                settle(session, Outcome("ignored", "this request was taken before"))
                return
            tasks.rung(session, [task.id], now=now)
            settle(session, Outcome("done", f"task {task.id}"))
        self._workshop.ring(task.id)

    def _is_busy(self, signal: TaskRequested) -> bool:
        with self._workshop.database.read() as session:
            return self._live(session, signal) is not None

    def _asked(self, signal: ExplainRequested, settle: Settle) -> None:
        """A question is a task of its own beside whatever lives on its subject: it changes nothing there."""
        permission = self._permission(signal)
        if permission not in ("write", "admin"):
            refuse(
                self._workshop,
                self._desk,
                signal,
                "only people with write permission on this repository can ask me. "
                "Somebody with that permission can ask for this too.",
            )
            self._end(settle, "ignored", f"{signal.actor.login} has the permission {permission}: refused")
            return
        now = self._workshop.clock()
        with self._workshop.database.write() as session:
            task = tasks.create(session, questions.new_question(signal, permission, self._workshop.settings), now=now)
            if task is None:
                settle(session, Outcome("ignored", "this question was taken before"))
                return
            tasks.rung(session, [task.id], now=now)
            settle(session, Outcome("done", f"task {task.id}"))
        self._workshop.ring(task.id)

    def _to_live(self, session: Session, live: Task, signal: Any, permission: str, now: float) -> Outcome:
        """A request where a task lives already is a word to that task, if it has words."""
        if isinstance(signal, TaskRequested) and signal.comment_id is not None:
            inputs.add(
                session,
                live.id,
                key=f"comment:{signal.comment_id}",
                kind="comment",
                author=signal.actor.login,
                permission=permission,
                body=signal.text,
                data={"comment_id": signal.comment_id, "number": signal.number},
                now=now,
            )
            tasks.wake(session, live.id, now=now)
            return Outcome("done", f"said to task {live.id}")
        return Outcome("ignored", f"task {live.id} is at it already")

    # Words to a live task

    def _said(self, signal: Steering | ReviewSubmitted | ReviewCommented, settle: Settle) -> None:
        with self._workshop.database.read() as session:
            live = self._live(session, signal)
        if live is None:
            self._end(settle, "ignored", "no task is live there")
            return
        permission = self._permission(signal)
        now = self._workshop.clock()
        with self._workshop.database.write() as session:
            if permission not in ("write", "admin"):
                events.append(
                    session,
                    live.id,
                    live.stage,
                    "unread",
                    {"author": signal.actor.login, "permission": permission},
                    now=now,
                )
                settle(
                    session, Outcome("ignored", f"{signal.actor.login} has the permission {permission}: not passed on")
                )
                return
            if isinstance(signal, ReviewSubmitted) and signal.state == "approved" and not signal.body.strip():
                events.append(session, live.id, live.stage, "approved", {"by": signal.actor.login}, now=now)
                tasks.wake(session, live.id, now=now)
                settle(session, Outcome("done", f"approval noted for task {live.id}"))
                return
            key, kind, data, ripe = self._as_input(signal, now)
            added = inputs.add(
                session,
                live.id,
                key=key,
                kind=kind,
                author=signal.actor.login,
                permission=permission,
                # What an inline comment says is read from the review: the input's own words are the review's.
                body="" if key.startswith("review:") and isinstance(signal, ReviewCommented) else signal.body,
                data=data,
                now=now,
                not_before=ripe,
            )
            if (
                not added
                and isinstance(signal, ReviewSubmitted)
                and not inputs.amend(session, live.id, key, body=signal.body, data=data)
            ):
                # The review came so long after its inline comments that these are being answered already.
                inputs.add(
                    session,
                    live.id,
                    key=f"{key}:words",
                    kind=kind,
                    author=signal.actor.login,
                    permission=permission,
                    body=signal.body,
                    data=data | {"words_only": True},
                    now=now,
                )
            tasks.wake(session, live.id, now=now)
            settle(
                session, Outcome("done", f"said to task {live.id}" if added else f"part of {key} for task {live.id}")
            )

    def _as_input(self, signal: Any, now: float) -> tuple[str, str, dict[str, Any], float]:
        """Key, kind, data and when it is ripe. A review with N inline comments is 1 + N deliveries and one input."""
        if isinstance(signal, Steering):
            return (
                f"comment:{signal.comment_id}",
                "comment",
                {"comment_id": signal.comment_id, "number": signal.number},
                0.0,
            )
        if signal.review_id is None:
            return f"review_comment:{signal.comment_id}", "review", {"comment_id": signal.comment_id}, now
        ripe = now + self._workshop.settings.review_debounce_s
        return f"review:{signal.review_id}", "review", {"review_id": signal.review_id}, ripe

    # Stops

    def _stop_asked(self, signal: StopRequested, settle: Settle) -> None:
        permission = self._permission(signal)
        if permission not in ("write", "admin"):
            self._end(settle, "ignored", f"{signal.actor.login} has the permission {permission}: not stopped")
            return
        self._stop(signal, f"{signal.actor.login}", settle)

    def _stop(self, signal: Any, who: str, settle: Settle) -> None:
        now = self._workshop.clock()
        with self._workshop.database.write() as session:
            live = self._live(session, signal)
            if live is None or not tasks.request_stop(session, live.id, who, now=now):
                settle(session, Outcome("ignored", "no task is live there"))
                return
            tasks.rung(session, [live.id], now=now)
            settle(session, Outcome("done", f"task {live.id} told to stop"))
        self._workshop.ring(live.id)

    def _withdrawn(self, signal: Unassigned | Unlabelled | SubjectClosed, settle: Settle) -> None:
        """The request was taken back, or its subject closed. With a pull request open, that decides, not the issue."""
        with self._workshop.database.read() as session:
            live = self._live(session, signal)
        if live is None:
            self._end(settle, "ignored", "no task is live there")
        elif isinstance(signal, SubjectClosed) and live.pull_number is not None:
            self._wake_all([live.id], settle)
        else:
            self._stop(signal, f"{signal.actor.login} ({_how_withdrawn(signal)})", settle)

    def _button(self, signal: CheckActionPressed, settle: Settle) -> None:
        permission = self._permission(signal)
        task_id = (signal.external_id or "").partition(":")[0]
        with self._workshop.database.read() as session:
            task = tasks.get(session, task_id)
        if task is None or task.repository_id != signal.repository.id:
            self._end(settle, "ignored", "the button belongs to no task here")
        elif permission not in ("write", "admin"):
            self._end(
                settle, "ignored", f"{signal.actor.login} has the permission {permission}: the button does nothing"
            )
        elif signal.identifier == "stop":
            now = self._workshop.clock()
            with self._workshop.database.write() as session:
                tasks.request_stop(session, task_id, signal.actor.login, now=now)
                settle(session, Outcome("done", f"task {task_id} told to stop"))
            self._workshop.ring(task_id)
        elif signal.identifier == "retry":
            again = RetryRequested(
                installation_id=signal.installation_id,
                repository=signal.repository,
                actor=signal.actor,
                number=task.number or 0,
                is_pull_request=task.is_pull_request,
                comment_id=None,
                base=None,
                problem=None,
            )
            self._requested(again, settle)
        else:
            self._end(settle, "ignored", f"unknown button {signal.identifier!r}")

    # Things that happened

    def _pushed(self, signal: BranchPushed, settle: Settle) -> None:
        """Wakes the tasks of the branch; where it is the default branch, the repository's index will follow."""
        if not freshness.moves_default_branch(signal):
            self._woken(signal, settle)
            return

        def settle_and_note(session: Session, outcome: Outcome) -> None:
            done = outcome.state == "done"
            settle(session, Outcome("done", f"{outcome.why}; the index follows" if done else "the index follows"))
            freshness.note(session, signal)

        self._woken(signal, settle_and_note)

    def _moved(self, signal: PullRequestMoved, settle: Settle) -> None:
        """What the delivery means besides is done as ever; in the same transaction its kernels are noted for a look."""
        nothing_else = isinstance(signal.meant, MeansNothing)

        def settle_and_note(session: Session, outcome: Outcome) -> None:
            wanted = kernel_looks.want_look(session, asking.of_head(signal), now=self._workshop.clock())
            look = "looked at for kernels" if wanted else "being looked at for kernels"
            settle(session, Outcome("done", look if nothing_else else f"{outcome.why}; {look}"))

        if isinstance(signal.meant, MeansNothing):
            self._end(settle_and_note, "ignored", signal.meant.reason)
        else:
            self.take(signal.meant, settle_and_note)

    def _verify(self, signal: VerifyKernelsRequested, settle: Settle) -> None:
        permission = self._permission(signal)
        key = f"comment:{signal.comment_id}"
        if permission not in ("write", "admin"):
            refuse(
                self._workshop,
                self._desk,
                signal,
                "only people with write permission on this repository can have kernels verified. "
                "Somebody with that permission can ask for this too.",
            )
            self._end(settle, "ignored", f"{signal.actor.login} has the permission {permission}: refused")
        elif not signal.is_pull_request:
            refuse(
                self._workshop,
                self._desk,
                signal,
                "kernels are verified where they are changed: ask on a pull request.",
                key=key,
            )
            self._end(settle, "ignored", "asked on an issue")
        elif signal.problem:
            refuse(self._workshop, self._desk, signal, f"nothing was verified: {signal.problem}.", key=key)
            self._end(settle, "ignored", signal.problem)
        else:
            with self._workshop.database.write() as session:
                wanted = kernel_looks.want_look(session, asking.of_comment(signal), now=self._workshop.clock())
                why = "looked at for kernels" if wanted else "this request was taken before"
                settle(session, Outcome("done" if wanted else "ignored", why))

    def _rerequested(self, signal: CheckRerequested, settle: Settle) -> None:
        def settle_and_note(session: Session, outcome: Outcome) -> None:
            look = asking.of_rerequest(session, signal)
            if look is not None and kernel_looks.want_look(session, look, now=self._workshop.clock()):
                woke = f"{outcome.why}; " if outcome.state == "done" else ""
                outcome = Outcome("done", f"{woke}looked at for kernels")
            settle(session, outcome)

        self._woken(signal, settle_and_note)

    def _woken(self, signal: ChecksChanged | CheckRerequested | BranchPushed, settle: Settle) -> None:
        with self._workshop.database.read() as session:
            if isinstance(signal, BranchPushed):
                branch = signal.ref.removeprefix("refs/heads/")
                ids = tasks.live_on_branch(session, signal.repository.id, branch)
            else:
                ids = tasks.parked_on_head(session, signal.repository.id, signal.head_sha)
        if not ids:
            self._end(settle, "ignored", "no task waits for this")
            return
        self._wake_all(ids, settle)

    def _wake_all(self, ids: list[str], settle: Settle) -> None:
        now = self._workshop.clock()
        with self._workshop.database.write() as session:
            for task_id in ids:
                tasks.wake(session, task_id, now=now)
            tasks.rung(session, ids, now=now)
            settle(session, Outcome("done", "woke " + ", ".join(ids)))
        for task_id in ids:
            self._workshop.ring(task_id)

    def _gone(self, signal: RepositoryChanged | InstallationChanged, settle: Settle) -> None:
        """A repository or installation that went away takes its tasks with it."""
        if signal.action not in ("deleted", "suspend", "archived", "transferred", "repositories_removed"):
            self._end(settle, "ignored", f"{type(signal).__name__} {signal.action}: nothing to do")
            return
        where = Task.installation_id == signal.installation_id
        if isinstance(signal, RepositoryChanged):
            where = Task.repository_id == signal.repository.id
        elif signal.action == "repositories_removed":
            where = Task.repository_id.in_([number for number, _ in signal.removed])
        who = f"{signal.actor.login} ({signal.action.replace('_', ' ')})"
        now = self._workshop.clock()
        with self._workshop.database.write() as session:
            ids = list(session.scalars(select(Task.id).where(where, Task.wake_at.is_not(None))))
            for task_id in ids:
                tasks.request_stop(session, task_id, who, now=now)
            settle(session, Outcome("done", f"stopped {len(ids)} tasks"))
        for task_id in ids:
            self._workshop.ring(task_id)


def _how_withdrawn(signal: Unassigned | Unlabelled | SubjectClosed) -> str:
    match signal:
        case Unassigned():
            return "unassigning"
        case Unlabelled():
            return "taking off the label"
    return "closing"
