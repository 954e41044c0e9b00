"""A look at a pull request: which kernels it touches, a check and a check run for each, an answer to who asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog

from codebase.kernel_entries import Kernels, read_kernels
from codebase.source import MAX_TEXT
from forges.github import ForgeError, ForgeUnavailable, GitHubApp, NotFound, RateLimited
from forges.github.pulls import PullRequest
from kernels.rendering.words import code
from kernels.task import TaskError
from repositories import Mirror, Remote
from repositories.errors import MirrorBusy, RemoteUnavailable, RepositoryError, RevisionUnknown
from store import LeaseLost, kernel_checks, kernel_looks, leasing
from store.kernel_checks import NotNow
from store.leasing import Held
from store.schema import KernelCheck, KernelLook
from workers.github.desk import Desk, mirror_path
from workers.kernel_checks import waiting
from workers.kernel_checks.asking import delivered_head
from workers.kernel_checks.lease import Kept
from workers.kernel_checks.opening import address, new_check, open_check
from workers.kernel_checks.plan import Plan, Planned, plan
from workers.kernel_checks.reading import candidate_at, task_of
from workers.kernel_checks.telling import Teller, answer_text
from workers.kernel_checks.trouble import again_after
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
MOST_CLAIMS = 5
RING_AGAIN_S = 5.0
# GitHub's answers lag behind its deliveries by seconds; a head or a branch that is still not there then is gone.
BEHIND_TRIES = 4


class _Behind(Exception):
    """GitHub does not show yet what it has told of."""


@dataclass(frozen=True, slots=True)
class _Ground:
    """A pull request with the commits that count: `base` is the base branch as it is now, `before` where it left it.
    `other_base`: its name, where it is not the default branch."""

    pull: PullRequest
    mirror: Mirror
    base: str
    before: str
    head: str
    other_base: str | None


class Lookout:
    """One process's looks. Whoever is lost on the way is followed by another, which finds what was made."""

    def __init__(self, workshop: Workshop, app: GitHubApp) -> None:
        self._workshop, self._desk = workshop, Desk(app)

    def turn(self) -> list[str]:
        """Takes the looks that are due, and ends the checks nobody came for; returns the ids of the looks."""
        with self._workshop.database.read() as session:
            due = kernel_looks.due_looks(session, now=self._workshop.clock())
        taken = [one for one in due if not self._workshop.draining.is_set() and self._take(one)]
        waiting.give_up(self._workshop)
        waiting.tell_the_untold(self._workshop, self._desk)
        return taken

    def _take(self, look_id: str) -> bool:
        workshop = self._workshop
        now, lease_s = workshop.clock(), workshop.settings.lease_s
        with workshop.database.write() as session:
            held = leasing.take(session, KernelLook, look_id, workshop.owner, now=now, lease_s=lease_s)
        if held is None:
            return False
        try:
            with Kept(workshop, held) as kept, structlog.contextvars.bound_contextvars(look=look_id):
                self._see(kept)
        except LeaseLost:
            log.warning("lease lost: another worker goes on with the look", look=look_id)
        return True

    def _see(self, kept: Kept) -> None:
        """Looks, and writes how it ended: seen, to be seen again later, or given up."""
        with self._workshop.database.read() as session:
            look = session.get_one(KernelLook, kept.held.id)
            session.expunge(look)
        teller = Teller(self._workshop, self._desk, look)
        try:
            if look.claims > MOST_CLAIMS:
                outcome = self._unseen(teller, look, kept, f"the worker was lost {MOST_CLAIMS} times")
            else:
                outcome = self._look(teller, look, kept)
        except (RateLimited, ForgeUnavailable, RemoteUnavailable, MirrorBusy, NotNow, _Behind) as trouble:
            later = again_after(look.troubles, trouble, now=self._workshop.clock())
            if later is not None:
                log.warning("a look waits", seconds=later, error=str(trouble))
                self._later(kept.held, later, look.troubles + 1)
                return
            outcome = self._unseen(teller, look, kept, f"given up: {trouble}")
        except (ForgeError, RepositoryError) as refusal:
            outcome = self._unseen(teller, look, kept, f"refused: {refusal}")
        except LeaseLost:
            raise
        except Exception as defect:
            log.exception("a look failed")
            outcome = self._unseen(teller, look, kept, f"{type(defect).__name__} in Forgehand itself")
        with self._workshop.database.write() as session:
            kernel_looks.end_look(session, kept.held, outcome, now=self._workshop.clock())

    def _unseen(self, teller: Teller, look: KernelLook, kept: Kept, outcome: str) -> str:
        """Tells who asked that nothing came of it, where that can be told: the look ends all the same."""
        kept.renew()
        try:
            teller.answer(look, f"nothing was verified: {code(outcome)}.")
        except ForgeError as refusal:
            log.warning("nobody was told of a look", outcome=outcome, error=str(refusal))
        except LeaseLost:
            raise
        except Exception:
            log.exception("nobody was told of a look", outcome=outcome)
        return outcome

    def _later(self, held: Held, seconds: float, troubles: int) -> None:
        with self._workshop.database.write() as session:
            leasing.give_back(session, held, wake_at=self._workshop.clock() + seconds, troubles=troubles)

    def _look(self, teller: Teller, look: KernelLook, kept: Kept) -> str:
        """How it came out, in words for the log."""
        try:
            pull = teller.repository.pulls.get(look.number)
        except NotFound:
            return "there is no such pull request any more"
        if pull.state != "open":
            teller.answer(look, f"nothing was verified: the pull request is {pull.state}.")
            return f"the pull request is {pull.state}"
        # Pushed to again it has a look of its own; an answer from before the push would cost the head its look.
        if delivered_head(look) not in (None, pull.head_sha) and look.troubles < BEHIND_TRIES:
            raise _Behind(f"the pull request is at {pull.head_sha[:12]}, not at the head that was delivered")
        if not self._names_kernels(teller, pull):
            teller.answer(look, "`.forgehand.yml` names no kernels.")
            return "no kernels are named"
        try:
            ground = self._fetched(teller, pull)
        except RevisionUnknown as unknown:
            if look.troubles < BEHIND_TRIES:
                raise _Behind(str(unknown)) from unknown
            raise
        found = self._planned(ground, look.asked)
        faults = [] if found.problem is None else [_of_problem(found)]
        rows = []
        for one in found.checks:
            kept.renew()
            try:
                rows.append(self._opened(teller, kept, ground, one, again=look.asked is not None))
            except TaskError as error:
                faults.append(_of_entry(ground, one, str(error)))
        told = None
        if faults:
            kept.renew()
            told = teller.faults(ground.head, faults)
        kept.renew()
        runs = {row.kernel: url for row in rows if (url := address(row)) is not None}
        teller.answer(look, answer_text(ground.head, runs, found, told))
        return f"{len(rows)} kernels, {len(faults)} faults"

    def _names_kernels(self, teller: Teller, pull: PullRequest) -> bool:
        """Asked of GitHub, file by file: most repositories name none, and are not cloned for that."""
        for ref in (pull.base_ref, pull.head_sha):
            kernels = read_kernels(
                cache(lambda path, ref=ref: teller.repository.contents.file(path, ref, limit=MAX_TEXT))
            )
            if kernels.entries or kernels.problems:
                return True
        return False

    def _fetched(self, teller: Teller, pull: PullRequest) -> _Ground:
        repository = teller.repository.info()
        remote = Remote(repository.clone_url, teller.repository.git_token)
        mirror = Mirror.open(mirror_path(self._workshop.mirrors, pull.base_repository_id), remote)
        mirror.fetch(pull.base_ref)
        mirror.fetch(f"refs/pull/{pull.number}/head")
        if not mirror.has_commit(pull.head_sha):
            mirror.fetch(pull.head_sha)
        base = mirror.resolve(f"refs/heads/{pull.base_ref}")
        before = mirror.merge_base(base, pull.head_sha) or base
        other_base = None if pull.base_ref == repository.default_branch else pull.base_ref
        return _Ground(pull, mirror, base, before, pull.head_sha, other_base)

    def _planned(self, ground: _Ground, asked: Mapping[str, Any] | None) -> Plan:
        changed = {
            path
            for one in ground.mirror.changed_paths(ground.before, ground.head)
            for path in (one.path, one.old_path)
            if path is not None
        }
        base, before, head = (_kernels(ground.mirror, sha) for sha in (ground.base, ground.before, ground.head))
        touched = plan(base, before, head, changed)
        if asked is None:
            return touched
        names = asked["names"]
        if names is None:
            names = [entry.name for side in (base, head) for entry in side.entries]
        elif asked.get("touched"):
            names = [*names, *(one.entry.name for one in touched.checks)]
        return plan(base, before, head, changed, names)

    def _opened(self, teller: Teller, kept: Kept, ground: _Ground, planned: Planned, *, again: bool) -> KernelCheck:
        """TaskError when what the entry names cannot be verified."""
        entry = planned.entry
        at = ground.base if planned.at == "base" else ground.head
        task = task_of(entry, ground.mirror, at)
        candidate_at(ground.mirror, ground.head, entry.candidate)
        # What may be taken by a worker without a GPU at once is so for all; the rest waits for a GPU first.
        waits_s = self._workshop.settings.kernel_gpu_wait_s if task.device == "cuda" else 0.0
        new = new_check(
            planned,
            task,
            head=ground.head,
            reference=at,
            base=ground.other_base,
            wake_at=self._workshop.clock() + waits_s,
        )
        return open_check(self._workshop, teller, kept.held, new, again=again)


