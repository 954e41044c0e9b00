"""What a history means: pull requests, renames, noise, what changes together, hot spots, people."""

import pytest

from codebase.history import (
    Commit,
    companions,
    hot_spots,
    noise,
    pairs,
    pull_requests,
    read_ignored,
    read_past,
    who_knows,
)
from tests.codebase.history.making import YEAR, commit, renamed


def test_commits_belong_to_the_first_merge_that_brought_them() -> None:
    # main: m3 <- m2 <- direct <- base; topic: t2 <- t1 (from base); other: o1 (from t2, merged later)
    log = [
        commit("m3", parents="m2 o1", subject="Merge pull request #3 from o"),
        commit("o1", parents="t2"),
        commit("m2", parents="direct t2", subject="Merge pull request #2 from t"),
        commit("t2", parents="t1 direct", subject="Merge branch 'main' into topic"),
        commit("t1", parents="base"),
        commit("direct", parents="base"),
        commit("base"),
    ]
    assert pull_requests(log) == {"m2": 2, "t2": 2, "t1": 2, "m3": 3, "o1": 3}


def test_a_merged_branch_without_a_number_is_a_trunk_of_its_own() -> None:
    log = [
        commit("top", parents="base s2", subject="Merge branch 'stable'"),
        commit("s2", parents="s1 fix", subject="Merge pull request #7 from fix"),
        commit("fix", parents="s1"),
        commit("s1", parents="base"),
        commit("base"),
    ]
    assert pull_requests(log) == {"s2": 7, "fix": 7}


@pytest.mark.parametrize("parents", ["b", "b b", "a", "gone", ""])
def test_circles_and_gaps_come_to_an_end(parents: str) -> None:
    log = [commit("a", parents="b", subject="Squashed (#4)"), commit("b", parents=f"a {parents}")]
    assert pull_requests(log) == {"a": 4}
    assert pull_requests([]) == {}


def test_renames_are_followed_into_the_past() -> None:
    log = [
        commit("4", "c.py"),
        commit("3", renamed("b.py", "c.py"), "other.py"),
        commit("2", renamed("a.py", "b.py")),
        commit("1", "a.py", "other.py"),
        commit("0", "c.py", "gone.py"),
    ]
    past = read_past(log, {"c.py", "other.py"})
    assert len(past.by_path["c.py"]) == 5
    assert sorted(past.once["c.py"]) == ["a.py", "b.py"]
    assert "gone.py" not in past.by_path


def test_a_name_taken_over_by_a_rename_was_another_file_before() -> None:
    log = [
        commit("3", renamed("new.py", "app.py")),
        commit("2", renamed("app.py", "old.py")),
        commit("1", "app.py"),
        commit("0", "new.py"),
    ]
    past = read_past(log, {"app.py", "old.py"})
    assert [past.changes[index].paths for index in past.by_path["old.py"]] == [("old.py",), ("old.py",)]
    assert len(past.by_path["app.py"]) == 2


def test_a_pull_request_is_one_change() -> None:
    log = [
        commit("m", parents="x t2", subject="Merge pull request #1 from t"),
        commit("t2", "b.py", parents="t1", when=20),
        commit("t1", "a.py", parents="x", when=10),
        commit("x", "a.py"),
    ]
    past = read_past(log, {"a.py", "b.py"})
    assert [(change.pull_request, change.paths, change.when) for change in past.changes] == [
        (1, ("a.py", "b.py"), 20),
        (None, ("a.py",), 0),
    ]


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (commit("1", author="dependabot[bot]"), "bot"),
        (commit("1", author="pyup-bot"), "bot"),
        (commit("1", author="pre-commit-ci"), "bot"),
        (commit("1", author="GitHub", email="1+renovate[bot]@users.noreply.github.com"), "bot"),
        (commit("1", author="Abbott"), None),
        (commit("1", author="Botond Robotka"), None),
        (commit("1", files=101), "mass"),
        (commit("1", files=16, subject="Run black on everything"), "mass"),
        (commit("1", files=15, subject="Run black on everything"), None),
        (commit("1", files=100, subject="Blacklist hosts"), None),
        (commit("f" * 40, subject="Quiet"), "named"),
    ],
)
def test_noise(one: Commit, why: str | None) -> None:
    assert noise(one, read_ignored("# Black\n" + "f" * 40 + "  # 2019\nnot " + "e" * 40)) == why


