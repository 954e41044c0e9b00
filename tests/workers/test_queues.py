"""Which queue a task is rung on, and that the broker gets it there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from settings import Settings
from store import Database, Limits, NewTask, tasks
from store.migrating import migrate
from store.schema import Task
from workers.celery_app import KERNELS, QUEUE, make_celery
from workers.queues import KERNELS_PATIENCE_S, queue_of
from workers.service import make_task_bell

NOW = 10_000.0
LONG = KERNELS_PATIENCE_S


@pytest.mark.parametrize(
    ("request_", "columns", "queue"),
    [
        ({}, {}, QUEUE),
        ({"optimize": None}, {}, QUEUE),
        ({"optimize": "softmax"}, {}, KERNELS),
        ({"optimize": "softmax"}, {"wake_at": NOW - LONG + 1}, KERNELS),
        # Nobody serves that queue: any worker takes it, and says what it lacks.
        ({"optimize": "softmax"}, {"wake_at": NOW - LONG}, QUEUE),
        # Its worker was lost just now, however long it has worked.
        ({"optimize": "softmax"}, {"wake_at": NOW - 9 * LONG, "lease_until": NOW - 5}, KERNELS),
        ({"optimize": "softmax"}, {"wake_at": NOW - 9 * LONG, "lease_until": NOW - LONG}, QUEUE),
        ({"optimize": "softmax"}, {"wake_at": None}, KERNELS),
        ({"optimize": "softmax"}, {"stop_requested_by": "maria"}, QUEUE),
    ],
)
def test_which_queue(request_: dict[str, Any], columns: dict[str, Any], queue: str) -> None:
    assert queue_of(Task(request=request_, **{"wake_at": NOW} | columns), now=NOW) == queue


def waiting(celery: Celery, name: str) -> list[str]:
    """The task ids of the messages on a queue, which are gone then."""
    found = []
    with celery.connection_for_read() as connection:
        queue = celery.amqp.queues[name].bind(connection.default_channel)
        queue.declare()
        while (message := queue.get()) is not None:
            message.ack()
            found.append(message.payload[0][0])
    return found


def test_the_bell_rings_where_the_row_says(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'queues.db'}")
    migrate(database)
    with database.write() as session:
        made = []
        for number, request in enumerate([{}, {"optimize": "softmax"}]):
            limits = Limits(usd_nanos=1, tokens=1, steps=1, seconds=1)
            new = NewTask("github", f"github:1:issue:{number}", "octo/sums", request, {"title": "x"}, limits)
            task = tasks.create(session, new, now=NOW)
            assert task is not None
            made.append(task.id)
    celery = make_celery(Settings(state_dir=tmp_path))
    ring = make_task_bell(celery, database, clock=lambda: NOW)
    for task_id in [*made, "gone"]:
        ring(task_id)
    assert waiting(celery, QUEUE) == [made[0], "gone"]
    assert waiting(celery, KERNELS) == [made[1]]
    database.close()
