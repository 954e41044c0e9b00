"""`git blame --porcelain` read into lines with their commits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codebase.history.commits import Commit

_HEAD = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (\d+) (\d+)(?: \d+)?\Z")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote a line: `line` as it is counted today, `when` in seconds since 1970. `path`: the file's name then.
    `pull_request`: as far as messages tell. `boundary`: the history ends there, and the line may well be older."""

    line: int
    commit: str
    author: str
    when: int
    summary: str
    path: str
    pull_request: int | None
    boundary: bool


def read_blame(data: bytes, numbers: Mapping[str, int]) -> Iterator[Origin]:
    """The lines in their order. `numbers`: commit to pull request; a squash commit's own message counts without it.

    A commit's particulars stand only at its first line (git-blame(1)); they are kept for the others.
    """
    kept: dict[str, dict[bytes, bytes]] = {}
    sha, line = "", 0
    for raw in data.split(b"\n"):
        if raw.startswith(b"\t"):
            if sha:
                yield _origin(line, sha, kept[sha], numbers)
            sha = ""
            continue
        head = _HEAD.match(raw) if not sha else None
        if head:
            sha, line = head.group(1).decode(), int(head.group(3)[:9])
            kept.setdefault(sha, {})
        elif sha:
            key, _, value = raw.partition(b" ")
            kept[sha][key] = value[: 4 * _LONGEST]


def _origin(line: int, sha: str, told: Mapping[bytes, bytes], numbers: Mapping[str, int]) -> Origin:
    summary = told.get(b"summary", b"").decode("utf-8", "replace")[:_LONGEST]
    when = told.get(b"author-time", b"")
    author = told.get(b"author", b"").decode("utf-8", "replace")[:_LONGEST]
    own = Commit(sha, (), 0, author, "", summary, (), 0).squashes
    return Origin(
        line, sha, author, int(when) if re.fullmatch(rb"-?\d{1,11}", when) else 0, summary,
        unquoted(told.get(b"filename", b"")), numbers.get(sha, own), b"boundary" in told,
    )  # fmt: skip


_ESCAPES = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


def unquoted(name: bytes) -> str:
    """A path as git prints it, with its C-style quotes undone (git-config(1), core.quotePath)."""
    if len(name) >= 2 and name.startswith(b'"') and name.endswith(b'"'):
        name = re.sub(rb"\\([0-3][0-7]{2}|.)", _unescaped, name[1:-1])
    return name.decode("utf-8", "surrogateescape")


def _unescaped(found: re.Match[bytes]) -> bytes:
    sign = found.group(1)
    return bytes([int(sign, 8)]) if len(sign) == 3 else _ESCAPES.get(sign, sign)