def test_noise_is_left_out_and_counted() -> None:
    log = [commit("1", "a.py", author="x[bot]"), commit("2", "a.py", files=500), commit("3", "a.py")]
    past = read_past(log, {"a.py"})
    assert past.left_out == {"bot": 1, "mass": 1, "named": 0}
    assert (len(past.changes), past.commits) == (1, 3)


def test_companions_have_support_and_confidence() -> None:
    log = [
        *(commit(f"both{number}", "a.py", "test_a.py", "CHANGES") for number in range(3)),
        commit("alone", "a.py", "rare.py"),
        *(commit(f"log{number}", "CHANGES", f"x{number}") for number in range(40)),
        commit("wide", "a.py", *(f"x{number}" for number in range(31))),
    ]
    today = {"a.py", "test_a.py", "CHANGES", "rare.py", *(f"x{number}" for number in range(40))}
    past = read_past(log, today)
    first, second = companions(past, ["a.py"])
    assert (first.path, first.together, first.of, first.confidence) == ("test_a.py", 3, 4, 0.75)
    assert second.path == "CHANGES"
    assert companions(past, ["no.py"]) == []
    found = pairs(past, least=3)
    assert found[0].paths == ("a.py", "test_a.py")
    assert (found[0].together, found[0].changes) == (3, (5, 3))
    assert {pair.paths for pair in found[1:]} == {("CHANGES", "a.py"), ("CHANGES", "test_a.py")}
    assert {pair.paths for pair in pairs(past, {"test_a.py"}, least=3)} == {
        ("a.py", "test_a.py"), ("CHANGES", "test_a.py"),
    }  # fmt: skip
    assert pairs(past, least=4) == []


def test_hot_spots_are_large_and_changed_lately() -> None:
    log = [
        commit("1", "hot.py", "small.py", when=10 * YEAR),
        commit("2", "hot.py", when=9 * YEAR),
        *(commit(f"o{number}", "cold.py", when=YEAR) for number in range(20)),
    ]
    past = read_past(log, {"hot.py", "small.py", "cold.py", "still.py"})
    found = hot_spots(past, {"hot.py": 1000, "small.py": 10, "cold.py": 1000, "still.py": 9999})
    assert [spot.path for spot in found] == ["hot.py", "cold.py", "small.py"]
    assert found[0].recent == pytest.approx(1.5)
    assert (found[0].score, found[0].changes, found[0].lines) == (1.0, 2, 1000)
    assert found[1].recent == pytest.approx(20 / 2**9)
    assert hot_spots(past, {}) == []


def test_who_knows_a_file_and_a_folder() -> None:
    log = [
        commit("1", "src/a.py", author="Bob", when=8 * YEAR),
        *(commit(f"a{number}", "src/a.py", author="Ada", when=YEAR + number) for number in range(4)),
        commit("9", "srcs.py", author="Eve", when=8 * YEAR),
    ]
    past = read_past(log, {"src/a.py", "srcs.py"})
    bob, ada = who_knows(past, "src/a.py")
    assert (bob.name, bob.lines, bob.commits, bob.last) == ("Bob", 1, 1, 8 * YEAR)
    assert (ada.name, ada.lines, ada.commits) == ("Ada", 4, 4)
    assert bob.share > ada.share
    assert bob.share + ada.share == pytest.approx(1)
    assert {person.name for person in who_knows(past, "src")} == {"Ada", "Bob"}
    assert {person.name for person in who_knows(past, "")} == {"Ada", "Bob", "Eve"}
    assert who_knows(past, "no") == []
