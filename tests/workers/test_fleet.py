"""With one machine for two tasks the second waits, people see its place, and it goes on when its turn comes."""

from pathlib import Path

from store import machines, tasks
from tests.store.making import new_task
from tests.workers.floor import furnished_floor
from workers.fleet import limits_of


def test_a_task_waits_in_line_for_the_only_machine(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, machines=1) as floor:
        now = floor.workshop.clock()
        limits = limits_of(floor.settings)
        with floor.workshop.database.write() as session:
            other = tasks.create(session, new_task("github:9:issue:77"), now=now)
            assert other is not None
            held = tasks.claim(session, other.id, "another worker", now=now, lease_s=10_000)
            assert held is not None
            assert machines.ask(session, held, "elsewhere", limits, now=now) is None
        task = floor.assign()
        assert floor.conductor.run(task.id)
        task = next(one for one in floor.tasks() if one.id == task.id)
        assert (task.stage, task.lease_owner) == ("researching", None), "parked at the first stage that needs one"
        (comment,) = floor.comments()
        assert "Waiting for a machine: number 1 of 1 in line." in comment["body"]
        with floor.workshop.database.write() as session:
            machines.give_back(session, held.task_id)
        floor.pass_time(5)
        task = floor.run("in_review")
        assert task.stage == "in_review", task.reason
        assert "in line" not in floor.comments()[0]["body"]
        with floor.workshop.database.read() as session:
            assert machines.counts(session, now=floor.workshop.clock()) == (0, 0), "a task in review needs no machine"
