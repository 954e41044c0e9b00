"""Any sequence of creating, claiming, working, crashing, waking and ending, against a plain model of a task's life.

What must hold whatever happens: at most one claim stands; a write through any other fails; no wake is lost; fences only
grow; stages change only along arrows, and each change is one event, numbered without gaps.
"""

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, select

from store import TERMINAL, Claim, Database, IllegalMove, LeaseLost, Stage, events, tasks
from store.schema import Base, Task
from tests.store.making import new_task
from tests.store.test_store_lost_leases import WRITES
from tests.store.test_store_stages import ARROWS

LEASE_S = 10.0
RING_AGAIN_AFTER_S = 5.0
OWNERS = st.sampled_from(["ada", "bob", "cy"])
SECONDS = st.sampled_from([0.0, 1.0, 4.0, 9.0, 10.0, 25.0])
ALONG = sorted(ARROWS)


@dataclass
class Life:
    """What the model knows of one task."""

    subject: str
    stages: list[str] = field(default_factory=lambda: ["received"])
    holder: Claim | None = None
    lease_until: float = 0.0
    fence: int = 0
    wake_at: float | None = 0.0
    rung_at: float | None = None
    woken_since_claim: bool = False
    claims_without_progress: int = 0
    stop_requested_by: str | None = None

    @property
    def live(self) -> bool:
        return self.wake_at is not None

    def held_at(self, now: float) -> bool:
        return self.holder is not None and self.lease_until > now


def somebody_works(machine: "TaskMachine") -> bool:
    return any(life.holder is not None for life in machine.lives.values())


WORKING = precondition(somebody_works)