def ring_again(workshop: Workshop) -> list[str]:
    """Rings for every check that a worker may take and was not rung for in the last seconds; returns their ids."""
    now = workshop.clock()
    with workshop.database.read() as session:
        due = kernel_checks.due(session, now=now, ring_again_after=RING_AGAIN_S)
    if due:
        with workshop.database.write() as session:
            kernel_checks.rung(session, due, now=now)
        for check_id in due:
            workshop.ring_kernels(check_id)
    return due


def _kernels(mirror: Mirror, sha: str) -> Kernels:
    return read_kernels(cache(lambda path: mirror.read_file(sha, path)))


def _of_problem(found: Plan) -> tuple[str, int | None, str]:
    problem = found.problem
    if problem is None:
        raise ValueError("the plan has no problem")
    where = "" if found.of == "head" else f" (line {problem.where.line} at the base branch)"
    return problem.where.path, problem.where.line if found.of == "head" else None, f"{problem.message}{where}"


def _of_entry(ground: _Ground, planned: Planned, text: str) -> tuple[str, int | None, str]:
    """A fault of one entry: its line counts where the entry is the head's own."""
    path = _kernels(ground.mirror, ground.head).path
    own = planned.at == "head" and path is not None
    return path or ".forgehand.yml", planned.entry.line if own else None, f"{planned.entry.name}: {text}"
