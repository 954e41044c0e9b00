"""The measure of choosing tests, on a history made by hand, and once through the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebase.history import read_log
from evals.choosing_tests import Step, by_map, by_map_alone, by_name, cases, judge, steps
from repositories.commit_history import commit_history
from repositories.git import Git
from tests.cli.ground import git, make_repository, put

FILES: dict[str, str] = {
    "shop/cart.py": "def total(things):\n    return sum(things)\n",
    "shop/users.py": "def greet(user):\n    return user\n",
    "tests/test_cart.py": "from shop.cart import total\n\n\ndef test_total():\n    assert total([]) == 0\n",
    "tests/test_users.py": "from shop.users import greet\n\n\ndef test_greet():\n    assert greet('a')\n",
    "tests/test_all.py": "def test_all():\n    assert True\n",
}


def go_on(folder: Path, message: str, **more: str) -> str:
    put(folder, {path.replace("__", "/") + ".py": text for path, text in more.items()})
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


def make_history(tmp_path: Path) -> Path:
    """Four changes of which two count: code with a test that was there, and the same as a merged pull request."""
    folder = make_repository(tmp_path / "shop", dict(FILES))
    go_on(
        folder,
        "Code and test",
        shop__cart=FILES["shop/cart.py"] + "# 1\n",
        tests__test_cart=FILES["tests/test_cart.py"] + "# 1\n",
    )
    go_on(folder, "Only a test", tests__test_all=FILES["tests/test_all.py"] + "# 1\n")
    go_on(
        folder,
        "A new test",
        shop__users=FILES["shop/users.py"] + "# 1\n",
        tests__test_new="def test_new():\n    pass\n",
    )
    git(folder, "checkout", "-q", "-b", "topic")
    go_on(folder, "First half", shop__cart=FILES["shop/cart.py"] + "# 2\n")
    go_on(folder, "Second half", tests__test_all=FILES["tests/test_all.py"] + "# 2\n")
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "Merge pull request #5 from ada/topic", "topic")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_history(tmp_path)


def test_the_steps_that_count(repository: Path) -> None:
    commits = list(read_log(commit_history(repository, "HEAD").log().data))
    known = {one.sha: one for one in commits}
    found = steps(Git(repository / ".git"), commits, known, most=10, scan=100)
    assert [one.gold for one in found] == [("tests/test_all.py",), ("tests/test_cart.py",)]
    assert found[0].parent == git(repository, "rev-parse", "HEAD~1")
    assert steps(Git(repository / ".git"), commits, known, most=10, scan=2) == found[:1]
    assert len(steps(Git(repository / ".git"), commits, known, most=1, scan=100)) == 1


def test_a_contender_sees_the_parent_and_no_test_of_the_change(repository: Path) -> None:
    (merged, case), (step, other) = cases(repository, most=10, scan=100)
    assert [edit.path for edit in case.edits] == ["shop/cart.py"]
    assert case.past.commits == 4
    assert other.past.commits == 1
    assert "tests/test_new.py" in case.corpus.paths
    assert "tests/test_new.py" not in other.corpus.paths
    assert by_name(case) == ["tests/test_cart.py"]
    assert by_map(other)[0] == by_map_alone(other)[0] == "tests/test_cart.py"
    outcome = judge(step, other, by_map)
    assert outcome.values["any@1"] == outcome.values["all@1"] == 1.0
    missed = judge(merged, case, by_name)
    assert (missed.values["any@10"], missed.missed) == (0.0, ("tests/test_all.py",))


def test_several_gold_files_count_as_any_and_as_all(repository: Path) -> None:
    ((_, case), _) = cases(repository, most=10, scan=100)
    step = Step("x", "y", ("tests/test_cart.py", "tests/test_gone.py"))
    values = judge(step, case, by_map).values
    assert (values["any@1"], values["all@1"], values["all@3"]) == (1.0, 1.0, 0.0)
