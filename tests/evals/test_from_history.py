"""Instances out of a history: what of a message stays, which lines count as changed, and a whole small repository."""

from pathlib import Path

import pytest

from evals.from_history import changed_lines, instances, statement
from tests.cli.ground import git, make_repository, put

WHY = (
    "fix(sums): the first number is left out of the total of a long list\n\n"
    "Whoever adds three numbers gets the sum of the last two, because the loop in pkg/sums.py begins at one.\n\n"
    "Fixes #12\nCo-authored-by: Somebody <a@b.c>\n"
)
BEFORE = (
    "def total(numbers):\n    result = 0\n    for at in range(1, len(numbers)):\n"
    "        result += numbers[at]\n    return result\n"
)
AFTER = BEFORE.replace("range(1, ", "range(")


@pytest.mark.parametrize(
    ("message", "stays", "goes"),
    [
        (WHY, ["first number is left out", "gets the sum"], ["pkg/sums.py", "#12", "Somebody", "fix(sums)"]),
        ("models: break cookies.py less", ["break", "less"], ["models", "cookies"]),
        ("Close the socket (#77)\n\n* WIP\n* The socket stays open after a reset\n", ["stays open"], ["WIP", "77"]),
        ("Say what `total` does", ["total"], []),
        ("Tell people, see https://a.b/c for more", ["for more"], ["https"]),
    ],
)
def test_what_stays_of_a_message(message: str, stays: list[str], goes: list[str]) -> None:
    told = statement(message)
    assert all(part in told for part in stays), told
    assert not any(part in told for part in goes), told


@pytest.mark.parametrize(
    ("hunk", "lines"),
    [
        ("@@ -4 +4 @@", (4, 4)),
        ("@@ -4,3 +4,2 @@ def f():", (4, 6)),
        ("@@ -7,0 +8,5 @@", (7, 8)),
        ("@@ -0,0 +1 @@", (0, 1)),
    ],
)
def test_lines_of_a_hunk(hunk: str, lines: tuple[int, int]) -> None:
    assert changed_lines(f"--- a\n+++ b\n{hunk}\n-x\n") == [lines]


def test_a_commit_with_code_tests_and_a_reason_becomes_an_instance(tmp_path: Path) -> None:
    clone = make_repository(tmp_path / "repo", {"pkg/sums.py": BEFORE, "tests/test_sums.py": "def test_a(): pass\n"})
    base = git(clone, "rev-parse", "HEAD")
    for number, (message, files) in enumerate(
        [
            (WHY, {"pkg/sums.py": AFTER, "tests/test_sums.py": "def test_b(): pass\n"}),
            (WHY, {"pkg/sums.py": BEFORE}),  # no test
            ("Short", {"pkg/sums.py": AFTER, "tests/test_sums.py": "def test_c(): pass\n"}),
            (WHY, {"tests/test_sums.py": "def test_d(): pass\n"}),  # no code
        ]
    ):
        put(clone, files)
        git(clone, "commit", "-qam", f"{message}\n{number}")
    (row,) = instances(clone / ".git", "octo/sums", most=10)
    assert row["base_commit"] == base
    assert row["gold"] == {
        "files": ["pkg/sums.py"], "functions": ["pkg/sums.py:total"], "lines": [["pkg/sums.py", 3]]
    }  # fmt: skip
    assert row["named"] is True, "the message says total"
    assert instances(clone / ".git", "octo/sums", most=0) == []
