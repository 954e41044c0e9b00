"""Unified diffs, read: which lines a hunk shows, and where a line went. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class Line:
    """One line of a patch. `old` and `new` are its numbers on each side, None where it does not exist.

    `position` counts lines from the patch's first hunk header (1 is the line just under it), as GitHub's `position`.
    """

    mark: str
    text: str
    old: int | None
    new: int | None
    position: int
    hunk: int


def lines(patch: str) -> Iterator[Line]:
    """The lines of a patch that starts at its first hunk header."""
    old = new = 0
    hunk = -1
    for position, raw in enumerate(patch.split("\n")):
        header = _HUNK.match(raw)
        if header is not None:
            old, new = int(header[1]), int(header[3])
            hunk += 1
            yield Line("@", raw, None, None, position, hunk)
            continue
        mark, text = (raw[:1] or " "), raw[1:]
        if mark == "\\":
            continue
        if mark == "-":
            yield Line(mark, text, old, None, position, hunk)
            old += 1
        elif mark == "+":
            yield Line(mark, text, None, new, position, hunk)
            new += 1
        else:
            yield Line(" ", text, old, new, position, hunk)
            old, new = old + 1, new + 1


def find(patch: str, number: int, side: str) -> Line | None:
    """The line with this number on this side ("LEFT" old, "RIGHT" new), if the patch shows it."""
    for line in lines(patch):
        shown = line.new if side == "RIGHT" else line.old
        if line.mark != "@" and shown == number:
            return line
    return None


def excerpt(patch: str, line: Line) -> str:
    """The hunk up to and including `line`: GitHub's `diff_hunk`."""
    wanted = [one for one in lines(patch) if one.hunk == line.hunk and one.position <= line.position]
    return "\n".join(one.text if one.mark == "@" else one.mark + one.text for one in wanted)


def follow(patch: str, number: int) -> int | None:
    """Where an old line is after the patch: its new number, or None when it was changed or removed."""
    shift = 0
    for line in lines(patch):
        if line.mark == "@":
            header = _HUNK.match(line.text)
            if header is not None and int(header[1]) > number:
                break
        elif line.mark == "-":
            if line.old == number:
                return None
            if line.old is not None and line.old < number:
                shift -= 1
        elif line.mark == "+":
            shift += 1
        elif line.old == number:
            return line.new
    return number + shift
