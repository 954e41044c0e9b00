"""What the conductor makes of everything that a stage can do: real database, real leases, stages of one line."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from forges.github import ForgeError, ForgeUnavailable, RateLimited
from repositories.errors import RemoteUnavailable, RepositoryError
from sandboxes import PlainBackend
from sandboxes.contract import BoxLost, SandboxError
from settings import Settings
from store import Claim, Database, LeaseLost, NewTask, Stage, events, tasks
from store.events import Event
from store.migrating import migrate
from store.schema import Task
from workers.conductor import BOXES_LOST_AT_MOST, MOST_CLAIMS_WITHOUT_PROGRESS, TROUBLE_AT_MOST_S, Conductor
from workers.decisions import Decision, EndTask, HandBack, Move, Wait
from workers.heartbeat import Heartbeat
from workers.local_source import LocalSource
from workers.models import Models
from workers.retrying import limits_from
from workers.workshop import TaskContext, Workshop

StageFunction = Callable[[TaskContext], Decision]
LEASE_S = 30.0


class Window(LocalSource):
    """A local source with a forge's trouble: each of `troubles` is raised once, in order, when it has to show."""

    def __init__(self) -> None:
        super().__init__(self._see)
        self.troubles: list[Exception] = []
        self.seen: list[Event] = []
        self.shown_in: list[str] = []

    def _see(self, news: Sequence[Event]) -> None:
        self.seen.extend(news)

    def show(self, context: TaskContext) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        super().show(context)
        self.shown_in.append(context.task().stage)


@dataclass
class House:
    """One worker's means, a clock that the test moves, and one task in `received`."""

    database: Database
    workshop: Workshop
    window: Window
    skipped: list[float]
    task_id: str = ""
    stages: dict[Stage, StageFunction] = field(default_factory=dict)

    def run(self, stage: StageFunction | None = None) -> Task:
        """One claim, with `stage` in the place of `received`; the task as it stands after it."""
        table: Mapping[Stage, StageFunction] = self.stages if stage is None else {Stage.RECEIVED: stage}
        assert Conductor(self.workshop, table).run(self.task_id)
        return self.task()

    def task(self) -> Task:
        with self.database.read() as session:
            task = session.get_one(Task, self.task_id)
            session.expunge(task)
            return task

    def claim(self, owner: str = "another", lease_s: float = LEASE_S) -> Claim | None:
        with self.database.write() as session:
            return tasks.claim(session, self.task_id, owner, now=self.workshop.clock(), lease_s=lease_s)

    def wait_for_it(self) -> float:
        """Moves the clock to when the task wants to run; returns by how much."""
        wait = max(0.0, (self.task().wake_at or 0.0) - self.workshop.clock())
        self.skipped[0] += wait + 0.001
        return wait


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    settings = Settings(state_dir=tmp_path / "state", lease_s=LEASE_S)
    database = Database(f"sqlite:///{tmp_path / 'tasks.db'}")
    migrate(database)
    window, skipped = Window(), [0.0]
    workshop = Workshop(
        settings=settings,
        database=database,
        backend=PlainBackend(tmp_path / "state", allow_unisolated=True),
        models=Models(settings),
        sources={"local": window},
        ring=lambda _: None,
        owner="test",
        clock=lambda: time.time() + skipped[0],
    )
    made = House(database, workshop, window, skipped)
    new = NewTask("local", "local:here", "here", {}, {"title": "A task"}, limits_from(settings))
    with database.write() as session:
        task = tasks.create(session, new, now=time.time())
        assert task is not None
        made.task_id = task.id
    yield made
    database.close()


def raising(error: Exception) -> StageFunction:
    def stage(_: TaskContext) -> Decision:
        raise error

    return stage


# What ends a task


@pytest.mark.parametrize(
    ("error", "stage", "words"),
    [
        (EndTask(Stage.NEEDS_HUMAN, "which of the two?"), "needs_human", "which of the two?"),
        (EndTask(Stage.CANCELLED, "stopped by maria"), "cancelled", "stopped by maria"),
        (RepositoryError("push refused", "the branch is protected", "Allow it"), "failed", "the branch is protected"),
        (SandboxError("no box", "no user namespaces", "Allow them"), "failed", "no user namespaces"),
        (ForgeError("POST /x", "not like this", status=422), "failed", "not like this"),
    ],
)
def test_what_ends_a_task(error: Exception, stage: str, words: str, house: House) -> None:
    task = house.run(raising(error))
    assert (task.stage, task.active_subject, task.wake_at, task.lease_owner) == (stage, None, None, None)
    assert words in (task.reason or "")
    assert house.window.shown_in[-1] == stage
    assert house.claim() is None


