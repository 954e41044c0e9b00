"""Commits that say nothing about who knows the code or what belongs together: of bots, and of the whole tree. Pure."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Literal

from codebase.history.commits import Commit

IGNORE_FILE = ".git-blame-ignore-revs"
MASS_FILES = 100
_MANY_FILES = 15
Noise = Literal["bot", "mass", "named"]
_BOT = re.compile(
    r"\[bot\]|(?:^|[\s._+-])bot(?:$|[\s@._+-])|^(?:dependabot|renovate|greenkeeper|pre-commit-ci|github-actions|"
    r"codecov|snyk|pyup|allcontributors|mergify|imgbot|lgtm-com|deepsource|whitesource)\b",
    re.IGNORECASE,
)
_REFORMATTING = re.compile(
    r"\b(?:re-?format(?:ted|ting)?|auto-?format|black(?:en|ened)?|isort|autopep8|yapf|pyupgrade|2to3|"
    r"clang-format|gofmt|rustfmt|prettier|eslint|rubocop|ruff|flake8|lint(?:ing|er)?|white-?space|"
    r"line endings?|copyright|licen[cs]e headers?|codespell|typos?|absolute imports?|sort(?:ed)? imports)\b",
    re.IGNORECASE,
)
_SHA = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?\b", re.MULTILINE)


def noise(commit: Commit, named: Container[str] = frozenset()) -> Noise | None:
    """Why a commit is left out, or None. `named`: those that the repository itself wants looked behind.

    `mass`: it touches more than 100 files, or more than 15 and its first line speaks of formatting.
    """
    if commit.sha in named:
        return "named"
    if _BOT.search(commit.author) or _BOT.search(commit.email.partition("@")[0].rpartition("+")[2]):
        return "bot"
    if commit.files > MASS_FILES or (commit.files > _MANY_FILES and _REFORMATTING.search(commit.subject)):
        return "mass"
    return None


def read_ignored(text: str) -> frozenset[str]:
    """The full commit names at the beginnings of lines of a .git-blame-ignore-revs file (git-blame(1))."""
    return frozenset(_SHA.findall(text[: 1 << 20]))
