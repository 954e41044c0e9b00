"""Which queue a task is rung on: tasks are the agent's, but for those that make a kernel faster."""

from __future__ import annotations

from store.schema import Task
from workers import kernel_requests
from workers.celery_app import KERNELS, QUEUE

KERNELS_PATIENCE_S = 1800.0
"""Seconds after which a task that no worker of the queue `kernels` took goes to any: it says what it lacks."""


def queue_of(row: Task, *, now: float) -> str:
    """The queue for the next ring. Pure.

    The loop on a kernel verifies in every turn, so its machine is one for verifications. It is so for the whole of the
    task: until it is pushed, the winner's commit is on the host that made it and nowhere else.
    """
    if kernel_requests.target_of(row) is None or row.stop_requested_by is not None:
        return QUEUE
    waits_since = max(row.wake_at or now, row.lease_until or 0.0)
    return KERNELS if now - waits_since < KERNELS_PATIENCE_S else QUEUE
