"""What lies between two commits: changed paths with their line counts, the patch itself, and the commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from repositories.git import Git

Status = Literal["added", "modified", "deleted", "renamed", "type_changed"]
_STATUS: dict[str, Status] = {"A": "added", "M": "modified", "D": "deleted", "R": "renamed", "T": "type_changed"}
# Plain, complete and independent of any attribute or setting of the repository.
_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "--no-relative", "--submodule=short")


@dataclass(frozen=True, slots=True)
class ChangedPath:
    """One path that differs. `old_path` is set for a rename; `added` and `removed` count lines, None for binary.

    `old_mode` and `new_mode` are git's six digits, ``000000`` where the path did not exist.
    """

    path: str
    status: Status
    old_path: str | None
    added: int | None
    removed: int | None
    old_mode: str
    new_mode: str


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit as history shows it; `when` is the author's date in UTC, `message` the whole message."""

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    when: datetime
    message: str


def changed_paths(git: Git, base: str, head: str) -> list[ChangedPath]:
    """The paths that differ between the trees of two commits, renames found, in git's order."""
    output = git.run("diff-tree", "-r", "-z", "--raw", "--numstat", *_DIFF, base, head, what="Could not compare")
    return parse_changes(output.stdout)


def parse_changes(output: bytes) -> list[ChangedPath]:
    """Reads ``git diff-tree -r -z --raw --numstat``: all raw records, then all counts. Pure."""
    fields = output.decode("utf-8", "surrogateescape").split("\0")
    raw: list[tuple[str, str, str, str | None, str]] = []
    counts: dict[str, tuple[int | None, int | None]] = {}
    position = 0
    while position < len(fields) and fields[position]:
        field = fields[position]
        if field.startswith(":"):
            old_mode, new_mode, _, _, letter = field[1:].split(" ")
            renamed = letter[0] in "RC"
            old = fields[position + 1] if renamed else None
            path = fields[position + 2] if renamed else fields[position + 1]
            raw.append((path, letter[0], old_mode, old, new_mode))
            position += 3 if renamed else 2
            continue
        added, removed, path = field.split("\t", 2)
        if not path:
            path = fields[position + 2]
            position += 2
        counts[path] = (_count(added), _count(removed))
        position += 1
    return [
        ChangedPath(path, _STATUS.get(letter, "modified"), old, *counts.get(path, (None, None)), old_mode, new_mode)
        for path, letter, old_mode, old, new_mode in raw
    ]


def _count(text: str) -> int | None:
    return None if text == "-" else int(text)


def patch(git: Git, base: str, head: str, *, limit: int) -> bytes:
    """The whole patch, binary files included, as ``git apply`` takes it. Raises TreeTooLarge above `limit` bytes."""
    return git.run(
        "diff", "--binary", "--full-index", "--src-prefix=a/", "--dst-prefix=b/", *_DIFF, base, head, "--",
        what="Could not make the patch", limit=limit,
    ).stdout  # fmt: skip


def readable_diff(git: Git, base: str, head: str, *, limit: int) -> str:
    """The difference for reading: binary files only named, bytes that are not UTF-8 replaced."""
    return git.run(
        "diff", "--src-prefix=a/", "--dst-prefix=b/", *_DIFF, base, head, "--", what="Could not compare", limit=limit
    ).stdout.decode("utf-8", "replace")


def history(git: Git, base: str, head: str, *, limit: int) -> list[CommitInfo]:
    """The commits reachable from `head` and not from `base`, newest first, at most `limit`."""
    output = git.run(
        "log", f"--max-count={limit}", "--format=tformat:%H%x00%P%x00%an%x00%ae%x00%at%x00%B%x00",
        "--no-show-signature", "--encoding=UTF-8", "--end-of-options", f"{base}..{head}", "--",
        what="Could not read the history",
    )  # fmt: skip
    fields = output.stdout.decode("utf-8", "replace").split("\0")
    found = []
    for start in range(0, len(fields) - 6, 6):
        sha, parents, name, email, when, message = fields[start : start + 6]
        date = datetime.fromtimestamp(int(when or 0), UTC)
        found.append(CommitInfo(sha.strip(), tuple(parents.split()), name, email, date, message.rstrip("\n")))
    return found
