"""Issues with known answers out of a repository's own history, made the way SWE-bench makes them from pull requests.

A commit that changes code and tests and says why in enough words is one: its message is the statement, its parent the
base, and what it changed there the gold. Messages are not issues: they are shorter and more often name the code. So
paths, trailers and the part before a colon are removed, and whether a changed definition is named is kept with each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codebase.index.grammars import grammar_for
from codebase.index.outline import outline
from codebase.index.ranking import ASIDE, TEST
from repositories.git import Git
from repositories.objects import list_tree, read_blob

FEWEST_WORDS, MOST_WORDS = 20, 600
MOST_FILES, MOST_FUNCTIONS = 2, 5
_LARGEST = 1 << 20
_TRAILER = re.compile(
    r"^\s*(?:[A-Z][\w-]*-by|change-id|cc|git-svn-id|refs?|see|pr-url|pull[- ]request|part of|follow-?up|backport\w*"
    r"|\(cherry picked|(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|references?)\b[^\w\n]*(?:#|gh-|http|\w*\d)).*$",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = re.compile(r"\(?(?:\bgh-|#)\d+\)?|https?://\S+")
_SCOPE = re.compile(r"^\s*(?:\[[^\]\n]{1,60}\]\s*|[\w./, -]{1,40}(?:\([^)\n]{0,60}\))?!?:\s+)+")
_PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]+|\b[\w-]+\.(?:pyi?|[cm]?[jt]sx?|go|rs|java|cc?|cpp|hh?|hpp|rb|php|cs)\b")
_SMALL_POINT = re.compile(r"^\s*[*-]\s*(?:\S+\s*){0,2}$", re.MULTILINE)
_SKIPPED = re.compile(r"^(?:merge|revert|bump|release|\W*black|typo|update (?:changelog|docs))\b", re.IGNORECASE)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", re.MULTILINE)
_FIELD, _RECORD = "\x1f", "\x1e"


@dataclass(frozen=True, slots=True)
class Change:
    """A commit with its only parent, its message and the files it modified, added or removed by git's letters."""

    commit: str
    parent: str
    message: str
    files: tuple[tuple[str, str], ...]


def git_dir(clone: Path) -> Path:
    """Where the objects of a clone, of a bare repository, or of a folder with one called `repo` are."""
    return next((inside for inside in (clone / ".git", clone / "repo") if inside.is_dir()), clone)


def instances(clone: Path, name: str, *, most: int, scan: int = 10_000) -> list[dict[str, Any]]:
    """At most `most` rows as `evals.localise` takes them, spread evenly over those of the newest `scan` commits.

    `name`: the repository's, as in `owner/name`. `named` in a row: the statement has a changed definition's name in it.
    Raises RepositoryError.
    """
    git = Git(clone)
    fitting = [change for change in _changes(git, scan) if _fits(change)]
    rows: list[dict[str, Any]] = []
    for change in _spread(fitting):
        if len(rows) == most:
            break
        row = _row(git, change, name)
        if row is not None:
            rows.append(row)
    return sorted(rows, key=lambda row: str(row["instance_id"]))


def statement(message: str) -> str:
    """A commit message as somebody might have told it who does not know where the change went."""
    title, _, body = message.strip().partition("\n")
    text = f"{_SCOPE.sub('', title)}\n{body}"
    for gone in (_TRAILER, _NUMBER, _PATH, _SMALL_POINT):
        text = gone.sub(" ", text)
    return re.sub(r"\n\s*\n+", "\n\n", text).strip()


def changed_lines(patch: str) -> list[tuple[int, int]]:
    """Of a patch of one file without context: the old lines that each hunk removes, from and to; for an insertion the
    line before it and the one after."""
    found = []
    for match in _HUNK.finditer(patch):
        line, number = int(match[1]), int(match[2] or 1)
        found.append((line, line + max(number, 2 if number == 0 else number) - 1))
    return found


def _changes(git: Git, scan: int) -> Iterator[Change]:
    text = git.text(
        "log", f"-{scan}", "--no-merges", "--no-renames", f"--format={_RECORD}%H{_FIELD}%P{_FIELD}%B{_FIELD}",
        "--name-status", "HEAD", what="Could not read the history",
    )  # fmt: skip
    for record in text.split(_RECORD)[1:]:
        commit, parents, message, listed = (*record.split(_FIELD, 3), "", "")[:4]
        files = tuple((line[0], line[2:]) for line in listed.strip().split("\n") if line[1:2] == "\t")
        if " " not in parents and parents:
            yield Change(commit, parents, message, files)


def _fits(change: Change) -> bool:
    code = [(how, path) for how, path in change.files if grammar_for(path) is not None]
    real = [how for how, path in code if not TEST.search(path) and not ASIDE.search(path)]
    tested = any(TEST.search(path) for _, path in code)
    if not tested or not 1 <= real.count("M") <= MOST_FILES or "D" in real or _SKIPPED.match(change.message):
        return False
    return FEWEST_WORDS <= len(statement(change.message).split()) <= MOST_WORDS


def _spread(changes: Sequence[Change]) -> Iterable[Change]:
    """All of them, in an order in which any number from the front lies evenly over the whole."""
    golden = 0.6180339887498949
    return (changes[number] for number in sorted(range(len(changes)), key=lambda number: (number * golden) % 1.0))


def _row(git: Git, change: Change, name: str) -> dict[str, Any] | None:
    paths = [
        path for how, path in change.files
        if how == "M" and grammar_for(path) is not None and not TEST.search(path) and not ASIDE.search(path)
    ]  # fmt: skip
    shas = {entry.path: entry.sha for entry in list_tree(git, change.parent)}
    functions: list[str] = []
    lines: list[list[str | int]] = []
    for path in paths:
        grammar = grammar_for(path)
        if path not in shas or grammar is None:
            return None
        source = read_blob(git, shas[path], _LARGEST)
        patch = git.run(
            "diff-tree", "-p", "-U0", "--no-ext-diff", "--no-textconv", change.parent, change.commit, "--", path,
            what="Could not read a change",
        ).stdout.decode("utf-8", "replace")  # fmt: skip
        spans = [(one.start_line, one.end_line, one.name) for one in outline(source, grammar) if one.kind == "function"]
        for first, last in changed_lines(patch):
            within = [(end - start, owner) for start, end, owner in spans if start <= first and last <= end]
            across = [(0, owner) for start, end, owner in spans if first <= start and end <= last]
            functions += [f"{path}:{owner}" for _, owner in across or sorted(within)[:1]]
            lines += [[path, line] for line in range(first, last + 1)]
    functions = list(dict.fromkeys(functions))
    if not 1 <= len(functions) <= MOST_FUNCTIONS:
        return None
    text = statement(change.message)
    words = set(re.findall(r"\w+", text))
    return {
        "instance_id": f"{name.replace('/', '__')}-{change.commit[:12]}",
        "repo": name,
        "base_commit": change.parent,
        "problem_statement": text,
        "named": any(re.split(r"[:.]", one)[-1] in words for one in functions),
        "gold": {"files": paths, "functions": functions, "lines": lines},
    }
