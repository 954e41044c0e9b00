"""The tests of a task's change, on real mirrors with a past."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repositories import Signature
from sandboxes.contract import ChangeSet, FileChange
from tests.cli.ground import git, make_repository, put
from tests.workers.bench import Bench
from workers import choosing
from workers.localising import search_of
from workers.workshop import TaskContext

CODE = {
    "sums.py": "def total(numbers):\n    return sum(numbers[1:])\n",
    "words.py": "def count(text):\n    return len(text.split())\n",
    "tests/test_sums.py": "from sums import total\n\n\ndef test_total():\n    assert total([]) == 0\n",
    "tests/test_far.py": "def test_far():\n    assert True\n",
}
FIXED = b"def total(numbers):\n    return sum(numbers)\n"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.workshop.indexes.close()
    made.database.close()


@pytest.fixture
def context(bench: Bench, tmp_path: Path) -> TaskContext:
    folder = make_repository(tmp_path / "sums", CODE)
    for number in range(3):
        put(
            folder,
            {
                "words.py": f"{CODE['words.py']}# {number}\n",
                "tests/test_far.py": f"{CODE['tests/test_far.py']}# {number}\n",
            },
        )
        git(folder, "commit", "-qam", f"Round {number}")
    return bench.prepared(folder)


def base(context: TaskContext) -> str:
    return context.task().base_sha or ""


def committed(context: TaskContext, changes: ChangeSet) -> str:
    author = Signature("a", "a@example.invalid")
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return context.source.mirror(context).commit(base(context), changes, "Change", author, when)


def file(content: bytes) -> FileChange:
    return FileChange("file", False, content)


def test_a_window_knows_the_tests_of_its_tree_and_its_past(context: TaskContext) -> None:
    rev = base(context)
    chooser = choosing.chooser(context, rev, search_of(context, rev))
    assert chooser is not None
    choice = chooser.choose({"sums.py": FIXED}, wait_s=60)
    assert choice is not None
    assert choice.selection.tests[0].path == "tests/test_sums.py"
    assert choice.commands == ("python3 -m pytest tests/test_sums.py::test_total",)
    choice = chooser.choose({"words.py": b"def count(text):\n    return 0\n"}, wait_s=60)
    assert choice is not None
    assert {str(why) for one in choice.selection.tests for why in one.reasons} >= {"changed with words.py 4 of 4 times"}
    assert choice.selection.unexercised == ("words.py",)


def test_without_an_index_there_is_none(context: TaskContext) -> None:
    assert choosing.chooser(context, base(context), None) is None


def test_the_proof_is_told_what_exercises_the_code(context: TaskContext) -> None:
    head = committed(
        context,
        {"sums.py": file(FIXED), "words.py": file(b"def count(text):\n    return 0\n"), "notes.md": file(b"x"),
         "tests/test_far.py": file(b"x = 1\n"), "logo.py": file(b"\0")},
    )  # fmt: skip
    told = choosing.exercising(context, base(context), head)
    assert told == {"logo.py": (), "sums.py": ("tests/test_sums.py",), "words.py": ()}


def test_renamed_and_removed_code(context: TaskContext) -> None:
    content = str(CODE["sums.py"]).encode() + b"# 1\n"
    gone = FileChange("deleted", False, b"")
    head = committed(context, {"totals.py": file(content), "sums.py": gone, "words.py": gone})
    assert choosing.exercising(context, base(context), head) == {"totals.py": ("tests/test_sums.py",)}


def test_a_map_that_fails_costs_the_proof_nothing_else(context: TaskContext, monkeypatch: pytest.MonkeyPatch) -> None:
    head = committed(context, {"sums.py": file(FIXED)})
    state = context.settings.state_dir
    search_of(context, base(context))
    # The folder for histories is a file: whatever fails in making the map ends there.
    (state / "histories").write_text("in the way")
    assert choosing.exercising(context, base(context), head) == {"sums.py": ("tests/test_sums.py",)}
    monkeypatch.setattr(choosing, "PATIENCE_S", 0.0)
    assert choosing.exercising(context, base(context), head) == {}
