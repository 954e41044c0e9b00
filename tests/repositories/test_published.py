"""Whether others can look at a commit: it is on a branch of the remote, as far as the clone knows."""

import subprocess
from pathlib import Path

import pytest

from repositories.errors import RevisionUnknown
from repositories.published import published_at
from tests.cli.ground import git, make_repository, put


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "origin", {"a.py": "x = 1\n"})


def test_a_clone_knows_what_was_fetched_and_not_what_is_new(origin: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", origin, clone], check=True)
    assert published_at(clone, "HEAD") == str(origin)
    put(clone, {"a.py": "x = 2\n"})
    git(clone, "commit", "-qam", "Two")
    assert published_at(clone, "HEAD") is None
    assert published_at(clone, "HEAD~1") == str(origin)


def test_without_a_remote_nothing_is_published(origin: Path) -> None:
    assert published_at(origin, "HEAD") is None


def test_a_mirror_has_the_branches_as_its_own(origin: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--mirror", origin, tmp_path / "mirror.git"], check=True)
    assert published_at(tmp_path / "mirror.git", "HEAD") == str(origin)


def test_a_bare_clone_does_not_say_what_the_remote_has(origin: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", origin, tmp_path / "bare.git"], check=True)
    assert published_at(tmp_path / "bare.git", "HEAD") is None


def test_an_unknown_commit_is_an_error(origin: Path) -> None:
    with pytest.raises(RevisionUnknown):
        published_at(origin, "nowhere")
