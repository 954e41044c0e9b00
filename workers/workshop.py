"""What one worker process has, and what one claimed task is given of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import structlog
from sqlalchemy.orm import Session

from forges.github import ForgeError
from settings import Settings
from settings.machines import SandboxKind
from store import Claim, Database, Stage, events, tasks
from store.schema import Task
from workers.backends import make_backend, make_pool
from workers.decisions import EndTask, HandBack, Move
from workers.heartbeat import Heartbeat
from workers.indexes import Indexes
from workers.kernel_place import kernel_boxes

if TYPE_CHECKING:
    from repositories import Mirror
    from sandboxes.contract import Backend
    from sandboxes.pool import WarmPool
    from workers.models import Models

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where the work starts: the base branch and why, its commit, and the commit to build on (the pull request's head
    when there is one)."""

    base_branch: str
    why: str
    base_sha: str
    start_sha: str
    branch: str
    pull_number: int | None = None


class Source(Protocol):
    """Where tasks come from and where their results go."""

    def acknowledge(self, context: TaskContext) -> None:
        """Tells whoever asked that the task is taken. Safe to repeat."""

    def prepare(self, context: TaskContext) -> Prepared:
        """Finds the commit to work from. Raises EndTask when the task cannot be worked on."""

    def mirror(self, context: TaskContext) -> Mirror:
        """The repository on the trusted side."""

    def show(self, context: TaskContext) -> None:
        """Draws the task's state where people look. Safe to repeat; a failure to draw never fails the task."""

    def publish(self, context: TaskContext) -> Move:
        """Brings the proven commit to the forge. Safe to repeat."""


@dataclass(frozen=True)
class Workshop:
    """One process's means. `sources` by the task's `source`; `ring` sends a task's id to the broker, on the queue that
    is the task's now, `ring_kernels` the id of a kernel's check (where nobody asks for checks, nobody is rung for).

    `draining` is set when the process has to end: running tasks are given back, to go on elsewhere.
    """

    settings: Settings
    database: Database
    backend: Backend
    models: Models
    sources: Mapping[str, Source]
    ring: Callable[[str], None]
    owner: str
    clock: Callable[[], float]
    draining: threading.Event = field(default_factory=threading.Event)
    ring_kernels: Callable[[str], None] = lambda _: None
    _pools: dict[SandboxKind, WarmPool] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    def pool_of(self, repository: str) -> WarmPool:
        """Where a repository's boxes are claimed. SandboxUnavailable, LimitUnenforceable."""
        kind = self.settings.machine_of(repository).sandbox or self.settings.sandbox
        with self._making:
            if kind not in self._pools:
                backend = self.backend if kind == self.settings.sandbox else make_backend(self.settings, kind)
                self._pools[kind] = make_pool(self.settings, kind, backend, self.owner)
            return self._pools[kind]

    def backend_of(self, repository: str) -> Backend:
        """Where a repository's boxes are made. SandboxUnavailable, LimitUnenforceable."""
        return self.pool_of(repository).backend

    @property
    def pools(self) -> list[WarmPool]:
        """All that boxes were claimed from here."""
        with self._making:
            return list(self._pools.values())

    def close_pools(self) -> None:
        """Ends the boxes nobody claimed."""
        for pool in self.pools:
            pool.close()

    @property
    def backends(self) -> list[Backend]:
        """All that boxes were made with here."""
        return list({id(one): one for one in (self.backend, *(pool.backend for pool in self.pools))}.values())

    @cached_property
    def indexes(self) -> Indexes:
        return Indexes(self.settings.state_dir / "indexes", max_bytes=self.settings.indexes_mb << 20)

    @cached_property
    def kernel_boxes(self) -> Backend:
        """With what is found what is left of kernels' boxes. SandboxUnavailable, LimitUnenforceable."""
        return kernel_boxes(self.settings)

    @property
    def mirrors(self) -> Path:
        return self.settings.state_dir / "mirrors"


class TaskContext:
    """One claimed task: reads it fresh, writes it through the claim."""

    def __init__(self, workshop: Workshop, held: Claim, heartbeat: Heartbeat) -> None:
        self.workshop, self.held, self.heartbeat = workshop, held, heartbeat
        self._reported_at = 0.0

    @property
    def id(self) -> str:
        return self.held.task_id

    @property
    def database(self) -> Database:
        return self.workshop.database

    @property
    def settings(self) -> Settings:
        return self.workshop.settings

    def now(self) -> float:
        return self.workshop.clock()

    def task(self) -> Task:
        """The row as it stands now, detached."""
        with self.database.read() as session:
            task = session.get_one(Task, self.id)
            session.expunge(task)
            return task

    @property
    def source(self) -> Source:
        return self.workshop.sources[self.task().source]

    def write(self, change: Callable[[Session], Any]) -> Any:
        """Runs `change` in one transaction, if the claim still stands."""
        with self.database.write() as session:
            tasks.guard(session, self.held)
            return change(session)

    def record(self, **columns: Any) -> Task:
        """Changes columns of the task within its stage."""
        with self.database.write() as session:
            return tasks.record(session, self.held, now=self.now(), **columns)

    def remember(self, **values: Any) -> None:
        """Merges values into the task's data."""
        with self.database.write() as session:
            tasks.guard(session, self.held)
            data = dict(session.get_one(Task, self.id).data)
            tasks.record(session, self.held, now=self.now(), data=data | values)

    def tell(self, kind: str, **data: Any) -> None:
        """Adds an event to the log that people's views are drawn from."""
        now = self.now()
        with self.database.write() as session:
            tasks.guard(session, self.held)
            stage = session.get_one(Task, self.id).stage
            events.append(session, self.id, stage, kind, data, now=now)

    def stopped(self) -> bool:
        """Whether to let go: somebody said stop, the lease is gone, or the process has to end."""
        return self.heartbeat.should_stop() or self.workshop.draining.is_set()

    def let_go(self) -> NoReturn:
        """Ends the stage for the reason `stopped` is true: EndTask, LeaseLost or HandBack."""
        self.heartbeat.check()
        if self.heartbeat.stop_requested_by is not None:
            raise EndTask(Stage.CANCELLED, f"stopped by {self.heartbeat.stop_requested_by}")
        raise HandBack

    def report(self, line: str) -> None:
        """One line of progress. Kept at most once in two seconds, shown to people at most once a minute."""
        now = self.now()
        if now - self._reported_at < REPORT_EVERY_S:
            return
        self._reported_at = now
        self.tell("progress", line=line[:300])
        if now - self._shown_at() >= SHOW_EVERY_S:
            try:
                self.show()
            except ForgeError as unavailable:
                # The agent works on without its picture; the next one is due a minute later, like any other.
                log.warning("could not show the state", error=str(unavailable))
                self.remember(shown_at=now)

    def _shown_at(self) -> float:
        return float(self.task().data.get("shown_at", 0.0))

    def show(self) -> None:
        """Draws the state, and notes when."""
        self.source.show(self)
        self.remember(shown_at=self.now())


REPORT_EVERY_S = 2.0
SHOW_EVERY_S = 60.0
