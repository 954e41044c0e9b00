"""`forgehand history` as people and scripts call it."""

from pathlib import Path

import pytest

from tests.cli.ground import SUMS, Forgehand, git, make_repository, put


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = make_repository(tmp_path / "sums", SUMS)
    for number in range(5):
        put(folder, {"sums.py": str(SUMS["sums.py"]) + f"# {number}\n", "tests/test_sums.py": f"x = {number}\n"})
        git(folder, "commit", "-qam", f"Round {number} (#{number + 10})")
    return folder


def test_a_repository(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("history", "--repo", str(repository), "--json")
    assert ran.status == 0, ran.err
    told = ran.document
    assert (told["commits"], told["complete"], told["since"]) == (6, True, "2026-01-01")
    assert told["left_out"] == {"bot": 0, "mass": 0, "named": 0}
    first = told["hot_spots"][0]
    assert (first["path"], first["changes"], first["lines"], first["score"]) == ("sums.py", 6, 7, 1.0)
    assert told["together"] == [
        {"paths": ["sums.py", "tests/test_sums.py"], "together": 6, "changes": [6, 6], "likeness": 1.0}
    ]
    ran = forgehand("history", "--repo", str(repository))
    assert "6 commits from 2026-01-01 to 2026-01-01" in ran.out
    assert "sums.py and tests/test_sums.py" in ran.out


def test_a_file_and_a_folder(forgehand: Forgehand, repository: Path) -> None:
    git(repository, "mv", "sums.py", "totals.py")
    git(repository, "commit", "-qm", "Move")
    told = forgehand("history", "--repo", str(repository), "--path", "./totals.py", "--json").document
    assert (told["path"], told["changes"], told["earlier_names"]) == ("totals.py", 7, ["sums.py"])
    assert told["people"] == [{"name": "Ada", "lines": 11, "commits": 7, "last": "2026-01-01", "share": 1.0}]
    assert told["together"][0] == {"path": "tests/test_sums.py", "together": 6, "of": 7, "confidence": 0.8571}
    ran = forgehand("history", "--repo", str(repository), "--path", "tests/")
    assert ran.status == 0, ran.err
    assert "tests: changed 6 times" in ran.out
    ran = forgehand("history", "--repo", str(repository), "--path", "totals.py")
    assert "once sums.py" in ran.out
    assert "Ada" in ran.out


def test_a_line(forgehand: Forgehand, repository: Path) -> None:
    told = forgehand("history", "--repo", str(repository), "--path", "sums.py", "--line", "7", "--json").document
    assert (told["text"], told["author"], told["when"]) == ("# 4", "Ada", "2026-01-01")
    assert (told["pull_request"], told["summary"]) == (14, "Round 4 (#14)")
    assert told["commit"] == git(repository, "rev-parse", "HEAD")
    ran = forgehand("history", "--repo", str(repository), "--path", "sums.py", "--line", "1")
    assert "no pull request is named" in ran.out


def test_a_shallow_clone_says_so(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "cut")
    ran = forgehand("history", "--repo", str(tmp_path / "cut"))
    assert "The history is cut" in ran.out
    ran = forgehand("history", "--repo", str(tmp_path / "cut"), "--path", "sums.py", "--line", "1")
    assert "may be older" in ran.out


def test_text_from_the_repository_cannot_steer_the_terminal(forgehand: Forgehand, repository: Path) -> None:
    put(repository, {"evil\x1b[2J.py": "x = 1\n"})
    git(repository, "add", "-A")
    git(repository, "-c", "user.name=E\x1b[31mve", "commit", "-qm", "Red \x1b[31m alert")
    for more in ([], ["--path", "evil\x1b[2J.py"], ["--path", "evil\x1b[2J.py", "--line", "1"]):
        ran = forgehand("history", "--repo", str(repository), *more)
        assert ran.status == 0, ran.err
        assert "\x1b" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--repo", "/no/such"], "no such folder"),
        (["--repo", "{plain}"], "no git repository"),
        (["--repo", "{repo}", "--line", "3"], "--path"),
        (["--repo", "{repo}", "--path", "no.py"], "no such file or folder"),
        (["--repo", "{repo}", "--path", "no.py", "--line", "1"], "no such file"),
        (["--repo", "{repo}", "--path", "sums.py", "--line", "999"], "has 7 lines"),
        (["--repo", "{repo}", "--rev", "nope"], "nope"),
        (["--repo", "{empty}"], "no commit"),
    ],
)
def test_what_has_no_history(
    arguments: list[str], said: str, forgehand: Forgehand, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    places = {"repo": repository, "plain": tmp_path / "plain", "empty": tmp_path / "empty"}
    ran = forgehand("history", *(one.format(**places) for one in arguments))
    assert ran.status == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
