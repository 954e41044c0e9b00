"""A look at a pull request: which kernels it touches, a check and a check run for each, an answer to who asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import structlog

from codebase.kernel_entries import KernelEntry, Kernels, read_kernels
from codebase.source import MAX_TEXT
from forges.github import ForgeError, ForgeUnavailable, GitHubApp, NotFound, RateLimited
from forges.github.pulls import PullRequest
from kernels.task import MOST_SOURCE, Task, TaskError, make_task
from repositories import Mirror, Remote
from repositories.errors import MirrorBusy, RemoteUnavailable, RepositoryError, TreeTooLarge
from store import LeaseLost, kernel_checks, leasing
from store.kernel_checks import NewCheck
from store.leasing import Held
from store.schema import KernelCheck, KernelLook
from workers.github.desk import Desk, mirror_path
from workers.kernel_checks import ending
from workers.kernel_checks.lease import Kept
from workers.kernel_checks.plan import Plan, Planned, plan
from workers.kernel_checks.telling import Teller, answer_text
from workers.kernel_checks.trouble import again_after
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
MOST_CLAIMS = 5
RING_AGAIN_S = 5.0
_FOR_A_GPU = (
    "For a worker with a GPU. When none took it within {minutes:.0f} minutes it is checked as far as that goes without "
    "one, and is neither right nor wrong then."
)
_FOR_A_WORKER = "For a worker of the queue `kernels`."


@dataclass(frozen=True, slots=True)
class _Ground:
    """A pull request with the commits that count: `base` is the base branch as it is now, `before` where it left it."""

    pull: PullRequest
    mirror: Mirror
    base: str
    before: str
    head: str


class Lookout:
    """One process's looks. Whoever is lost on the way is followed by another, which finds what was made."""

    def __init__(self, workshop: Workshop, app: GitHubApp) -> None:
        self._workshop, self._desk = workshop, Desk(app)

    def turn(self) -> list[str]:
        """Takes the looks that are due, and ends the checks nobody came for; returns the ids of the looks."""
        with self._workshop.database.read() as session:
            due = kernel_checks.due_looks(session, now=self._workshop.clock())
        self._give_up_waiting()
        self._tell_the_untold()
        return [one for one in due if not self._workshop.draining.is_set() and self._take(one)]

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
        try:
            if look.claims > MOST_CLAIMS:
                outcome = f"the worker was lost {MOST_CLAIMS} times"
            else:
                outcome = self._look(look, kept)
        except (RateLimited, ForgeUnavailable, RemoteUnavailable, MirrorBusy) as trouble:
            later = again_after(look.troubles, trouble, now=self._workshop.clock())
            if later is not None:
                log.warning("a look waits", seconds=later, error=str(trouble))
                self._later(kept.held, later, look.troubles + 1)
                return
            outcome = f"given up: {trouble}"
        except (ForgeError, RepositoryError) as refusal:
            outcome = f"refused: {refusal}"
        except LeaseLost:
            raise
        except Exception as defect:
            log.exception("a look failed")
            outcome = f"{type(defect).__name__} in Forgehand itself"
        with self._workshop.database.write() as session:
            kernel_checks.end_look(session, kept.held, outcome, now=self._workshop.clock())

    def _later(self, held: Held, seconds: float, troubles: int) -> None:
        with self._workshop.database.write() as session:
            leasing.give_back(session, held, wake_at=self._workshop.clock() + seconds, troubles=troubles)

    def _look(self, look: KernelLook, kept: Kept) -> str:
        """How it came out, in words for the log."""
        teller = Teller(self._workshop, self._desk, look)
        try:
            pull = teller.repository.pulls.get(look.number)
        except NotFound:
            return "there is no such pull request any more"
        if pull.state != "open":
            teller.answer(look, f"nothing was verified: the pull request is {pull.state}.")
            return f"the pull request is {pull.state}"
        if not self._names_kernels(teller, pull):
            teller.answer(look, "`.forgehand.yml` names no kernels.")
            return "no kernels are named"
        ground = self._fetched(teller, pull)
        found = self._planned(
            ground, (look.asked or {}).get("names") if look.asked else None, asked=look.asked is not None
        )
        faults = [] if found.problem is None else [_of_problem(found)]
        rows = []
        for one in found.checks:
            try:
                rows.append(self._opened(kept, ground, one, again=look.asked is not None))
            except TaskError as error:
                faults.append(_of_entry(ground, one, str(error)))
        kept.renew()
        runs = {row.kernel: str(self._open_run(teller, row)["url"]) for row in rows}
        told = None
        if faults:
            kept.renew()
            told = teller.faults(ground.head, faults)
        self._ring([row.id for row in rows if row.finished_at is None])
        kept.renew()
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
        remote = Remote(teller.repository.info().clone_url, teller.repository.git_token)
        mirror = Mirror.open(mirror_path(self._workshop.mirrors, pull.base_repository_id), remote)
        mirror.fetch(pull.base_ref)
        mirror.fetch(f"refs/pull/{pull.number}/head")
        base = mirror.resolve(f"refs/heads/{pull.base_ref}")
        return _Ground(pull, mirror, base, mirror.merge_base(base, pull.head_sha) or base, pull.head_sha)

    def _planned(self, ground: _Ground, names: list[str] | None, *, asked: bool) -> Plan:
        changed = {
            path
            for one in ground.mirror.changed_paths(ground.before, ground.head)
            for path in (one.path, one.old_path)
            if path is not None
        }
        base, before, head = (_kernels(ground.mirror, sha) for sha in (ground.base, ground.before, ground.head))
        if asked and names is None:
            names = [entry.name for side in (base, head) for entry in side.entries]
        return plan(base, before, head, changed, names)

    def _opened(self, kept: Kept, ground: _Ground, planned: Planned, *, again: bool) -> KernelCheck:
        """TaskError when what the entry names cannot be verified."""
        workshop, entry = self._workshop, planned.entry
        at = ground.base if planned.at == "base" else ground.head
        task = task_of(entry, ground.mirror, at)
        if _source(ground.mirror, ground.head, entry.candidate) is None:
            raise TaskError(f"the candidate {entry.candidate} is not there at the head")
        now = workshop.clock()
        # What may be taken by a worker without a GPU at once is so for all; the rest waits for a GPU first.
        wake_at = now + (workshop.settings.kernel_gpu_wait_s if task.device == "cuda" else 0.0)
        new = NewCheck(
            kernel=entry.name,
            head_sha=ground.head,
            reference_sha=at,
            digest=task.digest,
            entry={
                "reference": entry.reference,
                "candidate": entry.candidate,
                "options": entry.options,
                "claims": entry.claims,
            },
            device=task.device or "cpu",
            unread=planned.unread,
            wake_at=wake_at,
        )
        with workshop.database.write() as session:
            row = kernel_checks.want_check(session, kept.held, new, again=again, now=now)
            session.expunge(row)
            return row

    def _open_run(self, teller: Teller, row: KernelCheck) -> Mapping[str, object]:
        minutes = self._workshop.settings.kernel_gpu_wait_s / 60
        waits = _FOR_A_GPU.format(minutes=minutes) if row.device == "cuda" else _FOR_A_WORKER
        return teller.open(row, waits)

    def _ring(self, check_ids: list[str]) -> None:
        if check_ids:
            with self._workshop.database.write() as session:
                kernel_checks.rung(session, check_ids, now=self._workshop.clock())
            for check_id in check_ids:
                self._workshop.ring_kernels(check_id)

    def _give_up_waiting(self) -> None:
        """A check that no worker took in twice the time a GPU is waited for has nobody to come."""
        workshop = self._workshop
        patience_s = 2 * workshop.settings.kernel_gpu_wait_s
        now = workshop.clock()
        with workshop.database.read() as session:
            forgotten = kernel_checks.untaken(session, asked_before=now - patience_s, now=now)
        for check_id in forgotten:
            with workshop.database.write() as session:
                held = kernel_checks.claim(
                    session, check_id, workshop.owner, now=now, lease_s=workshop.settings.lease_s, gpu=True
                )
                if held is None:
                    continue
                why = f"no worker of the queue `kernels` took it within {patience_s / 60:.0f} minutes"
                kernel_checks.record(
                    session, held, verdict="infra_error", document={"verdict": "infra_error", "reasons": [why]}
                )
                leasing.give_back(session, held, wake_at=now)

    def _tell_the_untold(self) -> None:
        """Checks that have their verdict while nobody works on them: given up here, or their worker was lost."""
        workshop = self._workshop
        now, lease_s = workshop.clock(), workshop.settings.lease_s
        with workshop.database.read() as session:
            untold = kernel_checks.untold(session, now=now)
        for check_id in untold:
            with workshop.database.write() as session:
                held = kernel_checks.claim(session, check_id, workshop.owner, now=now, lease_s=lease_s, gpu=False)
            if held is not None:
                with Kept(workshop, held) as kept:
                    ending.patiently(workshop, kept, partial(ending.tell, workshop, self._desk, kept))


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


def task_of(entry: KernelEntry, mirror: Mirror, sha: str) -> Task:
    """The task an entry names, with the reference as it is at a commit. TaskError, RepositoryError."""
    return made_task(entry.name, entry.reference, entry.options, partial(_source, mirror, sha))


def made_task(
    name: str, reference: str, options: Mapping[str, object], read_file: Callable[[str], bytes | None]
) -> Task:
    source = read_file(reference)
    if source is None:
        raise TaskError(f"the reference {reference} is not there")
    return make_task(name, source, options)


def _source(mirror: Mirror, sha: str, path: str) -> bytes | None:
    """TaskError for a file that is too large."""
    try:
        return mirror.read_file(sha, path, limit=MOST_SOURCE)
    except TreeTooLarge:
        raise TaskError(f"{path} has more than {MOST_SOURCE} bytes") from None


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
