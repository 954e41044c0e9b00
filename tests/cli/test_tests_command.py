"""`forgehand tests` as people and scripts call it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.ground import SUMS, Forgehand, git, make_repository, put

FIXED = str(SUMS["sums.py"]).replace("numbers[1:]", "numbers")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = make_repository(tmp_path / "sums", {**SUMS, "lonely.py": "def alone():\n    return 1\n"})
    put(folder, {"sums.py": FIXED})
    git(folder, "commit", "-qam", "Count the first")
    return folder


def test_a_commit(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("tests", "--repo", str(repository), "--base", "HEAD~1", "--json")
    assert ran.status == 0, ran.err
    told = ran.document
    assert (told["base"], told["changed"]) == (git(repository, "rev-parse", "HEAD~1"), ["sums.py"])
    (test,) = told["tests"]
    assert (test["path"], test["exercises"], test["tests"]) == ("tests/test_sums.py", True, ["Sums.test_nothing"])
    assert {"kind": "calls", "of": "sums.py", "detail": "total", "line": 8} in test["reasons"]
    assert (told["unexercised"], told["left_out"]) == ([], 0)


def test_the_command_it_names_runs(forgehand: Forgehand, repository: Path) -> None:
    told = forgehand("tests", "--repo", str(repository), "--base", "HEAD~1", "--json").document
    assert told["commands"] == ["python -m unittest tests/test_sums.py"]
    words = shlex.split(told["commands"][0])
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=repository, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"Ran 1 test" in done.stderr


def test_a_patch_that_is_not_committed(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    put(repository, {"lonely.py": "def alone():\n    return 2\n"})
    (tmp_path / "change.diff").write_text(git(repository, "diff") + "\n")
    ran = forgehand("tests", "--repo", str(repository), "--base", "HEAD", "--patch", str(tmp_path / "change.diff"))
    assert ran.status == 0, ran.err
    assert "No test exercises lonely.py" in ran.out
    assert "To run the likely" not in ran.out


def test_people_get_reasons_and_commands(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("tests", "--repo", str(repository), "--base", "HEAD~1", "--head", "main")
    assert "1. tests/test_sums.py" in ran.out
    assert "calls total of sums.py (line 8)" in ran.out
    assert "python -m unittest tests/test_sums.py" in ran.out
    ran = forgehand("tests", "--repo", str(repository), "--base", "main")
    assert "Nothing is changed" in ran.out


def test_a_branch_is_compared_from_where_it_began(forgehand: Forgehand, repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "topic", "HEAD~1")
    put(repository, {"lonely.py": "def alone():\n    return 3\n"})
    git(repository, "commit", "-qam", "Three")
    told = forgehand("tests", "--repo", str(repository), "--base", "main", "--head", "topic", "--json").document
    assert told["changed"] == ["lonely.py"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--repo", "/no/such", "--base", "HEAD"], "no such folder"),
        (["--repo", "{plain}", "--base", "HEAD"], "no git repository"),
        (["--repo", "{repo}", "--base", "nope"], "nope"),
        (["--repo", "{repo}", "--base", "HEAD", "--head", "nope"], "nope"),
        (["--repo", "{repo}", "--base", "HEAD", "--head", "HEAD", "--patch", "x"], "one of the two"),
        (["--repo", "{repo}", "--base", "HEAD", "--patch", "/no/such"], "No such file"),
        (["--repo", "{repo}", "--base", "HEAD", "--patch", "{repo}/sums.py"], "no file of a unified diff"),
    ],
)
def test_what_cannot_be_told(
    arguments: list[str], said: str, forgehand: Forgehand, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    ran = forgehand("tests", *(one.format(repo=repository, plain=tmp_path / "plain") for one in arguments))
    assert ran.status == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
