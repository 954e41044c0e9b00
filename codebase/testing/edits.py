"""A change as its base sees it: which lines of which files, and the words that went and came. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from codebase.history.blame import unquoted

MOST_FILES = 500
_MOST_TEXT = 50_000
_LONG_FILE = 5_000
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")


@dataclass(frozen=True, slots=True)
class Edit:
    """`path` on the base, and `new_path`, None of a deleted file; of a new file both are its path and `lines` is empty.

    `lines`: the first and last of each run of the base's lines that were removed, or that lines were added around.
    `text`: what was removed and added, at most 50,000 characters; `size`: how many lines of both.
    """

    path: str
    new_path: str | None
    lines: tuple[tuple[int, int], ...]
    text: str
    size: int


@dataclass(slots=True)
class _Growing:
    old: str | None
    new: str | None
    lines: list[tuple[int, int]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    size: int = 0

    def done(self) -> Edit | None:
        path = self.old or self.new
        if path is None:
            return None
        text = "\n".join(self.text)[:_MOST_TEXT]
        return Edit(path, self.new, tuple(self.lines) if self.old else (), text, self.size)


class NotADiff(ValueError):
    """The text has no file of a unified diff in it."""


def read_diff(text: str) -> list[Edit]:
    """The edits of a unified diff, as git and diff print it. At most 500 files. NotADiff when there is none.

    Hunks are read by their counts, so that a removed line that begins with `-- ` is not taken for a file's head.
    """
    edits: list[Edit] = []
    growing: _Growing | None = None
    lines = iter(text.split("\n"))
    for line in lines:
        if line.startswith("diff --git "):
            _finish(growing, edits)
            growing = _Growing(*_names(line))
        elif line.startswith("--- ") and (growing is None or growing.text or growing.lines):
            _finish(growing, edits)
            growing = _Growing(_name(line[4:], "a/"), None)
        elif line.startswith("--- ") and growing is not None:
            growing.old = _name(line[4:], "a/")
        elif line.startswith("+++ ") and growing is not None:
            growing.new = _name(line[4:], "b/")
        elif growing is not None and line.startswith(("rename from ", "copy from ")):
            growing.old = _unquote(line.split(" ", 2)[2])
        elif growing is not None and line.startswith(("rename to ", "copy to ")):
            growing.new = _unquote(line.split(" ", 2)[2])
        elif growing is not None and line.startswith("new file mode"):
            growing.old = None
        elif growing is not None and line.startswith("deleted file mode"):
            growing.new = None
        elif growing is not None and (head := _HUNK.match(line)):
            _hunk(growing, lines, int(head[1]), int(head[2] or 1), int(head[4] or 1))
        if len(edits) >= MOST_FILES:
            return edits
    _finish(growing, edits)
    if not edits:
        raise NotADiff("there is no file of a unified diff in it")
    return edits


def compare(path: str, old: str | None, new: str | None) -> Edit:
    """The edit between two contents of a file; None where there is none of it.

    Of files with more than 5,000 lines all lines between the first and the last difference are taken.
    """
    before = (old or "").split("\n") if old is not None else []
    after = (new or "").split("\n") if new is not None else []
    growing = _Growing(path if old is not None else None, path if new is not None else None)
    for start, end, begin, stop in _blocks(before, after):
        _grow(growing, start + 1, before[start:end], after[begin:stop])
    return growing.done() or Edit(path, None, (), "", 0)


def _blocks(before: list[str], after: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """Runs that differ; difflib takes quadratic time, and what is equal at both ends is no business of it."""
    first = 0
    while first < min(len(before), len(after)) and before[first] == after[first]:
        first += 1
    last = 0
    while last < min(len(before), len(after)) - first and before[-1 - last] == after[-1 - last]:
        last += 1
    mine, theirs = before[first : len(before) - last], after[first : len(after) - last]
    if max(len(mine), len(theirs)) > _LONG_FILE:
        yield first, first + len(mine), first, first + len(theirs)
        return
    for tag, start, end, begin, stop in difflib.SequenceMatcher(None, mine, theirs).get_opcodes():
        if tag != "equal":
            yield first + start, first + end, first + begin, first + stop


def _hunk(growing: _Growing, lines: Iterator[str], start: int, old: int, new: int) -> None:
    """Reads exactly as many lines as the hunk's head says."""
    at = start if old else start + 1
    removed: list[str] = []
    added: list[str] = []
    for line in lines:
        if line.startswith("\\"):
            continue
        sign = line[:1]
        if sign == "-":
            removed.append(line[1:])
            old -= 1
        elif sign == "+":
            added.append(line[1:])
            new -= 1
        else:
            _grow(growing, at, removed, added)
            at += len(removed) + 1
            removed, added = [], []
            old -= 1
            new -= 1
        if old <= 0 and new <= 0:
            break
    _grow(growing, at, removed, added)


def _grow(growing: _Growing, at: int, removed: list[str], added: list[str]) -> None:
    if not removed and not added:
        return
    # What is only added stands between two lines; both may be in what it belongs to.
    growing.lines.append((at, at + len(removed) - 1) if removed else (max(1, at - 1), at))
    growing.text += removed
    growing.text += added
    growing.size += len(removed) + len(added)


def _finish(growing: _Growing | None, edits: list[Edit]) -> None:
    edit = growing.done() if growing is not None else None
    if edit is not None:
        edits.append(edit)


def _names(line: str) -> tuple[str | None, str | None]:
    """The names of a `diff --git` line, for changes without hunks: both halves are the same but for renames."""
    rest = line.removeprefix("diff --git ")
    if rest.startswith('"'):
        halves = re.findall(r'"(?:[^"\\]|\\.)*"|\S+', rest)
    else:
        half = (len(rest) - 1) // 2
        halves = [rest[:half], rest[half + 1 :]]
    if len(halves) != 2:
        return None, None
    return _name(halves[0], "a/"), _name(halves[1], "b/")


def _name(text: str, prefix: str) -> str | None:
    name = _unquote(text.split("\t", 1)[0] if not text.startswith('"') else text)
    return None if name == "/dev/null" else name.removeprefix(prefix)


def _unquote(text: str) -> str:
    return unquoted(text.rstrip("\r\t ").encode("utf-8", "surrogateescape"))
