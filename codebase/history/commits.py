"""`git log --numstat -z` read into commits. Pure: bytes in (repositories.commit_history has the format), data out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_FILES = 2_000
_LONGEST = 500
_FIELDS = 6
_MERGED = re.compile(r"Merge pull request #(\d{1,9})\b|Merge (?:PR|MR) [#!](\d{1,9})\b|Merge #(\d{1,9})\b|"
                     r"Merged in .{1,200} \(pull request #(\d{1,9})\)")  # fmt: skip
_SQUASHED = re.compile(r"\(#(\d{1,9})\)\s*\Z")


@dataclass(frozen=True, slots=True)
class Touch:
    """What a commit did to a file: `added` and `removed` lines, None for a binary one; `old_path` of a rename."""

    path: str
    added: int | None
    removed: int | None
    old_path: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """`when` in seconds since 1970, UTC. `touches` has at most 2,000 files and every rename up to ten times as many;
    `files` is their true number. A merge has none: what it brought is in the commits it merged."""

    sha: str
    parents: tuple[str, ...]
    when: int
    author: str
    email: str
    subject: str
    touches: tuple[Touch, ...]
    files: int

    @property
    def merges(self) -> int | None:
        """The pull request that this merge commit brought in, by what forges write into its first line."""
        if len(self.parents) < 2:
            return None
        found = _MERGED.match(self.subject)
        return int(next(number for number in found.groups() if number)) if found else self.squashes

    @property
    def squashes(self) -> int | None:
        """The pull request this commit is the whole of: forges end its first line with (#number)."""
        found = _SQUASHED.search(self.subject)
        return int(found.group(1)) if found else None


def read_log(data: bytes) -> Iterator[Commit]:
    """The commits in the order of the log; one that the log's end cuts off is left out, as is what is not a log."""
    fields = data.split(b"\0")
    fields.pop()  # behind the last NUL: nothing, or half a field
    at = 0
    while at + _FIELDS <= len(fields):
        head = fields[at : at + _FIELDS]
        if not head[0].startswith(b"@"):
            return
        at += _FIELDS
        touches: list[Touch] = []
        files = 0
        while at < len(fields) and not fields[at].startswith(b"@"):
            touch, at = _touch(fields, at)
            if touch is None:
                return
            files += 1
            if files <= MOST_FILES or (touch.old_path is not None and files <= 10 * MOST_FILES):
                touches.append(touch)
        yield Commit(
            head[0][1:].decode("ascii", "replace"),
            tuple(head[1].decode("ascii", "replace").split()),
            int(head[2]) if re.fullmatch(rb"-?\d{1,11}", head[2]) else 0,
            _text(head[3]), _text(head[4]), _text(head[5]), tuple(touches), files,
        )  # fmt: skip


def _touch(fields: list[bytes], at: int) -> tuple[Touch | None, int]:
    """The record that begins at a field, and where the next one does."""
    counts = fields[at].lstrip(b"\n").split(b"\t", 2)
    if len(counts) != 3:
        return None, at
    added, removed, path = counts
    if path:
        return Touch(_path(path), _count(added), _count(removed)), at + 1
    if at + 2 >= len(fields):
        return None, at
    renamed = Touch(_path(fields[at + 2]), _count(added), _count(removed), _path(fields[at + 1]))
    return renamed, at + 3


def _count(digits: bytes) -> int | None:
    return int(digits) if digits.isdigit() and len(digits) < 12 else None


def _path(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _text(raw: bytes) -> str:
    return raw[: 4 * _LONGEST].decode("utf-8", "replace")[:_LONGEST]