class TaskMachine(RuleBasedStateMachine):
    claims: Bundle[Claim] = Bundle("claims")
    database: Database
    run = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).run += 1  # one database for all runs: each has subjects of its own
        self.subjects = [f"run {self.run}: issue {number}" for number in range(2)]
        self.now = 1000.0
        self.lives: dict[str, Life] = {}
        self.seen_fences: dict[str, int] = {}

    @rule(subject=st.integers(0, 1))
    def create(self, subject: int) -> None:
        name = self.subjects[subject]
        with self.database.write() as session:
            task = tasks.create(session, new_task(name), now=self.now)
        assert (task is None) == any(life.live and life.subject == name for life in self.lives.values())
        if task is not None:
            self.lives[task.id] = Life(name, wake_at=self.now)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.lives)
    @rule(target=claims, data=st.data(), owner=OWNERS)
    def claim(self, data: st.DataObject, owner: str) -> Claim | MultipleResults[Claim]:
        task_id = self._some_task(data)
        life = self.lives[task_id]
        with self.database.write() as session:
            held = tasks.claim(session, task_id, owner, now=self.now, lease_s=LEASE_S)
        free = life.wake_at is not None and life.wake_at <= self.now and not life.held_at(self.now)
        assert (held is not None) == free
        if held is None:
            return multiple()
        assert held.fence > life.fence
        life.holder, life.fence, life.lease_until = held, held.fence, self.now + LEASE_S
        life.woken_since_claim = False
        life.claims_without_progress += 1
        return held

    @WORKING
    @rule(data=st.data(), worked_s=st.sampled_from([0.0, 3.0]))
    def renew(self, data: st.DataObject, worked_s: float) -> None:
        held, life = self._some_claim(data)
        with self.database.write() as session:
            pulse = tasks.renew(session, held, now=self.now, lease_s=LEASE_S, worked_s=worked_s)
        assert pulse.stop_requested_by == life.stop_requested_by
        assert (pulse.signals > held.signals) == life.woken_since_claim
        life.lease_until = self.now + LEASE_S

    @WORKING
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        held, life = self._some_claim(data)
        with self.database.write() as session:
            tasks.record(session, held, now=self.now, branch=f"at {self.now}")
        life.claims_without_progress = 0

    @WORKING
    @rule(data=st.data(), seconds=SECONDS)
    def park(self, data: st.DataObject, seconds: float) -> None:
        held, life = self._some_claim(data)
        with self.database.write() as session:
            tasks.park(session, held, wake_at=self.now + seconds, now=self.now)
        life.holder, life.rung_at, life.claims_without_progress = None, None, 0
        life.wake_at = self.now if life.woken_since_claim else self.now + seconds

    @WORKING
    @rule(data=st.data(), towards=st.sampled_from(["on", "on", "on", "end", "anywhere"]))
    def advance(self, data: st.DataObject, towards: str) -> None:
        held, life = self._some_claim(data)
        here = life.stages[-1]
        onward = [there for start, there in ALONG if start == here and there not in TERMINAL]
        ways: dict[str, list[str]] = {"on": onward, "end": sorted(TERMINAL), "anywhere": []}
        choices = ways[towards] or list(Stage)
        there = Stage(data.draw(st.sampled_from(choices)))
        try:
            with self.database.write() as session:
                tasks.advance(session, held, there, now=self.now)
        except IllegalMove:
            assert (here, there) not in ARROWS
            return
        assert (here, there) in ARROWS
        life.stages.append(there)
        life.claims_without_progress = 0

    @WORKING
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        held, life = self._some_claim(data)
        with self.database.write() as session:
            if Stage(life.stages[-1]) not in TERMINAL:
                with pytest.raises(ValueError, match="only a task at an end"):
                    tasks.finish(session, held, now=self.now)
                return
            tasks.finish(session, held, now=self.now)
        life.holder, life.wake_at = None, None

    @rule(held=claims, write=st.sampled_from(sorted(WRITES)))
    def write_through_an_old_claim(self, held: Claim, write: str) -> None:
        if self.lives[held.task_id].holder == held:
            return
        with self.database.write() as session, pytest.raises(LeaseLost):
            WRITES[write](session, held)

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def wake(self, data: st.DataObject) -> None:
        task_id = self._some_task(data)
        with self.database.write() as session:
            woken = tasks.wake(session, task_id, now=self.now)
        self._note_wake(self.lives[task_id], woken)

    @WORKING
    @rule(data=st.data())
    def wake_while_it_is_worked_on(self, data: st.DataObject) -> None:
        held, life = self._some_claim(data)
        with self.database.write() as session:
            woken = tasks.wake(session, held.task_id, now=self.now)
        self._note_wake(life, woken)

    @precondition(lambda self: self.lives)
    @rule(data=st.data(), who=OWNERS)
    def request_stop(self, data: st.DataObject, who: str) -> None:
        task_id = self._some_task(data)
        life = self.lives[task_id]
        with self.database.write() as session:
            asked = tasks.request_stop(session, task_id, who, now=self.now)
        assert asked == (life.live and life.stop_requested_by is None)
        if asked:
            life.stop_requested_by = who
            self._note_wake(life, woken=True)

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def ring(self, data: st.DataObject) -> None:
        task_id = self._some_task(data)
        with self.database.write() as session:
            tasks.rung(session, [task_id], now=self.now)
        self.lives[task_id].rung_at = self.now

    @invariant()
    def the_database_is_as_the_model_says(self) -> None:
        with self.database.read() as session:
            rows = session.scalars(select(Task).where(Task.id.in_(self.lives))).all()
            claimable = set(tasks.runnable(session, now=self.now, ring_again_after=-1.0, limit=1000))
            to_ring = set(tasks.runnable(session, now=self.now, ring_again_after=RING_AGAIN_AFTER_S, limit=1000))
            logs = {task_id: events.of_task(session, task_id) for task_id in self.lives}
        assert len(rows) == len(self.lives)
        for row in rows:
            life = self.lives[row.id]
            self._row_is_right(row, life)
            self._log_is_right(logs[row.id], life)
            if life.live and life.woken_since_claim and not life.held_at(self.now):
                assert row.id in claimable, "a wake was lost: it happened after the last claim, and nobody works on it"
            wants_to_run = life.wake_at is not None and life.wake_at <= self.now and not life.held_at(self.now)
            rung_lately = life.rung_at is not None and life.rung_at > self.now - RING_AGAIN_AFTER_S
            assert (row.id in to_ring) == (wants_to_run and not rung_lately)

    def _row_is_right(self, row: Task, life: Life) -> None:
        assert row.fence >= self.seen_fences.get(row.id, 0), "fences only grow"
        self.seen_fences[row.id] = row.fence
        assert (row.stage, row.fence, row.wake_at) == (life.stages[-1], life.fence, life.wake_at)
        assert row.lease_owner == (life.holder.owner if life.holder else None)
        assert row.lease_until == (life.lease_until if life.holder else None)
        assert row.claims_without_progress == life.claims_without_progress
        assert row.active_subject == (life.subject if life.live else None)

    def _log_is_right(self, log: list[events.Event], life: Life) -> None:
        assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
        assert [entry.stage for entry in log] == life.stages
        arrows = [(entry.data["from"], entry.stage) for entry in log[1:]]
        assert arrows == list(itertools.pairwise(life.stages))
        assert set(arrows) <= ARROWS

    def _some_claim(self, data: st.DataObject) -> tuple[Claim, Life]:
        """A claim that stands, its lease lapsed or not."""
        standing = [(life.holder, life) for life in self.lives.values() if life.holder is not None]
        return data.draw(st.sampled_from(standing))

    def _some_task(self, data: st.DataObject) -> str:
        """The newest tasks are drawn most: the older ones have ended."""
        return data.draw(st.sampled_from(list(self.lives)[::-1]))

    def _note_wake(self, life: Life, woken: bool) -> None:
        assert woken == life.live
        if life.wake_at is not None:
            life.wake_at = min(life.wake_at, self.now)
            life.woken_since_claim, life.rung_at = True, None


def test_any_sequence_of_a_tasks_life(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/forgehand.db")

    @event.listens_for(database.engine, "connect")
    def hurry(connection: object, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]  # the power stays on here

    Base.metadata.create_all(database.engine)
    machine = type("TaskMachineHere", (TaskMachine,), {"database": database})
    run_state_machine_as_test(machine, settings=settings(max_examples=80, stateful_step_count=40, deadline=None))
    database.close()
