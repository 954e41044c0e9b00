"""The sample repositories: what each step of the solution does to each suite is what the notes say."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo import samples
from demo.github import git

UNIT = [sys.executable, "-m", "unittest", "discover", "-s", "tests/unit", "-t", "."]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(samples.folder("durations"), tmp_path / "tree", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "tree"


def passes(tree: Path, *command: str) -> bool:
    env = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, check=False).returncode == 0


def suite(tree: Path, name: str) -> bool:
    return passes(tree, sys.executable, "tools/run_tests.py", name)


def converted(tree: Path, text: str) -> str:
    command = [sys.executable, "-m", "durations", "convert", text]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False).stdout.strip()


def make(tree: Path, step: str) -> None:
    for edit in samples.steps("durations")[step]:
        path = tree / edit.path
        path.write_text(edit.apply(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_the_bug_is_there(tree: Path) -> None:
    assert converted(tree, "1.5h") == "18000"  # as the issue says
    assert suite(tree, "unit")
    assert suite(tree, "integration")


def test_the_first_fix_is_natural_and_not_enough(tree: Path) -> None:
    make(tree, "First fix")
    assert passes(tree, *UNIT)
    assert not suite(tree, "integration")
    assert float(converted(tree, "1.5h")) == 5400


def test_the_new_test_fails_without_the_fix(tree: Path) -> None:
    (test,) = [edit for edit in samples.steps("durations")["First fix"] if edit.path.startswith("tests/")]
    path = tree / test.path
    path.write_text(test.apply(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert not suite(tree, "unit")


def test_the_repair_passes_everything(tree: Path) -> None:
    make(tree, "First fix")
    make(tree, "Repair")
    assert suite(tree, "unit")
    assert suite(tree, "integration")
    assert converted(tree, "1.5h") == "5400"


def test_the_review_is_about_lines_of_the_change(tree: Path) -> None:
    base = {edit.path: (tree / edit.path).read_text(encoding="utf-8") for edit in samples.review("durations")}
    make(tree, "First fix")
    make(tree, "Repair")
    for comment in samples.review("durations"):
        text = (tree / comment.path).read_text(encoding="utf-8")
        assert text.splitlines().count(comment.before) == 1
        assert comment.before not in base[comment.path].splitlines()


def test_answering_the_review_keeps_everything_passing(tree: Path) -> None:
    make(tree, "First fix")
    make(tree, "Repair")
    assert converted(tree, "0.5s") == "0"  # what the first comment is about
    make(tree, "Answer to the first comment")
    assert converted(tree, "0.5s") == "1"
    assert suite(tree, "unit")
    make(tree, "Answer to the second comment")
    assert suite(tree, "unit")
    assert suite(tree, "integration")
    assert "halves up" in (tree / "docs/writing-durations.md").read_text(encoding="utf-8")


def test_an_edit_that_does_not_fit_is_an_error() -> None:
    edit = samples.Edit("a", "x", "y")
    assert edit.apply("axb") == "ayb"
    for text in ("", "xx"):
        with pytest.raises(ValueError, match="not once"):
            edit.apply(text)


def test_the_history_is_one_known_commit(tmp_path: Path) -> None:
    git.init_bare(tmp_path / "a.git")
    sha = samples.build("durations", tmp_path / "a.git")
    commit = git.commit(tmp_path / "a.git", sha)
    assert (commit.author.name, commit.author.date, commit.parents) == ("Maria Lindqvist", samples.DATE, ())
    listed = git.text(tmp_path / "a.git", "ls-tree", "-r", "--name-only", sha).splitlines()
    assert ".github/workflows/ci.yml" in listed
    assert not [path for path in listed if "__pycache__" in path]


def test_samples_are_named() -> None:
    title, body = samples.issue("durations")
    assert title == "`1.5h` is counted as five hours"
    assert body.startswith("Time logs with decimals")
    assert samples.summary("durations").startswith("Reads and writes durations")
    with pytest.raises(ValueError, match="there are durations"):
        samples.folder("nothing")