def test_a_defect_of_ours_does_not_tell_what_it_held(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    task = house.run(raising(KeyError("ghs_a_token_in_a_message")))
    assert task.stage == "failed"
    assert "KeyError in stage" in (task.reason or "")
    assert "ghs_a_token" not in (task.reason or "")
    with house.database.read() as session:
        assert "ghs_a_token" not in str([event.data for event in events.of_task(session, house.task_id)])


def test_an_arrow_that_does_not_exist_is_a_defect_of_ours(house: House) -> None:
    assert house.run(lambda _: Move(Stage.IN_REVIEW)).stage == "failed"


# What makes it wait


def test_a_task_handed_back_goes_on_elsewhere_at_once(house: House) -> None:
    task = house.run(raising(HandBack()))
    assert (task.stage, task.lease_owner, task.claims_without_progress) == ("received", None, 0)
    assert house.claim() is not None


def test_a_worker_that_drains_begins_nothing_and_loses_nothing(house: House) -> None:
    begun: list[str] = []

    def stage(context: TaskContext) -> Decision:
        begun.append(context.id)
        context.workshop.draining.set()
        return Move(Stage.TRIAGED, remember={"found": "something"})

    house.stages = {Stage.RECEIVED: stage, Stage.TRIAGED: stage}
    task = house.run()
    assert (len(begun), task.stage, task.data["found"]) == (1, "triaged", "something")
    assert house.claim() is not None


def test_a_rate_limit_is_waited_out(house: House) -> None:
    until = house.workshop.clock() + 600
    house.run(raising(RateLimited("GET /x", until)))
    assert house.wait_for_it() == pytest.approx(600, abs=2)
    assert house.claim() is not None


@pytest.mark.parametrize(
    "trouble",
    [ForgeUnavailable("GET /x", "no answer"), RemoteUnavailable("fetch", "no answer", "Try again")],
)
def test_an_outage_is_waited_for_longer_each_time_and_not_for_ever(trouble: Exception, house: House) -> None:
    waits: list[float] = []
    began = house.workshop.clock()
    while house.run(raising(trouble)).finished_at is None:
        waits.append(house.wait_for_it())
    assert waits[:4] == pytest.approx([5, 10, 20, 40], abs=1)
    assert waits == sorted(waits[:8]) + waits[8:]
    assert max(waits) <= 901
    assert TROUBLE_AT_MOST_S <= house.workshop.clock() - began <= TROUBLE_AT_MOST_S + 1000
    task = house.task()
    assert task.stage == "failed"
    assert "gave up after 3 hours" in (task.reason or "")
    assert "no answer" in (task.reason or "")


def test_an_outage_that_ends_is_forgotten(house: House) -> None:
    house.run(raising(ForgeUnavailable("GET /x", "no answer")))
    house.wait_for_it()
    house.stages = {Stage.RECEIVED: lambda _: Move(Stage.TRIAGED), Stage.TRIAGED: lambda _: Wait(60)}
    task = house.run()
    assert task.stage == "triaged"
    assert not task.data.keys() & {"trouble_since", "trouble_times", "trouble_stage"}


def test_a_box_is_made_anew_a_few_times(house: House) -> None:
    lost = raising(BoxLost("the box is gone", "killed"))
    for _ in range(BOXES_LOST_AT_MOST):
        assert house.run(lost).stage == "received"
    task = house.run(lost)
    assert task.stage == "failed"
    assert "lost 3 times" in (task.reason or "")


# Workers that die, and workers that lost the task


def test_a_task_that_kills_its_workers_is_not_tried_for_ever(house: House) -> None:
    for number in range(MOST_CLAIMS_WITHOUT_PROGRESS):
        assert house.claim(f"dead-{number}", lease_s=1) is not None
        house.skipped[0] += 2
    tried: list[str] = []

    def stage(context: TaskContext) -> Decision:
        tried.append(context.id)
        return Wait(1)

    task = house.run(stage)
    assert (task.stage, tried) == ("failed", [])
    assert "lost 5 times in the stage received" in (task.reason or "")


def test_a_worker_that_lost_the_task_touches_nothing(house: House) -> None:
    def stage(_: TaskContext) -> Decision:
        house.skipped[0] += LEASE_S + 1
        assert house.claim() is not None
        return Move(Stage.TRIAGED, remember={"written": "by the one who lost it"})

    task = house.run(stage)
    assert (task.stage, task.lease_owner, task.fence) == ("received", "another", 2)
    assert "written" not in task.data


def test_a_stop_wins_over_the_stage(house: House) -> None:
    with house.database.write() as session:
        assert tasks.request_stop(session, house.task_id, "maria", now=house.workshop.clock())
    tried: list[str] = []

    def stage(context: TaskContext) -> Decision:
        tried.append(context.id)
        return Wait(1)

    task = house.run(stage)
    assert (task.stage, task.reason, tried) == ("cancelled", "stopped by maria", [])


# The end


def test_an_end_is_told_before_it_is_closed(house: House) -> None:
    """A forge that is down when a task ends hears of it later: until then the task is not closed."""
    house.window.troubles = [ForgeUnavailable("PATCH /x", "down") for _ in range(3)]
    task = house.run(raising(EndTask(Stage.NEEDS_HUMAN, "which?")))
    assert (task.stage, task.finished_at) == ("needs_human", None)
    house.wait_for_it()
    assert house.run().finished_at is None
    house.wait_for_it()
    task = house.run()
    assert task.finished_at is not None
    assert house.window.shown_in == ["needs_human"]


def test_an_end_that_can_never_be_told_is_closed(house: House) -> None:
    house.run(raising(HandBack()))
    house.window.troubles = [ForgeError("PATCH /x", "gone", status=404) for _ in range(2)]
    assert house.run(raising(EndTask(Stage.FAILED, "no"))).finished_at is not None


def test_a_defect_in_showing_keeps_no_task_open(house: House) -> None:
    """Neither an arrow nor an end may hang on a picture that cannot be drawn."""
    house.window.troubles = [KeyError("defect"), KeyError("defect")]
    assert house.run(raising(EndTask(Stage.FAILED, "no"))).finished_at is not None


@pytest.mark.parametrize("trouble", [ForgeError("PATCH /x", "gone", status=404), ForgeUnavailable("PATCH /x", "down")])
def test_progress_that_cannot_be_shown_holds_up_no_work(trouble: ForgeError, house: House) -> None:
    def stage(context: TaskContext) -> Decision:
        house.window.troubles = [trouble]
        context.report("a step")
        assert house.window.troubles == []
        return Move(Stage.TRIAGED, remember={"worked": "on"})

    house.stages = {Stage.RECEIVED: stage, Stage.TRIAGED: lambda _: Wait(60)}
    task = house.run()
    assert (task.stage, task.data["worked"]) == ("triaged", "on")


# The heartbeat


def test_news_come_with_the_heartbeat(house: House) -> None:
    held = house.claim("test", lease_s=3.0)
    assert held is not None
    with Heartbeat(house.database, held, 3.0, house.workshop.clock) as heartbeat:
        before = house.task().lease_until or 0.0
        with house.database.write() as session:
            tasks.request_stop(session, house.task_id, "maria", now=house.workshop.clock())
        assert _within(1.0, lambda: heartbeat.stop_requested_by == "maria")
        assert heartbeat.should_stop()
        assert _within(2.5, lambda: (house.task().lease_until or 0.0) > before), "not renewed within the lease"
    assert house.task().active_seconds > 0


def test_a_lease_that_was_taken_is_noticed(house: House) -> None:
    clock = [house.workshop.clock()]
    held = house.claim("test", lease_s=3.0)
    assert held is not None
    with Heartbeat(house.database, held, 3.0, lambda: clock[0]) as heartbeat:
        house.skipped[0] += 4
        assert house.claim("another") is not None
        assert heartbeat.lost.wait(1.0)
        with pytest.raises(LeaseLost):
            heartbeat.check()
        with pytest.raises(LeaseLost):
            heartbeat.renew()
    assert house.task().lease_owner == "another"


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True
