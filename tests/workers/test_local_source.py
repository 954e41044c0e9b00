"""A directory as a source of tasks, with real git and a real database: its base, its branch, what it is shown."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repositories import EmptyRepository, Mirror, Remote, RepositoryGone, RevisionUnknown
from repositories.names import check_branch
from store import Stage, events
from tests.cli.ground import SUMS, git, make_repository, put
from tests.workers.bench import Bench
from workers.decisions import EndTask
from workers.local_source import SLUG_CHARS, branch_name, find_base, mirror_path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "sums", SUMS)


# Names


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Read decimals in durations", "read-decimals-in-durations"),
        ("`f(x)`: wrong!", "f-x-wrong"),
        ("Caf\N{LATIN SMALL LETTER E WITH ACUTE} M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller", "cafe-muller"),
        ("a" * 90, "a" * SLUG_CHARS),
        ("../../etc/passwd", "etc-passwd"),
        ("--force", "force"),
    ],
)
def test_branches_are_named_after_their_title(title: str, slug: str) -> None:
    assert branch_name(title, "0123456789abcd") == f"forgehand/{slug}-0123456789abcd"


def test_a_title_without_letters_leaves_the_number() -> None:
    assert branch_name("\N{SNOWMAN}\N{SNOWMAN}", "0123456789abcd") == "forgehand/0123456789abcd"


@given(st.text(max_size=300))
def test_every_title_makes_a_branch_git_takes(title: str) -> None:
    name = branch_name(title, "0123456789abcd")
    assert check_branch(name) == f"refs/heads/{name}"
    assert name.endswith("0123456789abcd")


def test_two_directories_have_two_mirrors(tmp_path: Path) -> None:
    assert mirror_path(tmp_path, "/a/b") != mirror_path(tmp_path, "/a/c")
    assert mirror_path(tmp_path, "/a/b") == mirror_path(tmp_path, "/a/b")
    assert mirror_path(tmp_path, os.fsdecode(b"/caf\xe9")).parent == tmp_path / "local"


# The base


def test_the_current_branch_is_the_base(bench: Bench, sums: Path) -> None:
    git(sums, "checkout", "-q", "-b", "work")
    put(sums, {"more.txt": "x"})
    git(sums, "add", ".")
    git(sums, "commit", "-qm", "More")
    prepared = bench.source.prepare(bench.take(sums))
    assert (prepared.base_branch, prepared.base_sha) == ("work", git(sums, "rev-parse", "work"))
    assert prepared.start_sha == prepared.base_sha
    assert "current branch" in prepared.why
    assert prepared.pull_number is None


def test_what_is_committed_since_is_seen(bench: Bench, sums: Path) -> None:
    first = bench.take(sums)
    bench.source.prepare(first)
    git(sums, "commit", "-q", "--allow-empty", "-m", "Later")
    assert bench.source.prepare(first).base_sha == git(sums, "rev-parse", "HEAD")


def test_a_base_that_went_away_ends_the_task(bench: Bench, sums: Path) -> None:
    with pytest.raises(EndTask, match="no base to work from") as ended:
        bench.source.prepare(bench.take(sums, base="gone"))
    assert ended.value.move.there is Stage.FAILED


def test_a_branch_wins_over_a_tag(sums: Path, tmp_path: Path) -> None:
    git(sums, "tag", "same")
    git(sums, "commit", "-q", "--allow-empty", "-m", "Later")
    git(sums, "branch", "same")
    mirror = Mirror.open(tmp_path / "m.git", Remote(str(sums)))
    assert find_base(mirror, "same")[2] == git(sums, "rev-parse", "refs/heads/same")


def test_a_short_commit_name_is_enough(sums: Path, tmp_path: Path) -> None:
    sha = git(sums, "rev-parse", "HEAD")
    mirror = Mirror.open(tmp_path / "m.git", Remote(str(sums)))
    assert find_base(mirror, sha[:10]) == (sha[:10], "given with --base", sha)
    with pytest.raises(RevisionUnknown):
        find_base(mirror, "0" * 40)


def test_without_commits_or_without_a_repository(bench: Bench, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    with pytest.raises(EmptyRepository):
        bench.source.prepare(bench.take(empty))
    (tmp_path / "plain").mkdir()
    with pytest.raises(RepositoryGone):
        bench.source.prepare(bench.take(tmp_path / "plain"))


# The result


def test_a_proven_change_is_done(bench: Bench, sums: Path) -> None:
    context = bench.take(sums)
    sha = bench.proven(context, "proven")
    move = bench.source.publish(context)
    assert (move.there, move.reason) == (Stage.DONE, None)
    assert git(sums, "rev-parse", context.task().branch or "") == sha
    assert git(sums, "rev-parse", "--abbrev-ref", "HEAD") == "main"


@pytest.mark.parametrize("verdict", ["unproven", "regressed", "no_tests", "could_not_run"])
def test_what_is_not_proven_is_left_to_people(verdict: str, bench: Bench, sums: Path) -> None:
    context = bench.take(sums)
    sha = bench.proven(context, verdict)
    move = bench.source.publish(context)
    assert move.there is Stage.NEEDS_HUMAN
    assert verdict.replace("_", " ") in (move.reason or "")
    assert git(sums, "rev-parse", context.task().branch or "") == sha


def test_publishing_again_changes_nothing(bench: Bench, sums: Path) -> None:
    context = bench.take(sums)
    bench.proven(context, "proven")
    assert bench.source.publish(context) == bench.source.publish(context)


def test_a_branch_of_somebody_else_is_never_moved(bench: Bench, sums: Path) -> None:
    context = bench.take(sums)
    bench.proven(context, "proven")
    git(sums, "branch", context.task().branch or "", "main")
    move = bench.source.publish(context)
    assert move.there is Stage.NEEDS_HUMAN
    assert git(sums, "rev-parse", context.task().branch or "") == git(sums, "rev-parse", "main")


def test_a_repository_that_cannot_be_written(bench: Bench, sums: Path) -> None:
    """Root may write anywhere; a file in place of a folder stops it too."""
    context = bench.take(sums)
    bench.proven(context, "proven")
    put(sums, {".git/refs/heads/forgehand": "not a reference"})
    assert bench.source.publish(context).there is Stage.NEEDS_HUMAN


# Progress


def test_each_event_is_shown_once_and_in_order(bench: Bench, sums: Path) -> None:
    context = bench.take(sums)
    bench.source.acknowledge(context)
    context.tell("progress", line="one")
    bench.source.show(context)
    bench.source.catch_up(bench.database, context.id)
    context.tell("progress", line="two")
    bench.source.show(context)
    with bench.database.read() as session:
        assert bench.shown == events.of_task(session, context.id)
    assert [event.seq for event in bench.shown] == [1, 2, 3]
