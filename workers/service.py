"""One worker process: its workshop, its Celery consumer, and the duties that run beside it."""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable

import structlog
from celery import Celery, signals
from kombu.exceptions import OperationalError

from agent import provider
from codebase.index import parsing
from forges.github import GitHubApp
from sandboxes.contract import Backend
from settings import Settings
from store import Database, tasks
from store.migrating import migrate
from workers.backends import make_backend
from workers.celery_app import ADVANCE, KERNELS, QUEUE, VERIFY, make_celery
from workers.conductor import Conductor
from workers.duties import Duties
from workers.github import GitHubSource
from workers.kernel_checks.verifying import Verifier
from workers.models import Models
from workers.queues import queue_of
from workers.stage_table import STAGES
from workers.workshop import Workshop

log = structlog.get_logger(__name__)


def owner_name() -> str:
    """This process among all workers: host, process, and a number no later process repeats."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def make_doorbell(celery: Celery, name: str, queue: str) -> Callable[[str], None]:
    """Rings for a row of that id. A broker that cannot be reached only costs time: the sweeper rings again."""

    def ring(row_id: str) -> None:
        try:
            celery.send_task(name, args=[row_id], queue=queue, ignore_result=True)
        except (OperationalError, OSError) as error:
            log.warning("the doorbell could not be rung", row=row_id, error=str(error))

    return ring


def make_task_bell(celery: Celery, database: Database, clock: Callable[[], float] = time.time) -> Callable[[str], None]:
    """Rings for a task on the queue that is its own now."""
    bells = {queue: make_doorbell(celery, ADVANCE, queue) for queue in (QUEUE, KERNELS)}

    def ring(task_id: str) -> None:
        with database.read() as session:
            row = tasks.get(session, task_id)
            queue = QUEUE if row is None else queue_of(row, now=clock())
        bells[queue](task_id)

    return ring


def make_workshop(settings: Settings, celery: Celery, *, app: GitHubApp, backend: Backend | None = None) -> Workshop:
    """Everything one worker process needs; the database is brought up to date first."""
    database = Database(settings.effective_database_url)
    migrate(database)
    return Workshop(
        settings=settings,
        database=database,
        backend=backend or make_backend(settings),
        models=Models(settings),
        sources={"github": GitHubSource(app)},
        ring=make_task_bell(celery, database),
        owner=owner_name(),
        clock=time.time,
        ring_kernels=make_doorbell(celery, VERIFY, KERNELS),
    )


def run_worker(settings: Settings, *, app: GitHubApp, queues: str) -> int:
    """Runs until told to stop by SIGTERM; what it was at is given back by its lease. Returns the exit status."""
    celery = make_celery(settings)
    workshop = make_workshop(settings, celery, app=app)
    conductor = Conductor(workshop, STAGES)
    verifier = Verifier(workshop, app)
    duties = Duties(workshop, app)

    @celery.task(name=ADVANCE, ignore_result=True)
    def advance(task_id: str) -> None:
        conductor.run(task_id)

    @celery.task(name=VERIFY, ignore_result=True)
    def verify(check_id: str) -> None:
        verifier.run(check_id)

    @signals.worker_ready.connect(weak=False)
    def started(**_: object) -> None:
        duties.start()
        # Imports that take seconds and a process to start: the first task should not be the one to wait for them.
        for warm_up in (provider.warm_up, parsing.shared().warm_up):
            threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

    @signals.worker_shutting_down.connect(weak=False)
    def stopping(**_: object) -> None:
        workshop.draining.set()
        threading.Thread(target=duties.stop, name="stop-duties").start()

    try:
        celery.worker_main(
            [
                "worker",
                f"--queues={queues}",
                "--loglevel=WARNING",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
            ]
        )
    finally:
        duties.stop()
        workshop.indexes.close()
        workshop.close_pools()
        workshop.models.close()
        workshop.database.close()
    return 0
