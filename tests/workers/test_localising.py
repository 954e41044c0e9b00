"""What a task is shown of its repository before it asks, on real mirrors and a real database."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import Phase, prompting
from codebase.index import Finder
from store import Stage, events
from tests.cli.ground import git, make_repository, put
from tests.workers.bench import Bench
from workers import engineer, localising
from workers.decisions import EndTask, HandBack
from workers.localising import LINES_EACH, TOP, places, query, search_of
from workers.workshop import TaskContext, Workshop

CODE: dict[str, str | bytes | Path] = {
    "sums.py": "def total(numbers):\n    # The first is left out.\n    return sum(numbers[1:])\n",
    "words.py": "def count(text):\n    return len(text.split())\n",
}


TICKET = {
    "reference": "issue.md",
    "title": "Sums: the first is left out!",
    "body": "",
    "author": "maria",
    "permission": "write",
    "comments": [],
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.workshop.indexes.close()
    made.database.close()


@pytest.fixture
def context(bench: Bench, tmp_path: Path) -> TaskContext:
    made = bench.prepared(make_repository(tmp_path / "sums", CODE))
    made.record(ticket=TICKET)
    return made


def base(context: TaskContext) -> str:
    return context.task().base_sha or ""


def told(bench: Bench, context: TaskContext, kind: str) -> list[dict[str, Any]]:
    with bench.database.read() as session:
        return [event.data for event in events.of_task(session, context.id) if event.kind == kind]


# The query

SAID = [
    {"author": "maria", "permission": "write", "body": "It is in total()."},
    {"author": "eve", "permission": "none", "body": "Look at passwords.py!"},
    {"author": "bot", "body": "No permission known."},
    {"author": "root", "permission": "admin", "body": "Since 2.0."},
]


@pytest.mark.parametrize(
    ("ticket", "text"),
    [
        ({"title": "A", "body": "B"}, "A\n\nB"),
        ({"title": "A"}, "A\n\n"),
        ({"title": "A\nsecond line ", "body": "B"}, "A second line\n\nB"),
        ({"title": "A", "body": "B", "comments": SAID}, "A\n\nB\n\nIt is in total().\n\nSince 2.0."),
        ({"title": "A", "body": "B", "comments": []}, "A\n\nB"),
    ],
)
def test_title_body_and_the_words_of_those_who_may_write(ticket: dict[str, Any], text: str) -> None:
    assert query(ticket) == text


# The observation


def test_the_best_place_comes_first_with_its_lines(bench: Bench, context: TaskContext) -> None:
    first, *others = places(context, base(context))
    assert (first.hit.path, first.hit.symbol, first.hit.start_line) == ("sums.py", "total", 1)
    assert first.lines[1] == (2, "    # The first is left out.")
    assert len(others) < TOP
    (located,) = told(bench, context, "located")
    assert located["places"][0] == "sums.py:1-3 total"
    assert (located["rev"], located["files"]) == (base(context), 2)
    assert told(bench, context, "not_located") == []


def test_the_window_begins_with_them(context: TaskContext) -> None:
    brief = engineer.brief_for(context, "1/research#1", base(context), places=True)
    opening = prompting.opening(Phase.research, brief)
    assert "1. sums.py:1-3 total\n     1  def total(numbers):\n" in opening
    assert engineer.brief_for(context, "1/prove#1", base(context)).places == ()


def test_run_again_it_is_the_same_whatever_the_index_says_now(bench: Bench, context: TaskContext) -> None:
    before = places(context, base(context))

    class Other:
        def begin(self, mirror: Path, sha: str) -> Future[Finder]:
            real = bench.workshop.indexes.begin(mirror, sha).result(timeout=30)
            done: Future[Finder] = Future()
            done.set_result(_Backwards(real))
            return done

    context.workshop = with_indexes(bench, Other())
    assert places(context, base(context)) == before
    assert len(told(bench, context, "located")) == 1


class _Backwards(Finder):
    """A search that ranks otherwise."""

    def __init__(self, real: Finder) -> None:
        self.__dict__.update(real.__dict__)

    def find(self, text: str, *, top: int) -> Any:
        return list(reversed(super().find(text, top=top)))


def with_indexes(bench: Bench, indexes: Any) -> Workshop:
    made = replace(bench.workshop)
    made.__dict__["indexes"] = indexes
    return made


def test_another_commit_is_searched_anew(bench: Bench, context: TaskContext) -> None:
    places(context, base(context))
    directory = Path(context.task().request["directory"])
    put(directory, {"sums.py": "# The first is left out.\n\n\ndef sum_all(numbers):\n    return sum(numbers)\n"})
    git(directory, "commit", "-qam", "Another name")
    context.source.mirror(context).fetch()
    later = git(directory, "rev-parse", "HEAD")
    assert "sum_all" in {place.hit.symbol for place in places(context, later)}
    assert "total" not in {place.hit.symbol for place in places(context, later)}
    assert "total" in {place.hit.symbol for place in places(context, base(context))}


def test_a_ticket_that_is_about_nothing_here(bench: Bench, context: TaskContext) -> None:
    context.record(ticket=TICKET | {"title": "Zebra?"})
    assert places(context, base(context)) == ()
    assert places(context, base(context)) == ()
    assert [one["places"] for one in told(bench, context, "located")] == [[]]


def test_a_large_repository_gives_as_much_as_a_window_can_hold(bench: Bench, tmp_path: Path) -> None:
    many = {f"m{n}.py": f"def sums{n}(first):\n" + "    left = out\n" * 60 for n in range(60)}
    context = bench.prepared(make_repository(tmp_path / "many", dict(many)))
    context.record(ticket=TICKET)
    found = places(context, base(context))
    assert [len(place.lines) for place in found] == [*LINES_EACH, *[0] * (TOP - len(LINES_EACH))]
    brief = engineer.brief_for(context, "1/research#1", base(context), places=True)
    assert len(prompting.opening(Phase.research, brief)) < 16_000
    brief = engineer.brief_for(context, "1/plan#1", base(context), places=True)
    assert len(prompting.opening(Phase.plan, brief)) < 2_000


# What goes wrong


class Broken:
    """Indexes that cannot be built, or are not ready."""

    def __init__(self, error: Exception | None) -> None:
        self.future: Future[Finder] = Future()
        if error is not None:
            self.future.set_exception(error)

    def begin(self, mirror: Path, sha: str) -> Future[Finder]:
        return self.future


@pytest.mark.parametrize("error", [OSError("no space left on device"), MemoryError(), RuntimeError("a defect")])
def test_what_cannot_be_built_costs_the_observation_and_is_told_once(
    error: Exception, bench: Bench, context: TaskContext
) -> None:
    context.workshop = with_indexes(bench, Broken(error))
    assert places(context, base(context)) == ()
    assert search_of(context, base(context)) is None
    assert places(context, base(context)) == ()
    (why,) = told(bench, context, "not_located")
    assert type(error).__name__ in why["why"]
    assert told(bench, context, "located") == []


def test_what_takes_too_long_is_not_waited_for_twice(
    bench: Bench, context: TaskContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localising, "PATIENCE_S", 0.3)
    broken = Broken(None)
    context.workshop = with_indexes(bench, broken)
    assert places(context, base(context)) == ()
    monkeypatch.setattr(localising, "PATIENCE_S", 600.0)
    assert search_of(context, base(context)) is None
    (why,) = told(bench, context, "not_located")
    assert "not ready after 0 s" in why["why"]
    real = bench.workshop.indexes.begin(context.source.mirror(context).path, base(context)).result(timeout=30)
    broken.future.set_result(real)
    assert search_of(context, base(context)) is real, "a later window can search"
    assert places(context, base(context)) == (), "and is shown what the first one was shown"


def test_a_search_that_fails_costs_the_observation(
    bench: Bench, context: TaskContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Finder, "find", fail)
    assert places(context, base(context)) == ()
    (why,) = told(bench, context, "not_located")
    assert "ZeroDivisionError" in why["why"]


@pytest.mark.parametrize("how", ["stopped", "draining"])
def test_who_waits_for_an_index_can_be_stopped(how: str, bench: Bench, context: TaskContext) -> None:
    context.workshop = with_indexes(bench, Broken(None))

    def stop() -> None:
        if how == "draining":
            bench.workshop.draining.set()
        else:
            context.heartbeat.stop_requested_by = "maria"

    threading.Timer(0.3, stop).start()
    with pytest.raises(HandBack if how == "draining" else EndTask) as stopped:
        places(context, base(context))
    if isinstance(stopped.value, EndTask):
        assert stopped.value.move.there is Stage.CANCELLED
    bench.workshop.draining.clear()


def test_a_task_begins_to_be_indexed_before_it_is_asked_for(bench: Bench, context: TaskContext) -> None:
    localising.begin(context, base(context))
    mirror = context.source.mirror(context).path
    assert bench.workshop.indexes.begin(mirror, base(context)).result(timeout=30).find("sums", top=1)
