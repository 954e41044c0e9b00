"""A task whose worker was lost goes on in its box where that lives, and else where the journal ends."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandboxes.contract import Backend, Box, BoxLost, FileChange
from store import events, journal, tasks
from tests.cli.ground import SUMS, make_repository
from tests.sandboxes.conftest import WALLED, each
from tests.workers.bench import Bench
from workers import boxes
from workers.changes import pack
from workers.heartbeat import Heartbeat
from workers.workshop import TaskContext

WINDOW = "0/implement#1"
NOTED = {"sums.py": FileChange("file", False, b"def total(numbers):\n    return sum(numbers)\n")}


@pytest.fixture(params=each(WALLED))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return WALLED[request.param](tmp_path / "boxes")


@pytest.fixture
def bench(backend: Backend, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, backend=backend, warm_boxes=0)
    yield made
    made.database.close()


@pytest.fixture
def first(bench: Bench, tmp_path: Path) -> TaskContext:
    return bench.prepared(make_repository(tmp_path / "sums", SUMS))


def of_the_next_worker(bench: Bench, first: TaskContext) -> TaskContext:
    """The same task, claimed by another after the first one's lease ran out."""
    later = time.time() + 10_000
    with bench.database.write() as session:
        held = tasks.claim(session, first.id, "another", now=later, lease_s=600)
    assert held is not None
    return TaskContext(bench.workshop, held, Heartbeat(bench.database, held, 600, time.time))


def begin(context: TaskContext, stack: ExitStack) -> Box:
    return stack.enter_context(boxes.attempt_box(context, context.task().base_sha or "", (WINDOW,)))


def note(context: TaskContext) -> None:
    with context.database.write() as session:
        journal.append(session, context.held, WINDOW, {"step": 1}, pack(NOTED), now=time.time())


def kept(context: TaskContext) -> bool:
    with context.database.read() as session:
        return any(event.kind == "box_kept" for event in events.of_task(session, context.id))


def test_the_box_is_taken_over_where_it_lives(bench: Bench, backend: Backend, first: TaskContext) -> None:
    with ExitStack() as abandoned, ExitStack() as stack:
        lost = begin(first, abandoned)
        lost.apply_changes(NOTED)
        lost.run(["/bin/sh", "-c", "echo warm > ~/cache"], timeout=60)
        note(first)
        second = of_the_next_worker(bench, first)
        box = begin(second, stack)
        lives = backend.name != "local"
        assert kept(second) is lives
        assert (box.name == lost.name) is lives
        assert box.get_changes() == NOTED
        cache = box.run(["/bin/sh", "-c", "cat ~/cache"], timeout=60)
        assert cache.stdout == (b"warm\n" if lives else b"")
        if lives:
            with pytest.raises(BoxLost):
                lost.run(["true"], timeout=60)
        lost.close()
        assert box.run(["true"], timeout=60).exit_code == 0, "who lost a box cannot end it"
        assert second.task().data["box"]["name"] == box.name
        abandoned.pop_all()


def test_what_nobody_wrote_down_does_not_count(bench: Bench, backend: Backend, first: TaskContext) -> None:
    with ExitStack() as abandoned, ExitStack() as stack:
        lost = begin(first, abandoned)
        note(first)
        lost.apply_changes(NOTED)
        lost.write("half", b"of a command that nobody saw the end of")
        second = of_the_next_worker(bench, first)
        box = begin(second, stack)
        assert not kept(second)
        assert box.name != lost.name
        assert box.get_changes() == NOTED
        if backend.name != "local":
            with pytest.raises(BoxLost):
                lost.run(["true"], timeout=60)
        lost.close()
        abandoned.pop_all()


def test_other_work_begins_in_another_box(bench: Bench, first: TaskContext) -> None:
    with ExitStack() as abandoned:
        lost = begin(first, abandoned)
        second = of_the_next_worker(bench, first)
        with boxes.attempt_box(second, second.task().base_sha or "", ("1/repair#1",)) as box:
            assert box.name != lost.name
        assert second.task().data["box"] is None
        lost.close()
        abandoned.pop_all()
