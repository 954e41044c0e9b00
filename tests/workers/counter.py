"""The counter where deliveries come in: a relay with a real database, a real twin behind it, and no Celery."""

import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from demo.github import Person
from forges.github import GitHubApp, Patience
from sandboxes import PlainBackend
from settings import Settings
from store import Database, Stage, deliveries, inputs, tasks
from store.inputs import Input
from store.schema import Delivery, Task
from tests.forges.stage import Place
from workers.github import GitHubSource
from workers.models import Models
from workers.relay import Relay
from workers.workshop import Workshop


@dataclass
class Counter:
    """`ahead` moves the workshop's clock; `rung` holds the tasks the doorbell was rung for."""

    place: Place
    database: Database
    folder: Path
    ahead: float = 0.0
    rung: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seen = len(self.place.receiver.bodies)
        stage = self.place.stage
        # An App of its own: a rate limit that one test ran into is remembered, and no business of the next one's.
        self.app = GitHubApp(
            stage.url,
            stage.app_id,
            stage.private_key,
            write_spacing_s=0.0,
            patience=Patience(timeout_s=10, wait_s=1, attempts=1),
        )
        settings = Settings(
            state_dir=self.folder, trigger_assignees=(self.place.stage.trigger_login,), review_debounce_s=5.0
        )
        self.workshop = Workshop(
            settings=settings,
            database=self.database,
            backend=PlainBackend(self.folder, allow_unisolated=True),
            models=Models(settings),
            sources={"github": GitHubSource(self.app)},
            ring=self.rung.append,
            owner="test",
            clock=lambda: time.time() + self.ahead,
        )
        self.relay = Relay(self.workshop, self.app)

    # People

    @property
    def name(self) -> str:
        return self.place.stage.repository

    @property
    def maria(self) -> Person:
        return self.place.maria

    @property
    def otis(self) -> Person:
        """An outsider."""
        return self.place.twin.person("otis")

    def assign(self, issue: int) -> None:
        self.maria.assign(self.name, issue, self.place.stage.trigger_login)

    # Deliveries

    def take_in(self) -> list[tuple[str, bytes]]:
        """What GitHub has delivered since, as (event, body); nothing of it is in the inbox.

        GitHub keeps no order between deliveries: where it matters, take in between.
        """
        assert self.place.twin.postman.wait_idle(10)
        bodies = self.place.receiver.bodies[self.seen :]
        self.seen += len(bodies)
        return [(headers["x-github-event"], body) for headers, body in bodies]

    def put(self, event: str, body: bytes | dict[str, Any]) -> int:
        """One delivery into the inbox; its number there."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with self.database.write() as session:
            row = Delivery(
                source="github",
                app_id=str(self.place.stage.app_id),
                delivery_id=str(uuid.uuid4()),
                event=event,
                content_type="application/json",
                body=raw,
                received_at=time.time(),
            )
            session.add(row)
            session.flush()
            return row.id

    def hand_over(self) -> list[Delivery]:
        """Everything GitHub has delivered since goes through the inbox; what became of it."""
        numbers = [self.put(event, body) for event, body in self.take_in()]
        self.relay.turn()
        return [self.delivery(number) for number in numbers]

    def delivery(self, number: int) -> Delivery:
        with self.database.read() as session:
            row = session.get_one(Delivery, number)
            session.expunge(row)
            return row

    def counts(self) -> dict[str, int]:
        with self.database.read() as session:
            return deliveries.counts(session)

    # Tasks

    def tasks(self) -> list[Task]:
        with self.database.read() as session:
            rows = list(session.scalars(select(Task).order_by(Task.created_at)))
            session.expunge_all()
            return rows

    @property
    def task(self) -> Task:
        (one,) = self.tasks()
        return one

    def inputs(self, kind: str) -> list[Input]:
        with self.database.read() as session:
            return inputs.waiting(session, self.task.id, kind)

    def give_pull(self, number: int, head_sha: str, branch: str) -> None:
        """The one task now owns this pull request and waits."""
        with self.database.write() as session:
            held = tasks.claim(session, self.task.id, "test", now=self.workshop.clock(), lease_s=60)
            assert held is not None
            tasks.record(session, held, now=self.workshop.clock(), pull_number=number, head_sha=head_sha, branch=branch)
            tasks.park(session, held, wake_at=self.workshop.clock() + 1000, now=self.workshop.clock())

    def end_task(self) -> None:
        """The one task ends as cancelled."""
        with self.database.write() as session:
            now = self.workshop.clock()
            held = tasks.claim(session, self.task.id, "test", now=now, lease_s=60)
            assert held is not None
            tasks.advance(session, held, Stage.CANCELLED, now=now)
            tasks.finish(session, held, now=now)
