"""`forgehand search` as people and scripts call it."""

from pathlib import Path

import pytest

from tests.cli.ground import SUMS, Forgehand, git, make_repository, put

QUESTION = "The first number is left out of the total"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "sums", SUMS)


def test_places_best_first_as_json(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("search", "--repo", str(repository), "--query", QUESTION, "--top", "3", "--json")
    assert ran.status == 0, ran.err
    first = ran.document[0]
    assert (first["path"], first["start_line"], first["end_line"], first["symbol"]) == ("sums.py", 1, 6, "total")
    assert 0 < len(ran.document) <= 3
    assert set(first) == {"path", "start_line", "end_line", "symbol", "score"}


def test_people_get_a_table(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("search", "--repo", str(repository), "--query", QUESTION)
    assert ran.status == 0, ran.err
    assert "sums.py:1-6" in ran.out


def test_a_plain_folder_a_file_and_a_commit(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    put(tmp_path / "plain", {name: text for name, text in SUMS.items() if name.endswith(".py")})
    (tmp_path / "issue.md").write_text(QUESTION)
    ran = forgehand("search", "--repo", str(tmp_path / "plain"), "--query-file", str(tmp_path / "issue.md"), "--json")
    assert ran.document[0]["path"] == "sums.py"
    put(repository, {"moved.py": SUMS["sums.py"], "sums.py": ""})
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Move")
    for rev, path in (("HEAD", "moved.py"), ("HEAD~1", "sums.py")):
        ran = forgehand("search", "--repo", str(repository), "--query", QUESTION, "--rev", rev, "--json")
        assert ran.document[0]["path"] == path


def test_nothing_found_is_said(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("search", "--repo", str(repository), "--query", "zebra")
    assert (ran.status, "Nothing" in ran.out) == (1, True)
    ran = forgehand("search", "--repo", str(repository), "--query", "zebra", "--json")
    assert (ran.status, ran.document) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--repo", "{repo}"], "--query"),
        (["--repo", "{repo}", "--query", " "], "empty"),
        (["--repo", "{repo}", "--query", "a", "--query-file", "b"], "one of the two"),
        (["--repo", "{repo}", "--query-file", "/no/such"], "No such file"),
        (["--repo", "/no/such", "--query", "a"], "no such folder"),
        (["--repo", "{repo}", "--query", "a", "--rev", "no-such"], "no-such"),
        (["--repo", "{plain}", "--query", "a", "--rev", "main"], "no git repository"),
    ],
)
def test_what_cannot_be_searched(
    arguments: list[str], said: str, forgehand: Forgehand, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    ran = forgehand("search", *(one.format(repo=repository, plain=tmp_path / "plain") for one in arguments))
    assert ran.status == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
