"""A shop floor in the test's own process: a furnished twin, a real database, the real sandbox, a scripted model, and
relay and conductor driven by hand. No Celery, no other process of ours; time is the test's to move on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr
from sqlalchemy import select

from demo import samples
from demo.github import Person, Stage, Twin
from demo.openapi import Validator, Witness
from demo.scripted_model import ScriptedModel
from forges.github import GitHubApp, Patience
from settings import Settings
from settings.model import Price
from store import Database, events
from store.events import Event
from store.migrating import migrate
from store.schema import Delivery, Task
from tests.forges.receiver import Receiver
from workers.backends import make_backend
from workers.conductor import Conductor
from workers.github import GitHubSource
from workers.models import Models
from workers.relay import Relay
from workers.stage_table import STAGES
from workers.workshop import Workshop

VALIDATOR: list[Validator] = []


def durations_script() -> dict[str, Any]:
    """The sample's script as data, for a test to change."""
    loaded: dict[str, Any] = yaml.safe_load((samples.FOLDER / "durations.script.yml").read_text(encoding="utf-8"))
    return loaded


@dataclass
class Floor:
    """`now` is the clock of relay, conductor and leases: it runs, plus what the test added with `pass_time`."""

    twin: Twin
    stage: Stage
    workshop: Workshop
    app: GitHubApp
    relay: Relay
    conductor: Conductor
    witness: Witness
    settings: Settings
    receiver: Receiver
    skipped_s: list[float]
    rung: list[str]
    model: ScriptedModel
    taken: int = 0

    def person(self, login: str) -> Person:
        return Person(self.twin.url, login, self.stage.tokens[login], self.twin.controls())

    @property
    def maria(self) -> Person:
        return self.person("maria")

    def pass_time(self, seconds: float) -> None:
        self.skipped_s[0] += seconds

    def assign(self) -> Task:
        """Assigns the sample's issue and lets the relay take it; returns the task."""
        self.maria.assign(self.stage.repository, self.stage.issue, self.stage.trigger_login)
        self.take_in(lambda: bool(self.tasks()))
        return self.task()

    def relay_turn(self) -> None:
        """What GitHub has delivered goes into the inbox, and the relay takes a turn."""
        bodies = self.receiver.bodies[self.taken :]
        self.taken += len(bodies)
        with self.workshop.database.write() as session:
            for headers, body in bodies:
                if session.scalar(select(Delivery).where(Delivery.delivery_id == headers["x-github-delivery"])) is None:
                    session.add(
                        Delivery(
                            source="github",
                            app_id=str(self.stage.app_id),
                            delivery_id=headers["x-github-delivery"],
                            event=headers["x-github-event"],
                            content_type=headers["content-type"],
                            body=body,
                            received_at=self.workshop.clock(),
                        )
                    )
        self.relay.turn()

    def take_in(self, until: Any = None, *, within_s: float = 20.0) -> None:
        """Lets everything that GitHub sent come through the relay; with `until`, goes on until that holds."""
        deadline = time.monotonic() + within_s
        while True:
            self.twin.postman.wait_idle(within_s)
            self.relay_turn()
            if until is None or until():
                return
            assert time.monotonic() < deadline, "what was waited for did not come"
            time.sleep(0.02)

    def run(self, *until: str, within_s: float = 120.0) -> Task:
        """Runs the task, with waits passed at once and deliveries taken in, until it stands in one of the stages
        `until` or has ended. The conductor goes on by itself as far as it can: only stages in which a task waits for
        something outside can be stopped in."""
        deadline = time.monotonic() + within_s
        while True:
            task = self.task()
            if task.finished_at is not None or task.stage in until:
                return task
            assert time.monotonic() < deadline, f"still {task.stage}: {[e.data for e in self.log()][-3:]}"
            self.relay_turn()
            if not self.conductor.run(task.id):
                self.twin.postman.wait_idle(5)
                if task.stage in ("watching_ci", "in_review"):
                    time.sleep(0.1)  # CI is real: it takes its time, and ours must not run ahead of it by much
                    self.pass_time(0.5)
                else:
                    self.pass_time(max(0.0, (task.wake_at or 0.0) - self.workshop.clock()) + 0.01)

    def tasks(self) -> list[Task]:
        with self.workshop.database.read() as session:
            found = session.query(Task).order_by(Task.created_at).all()
            session.expunge_all()
            return found

    def task(self) -> Task:
        """The newest task, as it stands."""
        return self.tasks()[-1]

    def log(self, task_id: str | None = None) -> list[Event]:
        with self.workshop.database.read() as session:
            return events.of_task(session, task_id or self.task().id)

    def comments(self) -> list[dict[str, Any]]:
        """What our bot said on the issue."""
        path = f"/repos/{self.stage.repository}/issues/{self.stage.issue}/comments"
        return [one for one in self.maria.ask("GET", path) if one["user"]["login"].endswith("[bot]")]

    def pulls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.maria.ask("GET", f"/repos/{self.stage.repository}/pulls?state=all")
        return found


@contextmanager
def furnished_floor(
    folder: Path,
    *,
    script: Mapping[str, Any] | None = None,
    twin_options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Floor]:
    """A floor with the sample's script, or `script`. `settings` are fields of Settings; waits are short by default."""
    if not VALIDATOR:
        VALIDATOR.append(Validator())
    witness = Witness(VALIDATOR[0])
    database = Database(f"sqlite:///{folder / 'floor.db'}")
    migrate(database)
    path = folder / "script.yml"
    path.write_text(yaml.safe_dump(dict(script or durations_script())), encoding="utf-8")
    scripted = ScriptedModel.load(path)
    with (
        Receiver() as receiver,
        Twin(folder / "twin", wrap=witness.wrap, observer=witness.webhook, **(twin_options or {})) as twin,
        scripted.serve() as model,
    ):
        stage = twin.furnish(hook_url=receiver.url)
        fields: dict[str, Any] = {
            "state_dir": folder / "state",
            "github_timeout_s": 3.0,
            "lease_s": 6.0,
            "trigger_assignees": (stage.trigger_login,),
            "review_debounce_s": 0.0,
            "ci_settle_s": 0.3,
            "ci_poll_s": 0.5,
            "model": "openai/{window}",
            "model_api_base": model.base_url,
            "model_api_key": SecretStr(model.api_key),
            "model_prices": {"openai/{window}": Price(input_per_million=3, output_per_million=15)},
            "model_timeout_s": 5.0,
            "sandbox_allow_unisolated": True,
        }
        chosen = Settings(**fields | settings)
        patience = Patience(timeout_s=3, wait_s=1.5, attempts=2)
        app = GitHubApp(stage.url, stage.app_id, stage.private_key, write_spacing_s=0.0, patience=patience)
        skipped: list[float] = [0.0]
        rung: list[str] = []
        workshop = Workshop(
            settings=chosen,
            database=database,
            backend=make_backend(chosen),
            models=Models(chosen),
            sources={"github": GitHubSource(app)},
            ring=rung.append,
            owner="floor",
            clock=lambda: time.time() + skipped[0],
        )
        floor = Floor(
            twin, stage, workshop, app, Relay(workshop, app), Conductor(workshop, STAGES), witness, chosen, receiver,
            skipped, rung, scripted,
        )  # fmt: skip
        try:
            yield floor
        finally:
            workshop.models.close()
            database.close()
    assert witness.violations == []
    assert twin.problems() == []
