"""A check carried out: claimed from the queue `kernels`, verified by the broker, told to GitHub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from shlex import quote
from typing import Any

import structlog

from forges.github import GitHubApp
from kernels.broker import Broker
from kernels.hosting import Place
from kernels.rendering.chart import chart
from kernels.report import of_report
from kernels.task import TaskError
from repositories.errors import MirrorBusy, RemoteUnavailable, RepositoryError
from sandboxes import PlainBackend
from sandboxes.contract import LimitUnenforceable, SandboxError, SandboxUnavailable
from settings import Settings
from store import LeaseLost, kernel_checks, leasing
from store.schema import KernelCheck
from workers.decisions import HandBack
from workers.github.desk import Desk
from workers.kernel_checks import ending
from workers.kernel_checks.devices import InstallationKeeper
from workers.kernel_checks.exclusive import TimingLock, lock_folder
from workers.kernel_checks.lease import Kept
from workers.kernel_checks.reading import candidate_at, task_at
from workers.kernel_checks.superseding import superseded
from workers.kernel_checks.telling import Teller, concluded
from workers.kernel_checks.turns import MachineTurn
from workers.kernel_place import DRIVER, kernel_boxes, kernel_kind, make_place
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

INFRA_TRIES = 2
"""How often it is tried again after a fault of the machine."""
TRY_AGAIN_S = 10.0
Document = Mapping[str, Any]


class Verifier:
    """One process's verifications."""

    def __init__(
        self, workshop: Workshop, app: GitHubApp, place: Callable[[Settings, str], Place] = make_place
    ) -> None:
        self._workshop, self._desk, self._place = workshop, Desk(app), place
        self._gpu = has_gpu(workshop.settings)

    def run(self, check_id: str) -> bool:
        """Works on the check until it has ended or waits. False when it was not ours to take."""
        workshop = self._workshop
        now, lease_s = workshop.clock(), workshop.settings.lease_s
        with workshop.database.write() as session:
            held = kernel_checks.claim(session, check_id, workshop.owner, now=now, lease_s=lease_s, gpu=self._gpu)
        if held is None:
            return False
        with structlog.contextvars.bound_contextvars(check=check_id), Kept(workshop, held) as kept:
            ending.patiently(workshop, self._desk, kept, lambda: self._work(kept))
        return True

    def _work(self, kept: Kept) -> None:
        row = ending.read(self._workshop, kept)
        if row.verdict is None and not self._judged(row, kept):
            return
        ending.tell(self._workshop, self._desk, kept)

    def _judged(self, row: KernelCheck, kept: Kept) -> bool:
        """True when the check has its verdict now, False when it is to be tried again later or nobody waits for it."""
        teller = Teller(self._workshop, self._desk, row)
        kept.renew()
        run = teller.open(row, "For its turn.")
        if (why := superseded(self._workshop, teller, row)) is not None:
            kept.renew()
            teller.supersede(row, run, why)
            ending.finish(self._workshop, kept)
            return False
        kept.renew()
        teller.begin(row, run)
        document = self._verified(row, teller, kept)
        if document["verdict"] == "infra_error" and row.tries < INFRA_TRIES:
            self._again(row, kept, teller, run, "; ".join(document["reasons"]))
            return False
        drawn = chart(document) if "task" in document else None
        conclusion = concluded(row, str(document["verdict"]))
        kept.check()
        with self._workshop.database.write() as session:
            kernel_checks.record(
                session,
                kept.held,
                verdict=document["verdict"],
                conclusion=conclusion,
                document=dict(document) | {"conclusion": conclusion},
                chart=drawn,
            )
        return True

    def _again(self, row: KernelCheck, kept: Kept, teller: Teller, run: Mapping[str, Any], why: str) -> None:
        log.warning("the machine failed", tries=row.tries + 1, error=why)
        kept.renew()
        teller.again(row, run, why)
        with self._workshop.database.write() as session:
            kernel_checks.record(session, kept.held, tries=row.tries + 1)
            wake_at = self._workshop.clock() + TRY_AGAIN_S * 3**row.tries
            leasing.give_back(session, kept.held, wake_at=wake_at)

    def _verified(self, row: KernelCheck, teller: Teller, kept: Kept) -> Document:
        """What came out. Never raises for what a task, a candidate or this machine does."""
        workshop = self._workshop
        try:
            mirror = ending.mirror_of(workshop, teller, row)
            entry = row.entry
            task = task_at(mirror, row.reference_sha, row.kernel, str(entry["reference"]), entry["options"])
            candidate = candidate_at(mirror, row.head_sha, str(entry["candidate"]))
            device = "cuda" if row.device == "cuda" and self._gpu else "cpu"
            place = self._place(workshop.settings, device)
        except TaskError as error:
            return _without_report(str(error), "invalid_task")
        except (RemoteUnavailable, MirrorBusy):
            raise
        except (RepositoryError, SandboxUnavailable, LimitUnenforceable) as error:
            return _without_report(str(error))
        try:
            folder = lock_folder(workshop.settings)
            pause, turn = partial(self._pause, kept), MachineTurn(workshop)
            here = workshop.settings.node_name
            keeper = InstallationKeeper(workshop.database, workshop.clock, workshop.owner, pause, here=here)
            with TimingLock(folder, pause, turn=turn) as timing, keeper, Broker(place, keeper=keeper) as broker:
                keeper.where = lambda: broker.machine
                report = broker.verify(task, candidate, quick=False, told=timing.of(broker))
            if keeper.overtaken:
                return _without_report("another verification had its device before this one had ended")
            return of_report(report, _repro(row))
        except (HandBack, LeaseLost):
            raise
        except SandboxError as error:
            return _without_report(f"a box failed: {error}")
        except Exception as defect:
            # Left to itself it would be met by worker after worker, each of which would count as lost.
            log.exception("a verification failed")
            return _without_report(f"{type(defect).__name__} in Forgehand itself")

    def _pause(self, kept: Kept, seconds: float) -> None:
        """Waits, and ends the verification when it is no longer ours or this process has to end."""
        kept.check()
        if self._workshop.draining.wait(seconds):
            raise HandBack


def has_gpu(settings: Settings) -> bool:
    """Whether verifications here can have a GPU: one that the settings give to boxes, or the machine's own where local
    boxes have no walls."""
    match kernel_kind(settings):
        case "docker":
            return bool(settings.docker_gpus)
        case "kubernetes":
            return bool(settings.kubernetes.gpu_node_selector)
        case "local":
            allowed = settings.sandbox_allow_unisolated and DRIVER.exists()
            return allowed and isinstance(kernel_boxes(settings), PlainBackend)


def _without_report(why: str, verdict: str = "infra_error") -> Document:
    """What stands in a report's place where no verification began."""
    return {"verdict": verdict, "reasons": [why]}


def _repro(row: KernelCheck) -> str:
    """The command that does it again in a clone of the repository: everything but the candidate as it was there where
    the check read the reference."""
    fetch, checkout = f"git fetch origin pull/{row.number}/head", f"git checkout {row.reference_sha}"
    if row.reference_sha != row.head_sha:
        fetch += f" {row.reference_sha}"
        checkout += f" && git checkout {row.head_sha} -- {quote(str(row.entry['candidate']))}"
    return f"{fetch} && {checkout} && forgehand kernel check {quote(row.kernel)}"
