"""One check opened: its row and the check run of its round, whoever else looks at the same pull request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernels.task import Task
from store import kernel_checks, leasing
from store.kernel_checks import NewCheck
from store.leasing import Held
from store.schema import KernelCheck
from workers.kernel_checks.lease import Kept
from workers.kernel_checks.plan import Planned
from workers.kernel_checks.telling import Teller
from workers.workshop import Workshop

_FOR_A_WORKER = "For a worker of the queue `kernels`."
_FOR_A_GPU = "For a worker with a GPU, for {minutes:.0f} minutes; then any worker of the queue `kernels` takes it."
_ON_WHAT = (
    "A worker that has a GPU runs it there; any other checks it as far as that goes without, and it is neither right "
    "nor wrong then."
)


def new_check(planned: Planned, task: Task, *, head: str, reference: str, base: str | None, wake_at: float) -> NewCheck:
    """`head` and `reference`: the commits where candidate and reference are read. `base`: the branch, where it is not
    the default one."""
    entry: dict[str, Any] = {
        "reference": planned.entry.reference,
        "candidate": planned.entry.candidate,
        "options": planned.entry.options,
        "claims": planned.entry.claims,
    }
    return NewCheck(
        kernel=planned.entry.name,
        head_sha=head,
        reference_sha=reference,
        digest=task.digest,
        entry=entry | ({"base": base} if base else {}),
        device=task.device or "cpu",
        unread=planned.unread,
        wake_at=wake_at,
    )


def open_check(workshop: Workshop, teller: Teller, look: Held, new: NewCheck, *, again: bool) -> KernelCheck:
    """The check with its check run, for which the doorbell was rung where this opened it. `look` is the look's lease.

    Its row is ours from the moment it is there until its check run is: a worker that took it earlier would open a
    second one. Whoever is lost in between costs a lease. NotNow, LeaseLost, ForgeError.
    """
    now, lease_s = workshop.clock(), workshop.settings.lease_s
    with workshop.database.write() as session:
        row = kernel_checks.want_check(session, look, new, again=again, now=now)
        held = kernel_checks.take_to_open(session, row, workshop.owner, now=now, lease_s=lease_s)
        session.refresh(row)
        session.expunge(row)
    if held is None:
        return row
    with Kept(workshop, held) as kept:
        teller.open(row, waits(row.device, workshop.settings.kernel_gpu_wait_s))
        kept.check()
        with workshop.database.write() as session:
            leasing.put_down(session, held, now=workshop.clock())
            opened = session.get_one(KernelCheck, row.id, populate_existing=True)
            session.expunge(opened)
    workshop.ring_kernels(opened.id)
    return opened


def waits(device: str, gpu_wait_s: float) -> str:
    """What a check that was just opened waits for, in words."""
    if device != "cuda":
        return _FOR_A_WORKER
    first = _FOR_A_GPU.format(minutes=gpu_wait_s / 60) if gpu_wait_s else _FOR_A_WORKER
    return f"{first} {_ON_WHAT}"


def address(row: KernelCheck) -> str | None:
    """The address of the check run of the present round; None for a check that ended before it had one."""
    run: Mapping[str, Any] | None = row.check_run
    return str(run["url"]) if run is not None and kernel_checks.is_open(row) else None
