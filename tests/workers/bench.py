"""A claimed task on a directory, as the conductor gives it to a stage; no model, no forge."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repositories import Signature
from sandboxes import PlainBackend
from sandboxes.contract import Backend, FileChange
from settings import Settings
from store import Database, NewTask, tasks
from store.events import Event
from store.migrating import migrate
from workers.heartbeat import Heartbeat
from workers.local_source import LocalSource
from workers.models import Models
from workers.retrying import limits_from
from workers.workshop import TaskContext, Workshop


class Bench:
    """A claimed task on a directory, as the conductor gives it to a stage."""

    def __init__(self, folder: Path, *, backend: Backend | None = None, **given: Any) -> None:
        self.shown: list[Event] = []
        self.source = LocalSource(self.shown.extend)
        settings = Settings(state_dir=folder / "state", **given)
        self.database = Database(f"sqlite:///{folder / 'tasks.db'}")
        migrate(self.database)
        self.workshop = Workshop(
            settings=settings,
            database=self.database,
            backend=backend or PlainBackend(folder / "state", allow_unisolated=True),
            models=Models(settings),
            sources={"local": self.source},
            ring=lambda _: None,
            owner="test",
            clock=time.time,
        )

    def take(self, directory: Path, base: str | None = None) -> TaskContext:
        new = NewTask(
            source="local",
            subject=f"local:{directory}",
            repository=directory.name,
            request={"directory": str(directory), "base": base},
            ticket={"title": "Sums: the first is left out!"},
            limits=limits_from(self.workshop.settings),
        )
        with self.database.write() as session:
            task = tasks.create(session, new, now=time.time())
            assert task is not None
            held = tasks.claim(session, task.id, "test", now=time.time(), lease_s=600)
        assert held is not None
        return TaskContext(self.workshop, held, Heartbeat(self.database, held, 600, time.time))

    def prepared(self, directory: Path) -> TaskContext:
        """A task taken as far as its base commit."""
        context = self.take(directory)
        found = self.source.prepare(context)
        context.record(base_sha=found.base_sha, base_branch=found.base_branch, branch=found.branch)
        return context

    def proven(self, context: TaskContext, verdict: str) -> str:
        """Brings the task to publishing, with a commit and a verdict; returns the commit."""
        prepared = self.source.prepare(context)
        change = {"sums.py": FileChange("file", False, b"def total(numbers):\n    return sum(numbers)\n")}
        author = Signature("a", "a@example.invalid")
        mirror = self.source.mirror(context)
        sha = mirror.commit(prepared.base_sha, change, "Sum", author, datetime(2026, 1, 1, tzinfo=UTC))
        context.record(base_sha=prepared.base_sha, branch=prepared.branch, head_sha=sha)
        context.remember(verdict=verdict)
        return sha
