"""Sample repositories as data: each a folder with the files and, beside it, `NAME.issue.md` with its open issue.

`build` turns a folder into git history with a fixed author and date, so that every twin has the same commit.
What a correct solution is stands in `NAME.solution.md`, for whoever scripts a model.
"""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
DATE = "2026-03-02T09:00:00+00:00"
AUTHOR, EMAIL = "Maria Lindqvist", "maria@users.noreply.github.com"

__all__ = ["Edit", "build", "folder", "issue", "review", "steps", "summary"]

_STEP = re.compile(r"^## (.+)$", re.MULTILINE)
_EDIT = re.compile(r"^### `([^`]+)`\n\n```\n(.*?)\n```\n\n```\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Edit:
    """One place to change: `before` stands exactly once in `path` and becomes `after`.

    In a review, `before` is the line commented on and `after` the comment.
    """

    path: str
    before: str
    after: str

    def apply(self, text: str) -> str:
        """The text with the edit made; ValueError when `before` is not there exactly once."""
        if text.count(self.before) != 1:
            raise ValueError(f"{self.path}: {self.before!r} stands there {text.count(self.before)} times, not once")
        return text.replace(self.before, self.after)


def folder(name: str) -> Path:
    """The folder of a sample; ValueError names those there are."""
    found = FOLDER / name
    if not found.is_dir() or not (FOLDER / f"{name}.issue.md").is_file():
        known = sorted(path.name.removesuffix(".issue.md") for path in FOLDER.glob("*.issue.md"))
        raise ValueError(f"no sample repository is called {name!r}: there are {', '.join(known)}")
    return found


def issue(name: str) -> tuple[str, str]:
    """Title and body of the sample's open issue: the first line after `# `, and the rest."""
    first, _, rest = (folder(name).parent / f"{name}.issue.md").read_text(encoding="utf-8").partition("\n")
    return first.removeprefix("# ").strip(), rest.strip() + "\n"


def summary(name: str) -> str:
    """One line about the sample: the first paragraph of its README."""
    paragraphs = (folder(name) / "README.md").read_text(encoding="utf-8").split("\n\n")
    return " ".join(paragraphs[1].split())


def steps(name: str) -> dict[str, list[Edit]]:
    """The sample's solution, step by step in the order in which they are made, without the review."""
    return {title: edits for title, edits in _solution(name).items() if title != "Review"}


def review(name: str) -> list[Edit]:
    """The reviewer's inline comments on the repaired change."""
    return _solution(name)["Review"]


def _solution(name: str) -> dict[str, list[Edit]]:
    text = (folder(name).parent / f"{name}.solution.md").read_text(encoding="utf-8")
    _, *parts = _STEP.split(text)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {title: [Edit(*found) for found in _EDIT.findall(body)] for title, body in pairs}


def build(name: str, bare: Path, branch: str = "main") -> str:
    """Commits the sample's files to `branch` of the empty bare repository `bare`; returns the sha, always the same."""
    with tempfile.TemporaryDirectory() as place:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": place,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_DIR": str(bare),
            "GIT_WORK_TREE": str(folder(name)),
            "GIT_INDEX_FILE": f"{place}/index",
            "GIT_AUTHOR_NAME": AUTHOR,
            "GIT_AUTHOR_EMAIL": EMAIL,
            "GIT_AUTHOR_DATE": DATE,
            "GIT_COMMITTER_NAME": AUTHOR,
            "GIT_COMMITTER_EMAIL": EMAIL,
            "GIT_COMMITTER_DATE": DATE,
        }

        def git(*arguments: str) -> str:
            command = ["git", "-c", "core.bare=false", "-c", "core.autocrlf=false", *arguments]
            done = subprocess.run(
                command, cwd=folder(name), env=environment, check=True, capture_output=True, text=True
            )
            return done.stdout.strip()

        git("add", "--all", ".")
        sha = git("commit-tree", git("write-tree"), "-m", f"{name}: first public version")
        git("update-ref", f"refs/heads/{branch}", sha)
        return sha
