"""`setup:` commands run once for a tree, in a box of their own; attempts and proofs start from what they left."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from proofs import CommandRun
from repositories import Signature
from sandboxes.contract import Box, FileChange, SandboxSpec
from store import Stage, events
from tests.cli.ground import SUMS, make_repository
from tests.workers.bench import Bench
from workers import boxes
from workers.decisions import EndTask, HandBack
from workers.setting_up import SettingUp
from workers.setup_cache import Recipe, SetupCache
from workers.stages.proving import make_proof
from workers.workshop import TaskContext

TEST = "test: 'test -f built.txt && cat ~/tool && python3 -m unittest discover -s tests -t .'\n"
# The clock tells two runs apart.
SETUP = "setup: ['cp sums.py built.txt', 'date +%s%N > ~/tool']\n"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


def repository(tmp_path: Path, settings: str) -> Path:
    return make_repository(tmp_path / "sums", {**SUMS, ".forgehand.yml": settings})


def tool(box: Box) -> bytes:
    return box.run(["/bin/sh", "-c", "cat ~/tool built.txt"], timeout=20).stdout


def told(context: TaskContext, kind: str) -> list[dict[str, object]]:
    with context.database.read() as session:
        return [dict(event.data) for event in events.of_task(session, context.id) if event.kind == kind]


def changed(bench: Bench, context: TaskContext, path: str, content: bytes) -> str:
    base = context.task().base_sha or ""
    mirror = bench.source.mirror(context)
    author = Signature("a", "a@example.invalid")
    return mirror.commit(
        base, {path: FileChange("file", False, content)}, "Change", author, datetime(2026, 1, 1, tzinfo=UTC)
    )


def test_attempts_start_from_one_set_up(bench: Bench, tmp_path: Path) -> None:
    context = bench.prepared(repository(tmp_path, TEST + SETUP))
    base = context.task().base_sha or ""
    with boxes.attempt_box(context, base, ()) as box:
        first = tool(box)
        assert b"def total" in first, "workspace and home are there"
        assert box.get_changes() == {}, "what a set-up made is no change of the agent's"
    with boxes.attempt_box(context, base, ()) as box:
        assert tool(box) == first, "the commands did not run again"
    (once,) = told(context, "set_up")
    assert once["commands"] == ["cp sums.py built.txt", "date +%s%N > ~/tool"]


def test_a_proof_sets_each_side_up_from_its_own_tree(bench: Bench, tmp_path: Path) -> None:
    context = bench.prepared(repository(tmp_path, TEST + SETUP))
    base = context.task().base_sha or ""
    head = changed(bench, context, "sums.py", b"def total(numbers):\n    return sum(numbers)\n")
    proof = make_proof(context, base, head)
    assert proof.verdict == "unproven", proof.reason
    assert [(run.side, run.passed) for run in proof.commands if run.command.startswith("cp")] == [
        ("base", True),
        ("head", True),
    ]
    assert len(told(context, "set_up")) == 2
    with boxes.attempt_box(context, head, ()) as box:
        assert b"return sum(numbers)" in tool(box), "head was built from head"


def test_a_set_up_that_fails_on_the_base_branch_is_for_people(bench: Bench, tmp_path: Path) -> None:
    context = bench.prepared(repository(tmp_path, "setup: ['true', 'echo no such package >&2; exit 3']\n"))
    with (
        pytest.raises(EndTask, match="no such package") as end,
        boxes.attempt_box(context, context.task().base_sha or "", ()),
    ):
        pass
    assert end.value.move.there is Stage.NEEDS_HUMAN


def test_a_set_up_that_fails_on_a_change_is_the_agents(bench: Bench, tmp_path: Path) -> None:
    context = bench.prepared(repository(tmp_path, "setup: 'test ! -e broken'\n"))
    head = changed(bench, context, "broken", b"")
    with boxes.attempt_box(context, head, ()) as box:
        assert box.read("broken") == b""
    assert "test ! -e broken" in str(told(context, "set_up_failed"))


def test_without_commands_there_is_no_box_for_them(bench: Bench, tmp_path: Path) -> None:
    context = bench.prepared(repository(tmp_path, "test: 'true'\n"))
    with boxes.attempt_box(context, context.task().base_sha or "", ()):
        pass
    assert not (context.settings.state_dir / "setups").exists()


@pytest.mark.parametrize("harm", [b"", b"not frames at all", None])
def test_what_is_damaged_is_made_again(harm: bytes | None, bench: Bench, tmp_path: Path) -> None:
    context = bench.prepared(repository(tmp_path, TEST + SETUP))
    base = context.task().base_sha or ""
    with boxes.attempt_box(context, base, ()) as box:
        first = tool(box)
    (saved,) = (context.settings.state_dir / "setups").glob("*.saved")
    saved.write_bytes(saved.read_bytes()[:-7] if harm is None else harm)
    with boxes.attempt_box(context, base, ()) as box:
        again = tool(box)
    assert again == b"" if harm == b"" else again != first
    proof = make_proof(context, base, changed(bench, context, "new", b""))
    assert proof.verdict != "could_not_run" or harm == b"", proof.reason


def test_only_set_ups_have_their_network(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sandbox_setup_network="pypi.org:443", sandbox_network="example.org:80")
    context = bench.prepared(repository(tmp_path, SETUP))
    asked: list[SandboxSpec] = []

    def make(spec: SandboxSpec) -> Box:
        asked.append(spec)
        return bench.workshop.backend.create(replace(spec, network=()), name="set-up")

    spec = boxes.task_spec(context)
    assert spec.network == ("example.org:80",)
    assert SettingUp(context, spec, make).for_attempt(context.task().base_sha or "") is not None
    assert [one.network for one in asked] == [("example.org:80", "pypi.org:443")]
    bench.database.close()


def test_a_set_up_ends_when_the_task_is_let_go(bench: Bench, tmp_path: Path) -> None:
    context = bench.prepared(repository(tmp_path, "setup: sleep 60\n"))
    bench.workshop.draining.set()
    with pytest.raises(HandBack), boxes.attempt_box(context, context.task().base_sha or "", ()):
        pass
    assert list((context.settings.state_dir / "setups").glob("*.saved")) == []


RECIPE = Recipe("octo/sums", "t" * 40, ("make",), "docker", "team/build:3", ())
RUN = CommandRun("base", "make", "completed", 0, 1.5, "command", {"passed": 1}, "made", ("a note",))


@pytest.mark.parametrize(
    "other",
    [
        {"repository": "octo/other"},
        {"tree": "u" * 40},
        {"commands": ("make", "make")},
        {"backend": "kubernetes"},
        {"image": None},
        {"network": ("pypi.org:443",)},
        {"host": "another"},
    ],
)
def test_everything_that_matters_is_in_the_key(other: dict[str, object]) -> None:
    assert replace(RECIPE, **other).key != RECIPE.key  # type: ignore[arg-type]


def hundred(file: BinaryIO) -> None:
    file.write(b"x" * 100)


def test_what_is_kept_is_found_and_bounded(tmp_path: Path) -> None:
    cache = SetupCache(tmp_path / "setups", max_bytes=250)
    assert cache.find(RECIPE) is None
    recipes = [replace(RECIPE, tree=letter * 40) for letter in "abc"]
    for recipe in recipes[:2]:
        cache.keep(recipe, [RUN], hundred)
    assert (tmp_path / "setups").stat().st_mode & 0o077 == 0
    found = cache.find(recipes[0])
    assert found is not None
    assert (found.runs, found.saved.read_bytes()) == ((RUN,), b"x" * 100)
    cache.keep(recipes[2], [RUN], hundred)
    assert [cache.find(recipe) is not None for recipe in recipes] == [True, False, True], (
        "the one used longest ago goes"
    )
    cache.forget(recipes[2])
    assert cache.find(recipes[2]) is None


def test_what_cannot_be_written_is_not_kept(tmp_path: Path) -> None:
    cache = SetupCache(tmp_path / "setups", max_bytes=1 << 20)

    def breaks(file: object) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        cache.keep(RECIPE, [RUN], breaks)
    assert list((tmp_path / "setups").iterdir()) == []


def test_two_who_want_the_same_make_it_once(tmp_path: Path) -> None:
    cache = SetupCache(tmp_path / "setups", max_bytes=1 << 20)
    with cache.alone(RECIPE, lambda: False) as first:
        assert first
        with cache.alone(RECIPE, lambda: True) as second:
            assert not second
        with cache.alone(replace(RECIPE, tree="u" * 40), lambda: True) as other:
            assert other
    with cache.alone(RECIPE, lambda: True) as later:
        assert later
