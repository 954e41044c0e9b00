"""Unified diffs as models write them: parsed leniently, applied by content instead of by line number.

Pure. Counts and numbers in hunk headers are hints at most. A hunk goes where its old lines stand: exactly, else with
trailing white space ignored, else without up to two context lines at its ends; the place nearest to the hint wins, and
without a hint the place must be the only one. Format: https://www.gnu.org/software/diffutils/manual/ (unified format).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.tools.matching import nearest

_HUNK = re.compile(r"@@(?: -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@)?")
_FUZZ = 2


class PatchError(Exception):
    """The patch cannot be read or does not fit; says which file and hunk, and what to do."""


@dataclass(slots=True)
class Hunk:
    """Lines with their mark (space, minus or plus) apart from their text; `start` is the hinted first old line.

    `new_ends`: the new file's last line, where the hunk holds it, has a line end.
    """

    start: int | None
    lines: list[tuple[str, str]] = field(default_factory=list)
    new_ends: bool = True


@dataclass(slots=True)
class FilePatch:
    """One file's part. `old` is None for a new file, `new` for a deleted one; they differ for a rename."""

    old: str | None
    new: str | None
    hunks: list[Hunk] = field(default_factory=list)


def parse(text: str) -> list[FilePatch]:
    """The file patches of a unified diff, in order. Raises `PatchError`."""
    patches: list[FilePatch] = []
    lines = text.replace("\r\n", "\n").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    place = 0
    renamed: str | None = None
    while place < len(lines):
        line = lines[place]
        if line.startswith(("GIT binary patch", "Binary files ")):
            raise PatchError("the patch changes a binary file, which a text patch cannot do; use run instead")
        if line.startswith("rename from "):
            renamed = line.removeprefix("rename from ")
        elif line.startswith("rename to ") and renamed is not None:
            patches.append(FilePatch(renamed, line.removeprefix("rename to ")))
            renamed = None
        elif line.startswith("--- ") and place + 1 < len(lines) and lines[place + 1].startswith("+++ "):
            old, new = _path(line[4:], "a/"), _path(lines[place + 1][4:], "b/")
            if old is None and new is None:
                raise PatchError("a file patch names /dev/null on both sides")
            if not (patches and not patches[-1].hunks and (patches[-1].old, patches[-1].new) == (old, new)):
                patches.append(FilePatch(old, new))
            place += 1
        elif line.startswith("@@"):
            if not patches:
                raise PatchError("a hunk stands before any file; begin with the lines `--- a/PATH` and `+++ b/PATH`")
            hunk, place = _hunk(lines, place)
            patches[-1].hunks.append(hunk)
        place += 1
    if not patches:
        raise PatchError("this is not a unified diff; it needs `--- a/PATH`, `+++ b/PATH` and `@@` lines")
    for patch in patches:
        if not patch.hunks and patch.old is not None and patch.old == patch.new:
            raise PatchError(f"{patch.new}: the patch has no hunk for it")
    return patches


def apply(patch: FilePatch, source: str) -> str:
    """`source` with the patch's hunks applied, in order; raises `PatchError` naming the hunk that does not fit."""
    ending = "\r\n" if "\r\n" in source and source.count("\r\n") == source.count("\n") else "\n"
    text = source.replace("\r\n", "\n") if ending == "\r\n" else source
    ends = text.endswith("\n") or not text
    lines = text.split("\n")
    if ends:
        lines.pop()
    shift, floor = 0, 0
    for number, hunk in enumerate(patch.hunks, start=1):
        old = [content for mark, content in hunk.lines if mark != "+"]
        if not old:
            start = _insertion(hunk, lines, shift, floor, patch, number)
            skip_head = skip_tail = 0
        else:
            start, skip_head, skip_tail = _place(hunk, old, lines, shift, floor, patch, number)
        body = hunk.lines[skip_head : len(hunk.lines) - skip_tail]
        new: list[str] = []
        taken = start
        for mark, content in body:
            if mark == "+":
                new.append(content)
            else:
                if mark == " ":
                    new.append(lines[taken])  # the file's own line: its trailing space is not ours to change
                taken += 1
        if taken == len(lines) and body[-1][0] != " ":
            ends = hunk.new_ends
        lines[start:taken] = new
        shift += len(new) - (taken - start)
        floor = start + len(new)
    if not lines:
        return ""
    return ending.join(lines) + (ending if ends else "")


def _path(text: str, prefix: str) -> str | None:
    name = text.split("\t")[0].strip().strip('"')
    return None if name == "/dev/null" else name.removeprefix(prefix)


def _hunk(lines: Sequence[str], place: int) -> tuple[Hunk, int]:
    """The hunk whose header stands at `place`, and the place of its last line."""
    header = _HUNK.match(lines[place])
    hunk = Hunk(int(header[1]) if header and header[1] else None)
    last = place
    for index in range(place + 1, len(lines)):
        line = lines[index]
        if line.startswith("\\"):
            mark = hunk.lines[-1][0] if hunk.lines else " "
            hunk.new_ends = hunk.new_ends and mark == "-"
        elif line.startswith(("@@", "diff --git ", "index ")) or _header(lines, index):
            break
        elif line == "" or line[0] not in " +-":
            if line != "":
                raise PatchError(
                    f"line {index + 1} of the patch begins with neither space, plus nor minus: {line[:80]!r}"
                )
            hunk.lines.append((" ", ""))  # models leave out the space of an empty context line
        else:
            hunk.lines.append((line[0], line[1:]))
        last = index
    if not any(mark != " " for mark, _ in hunk.lines):
        raise PatchError(f"the hunk at line {place + 1} of the patch changes nothing")
    return hunk, last


def _header(lines: Sequence[str], index: int) -> bool:
    """Whether a file header begins here: a removed line may begin with `--- ` too, but is not followed by `+++ `."""
    following = lines[index + 1] if index + 1 < len(lines) else ""
    return lines[index].startswith("--- ") and following.startswith("+++ ")


def _place(
    hunk: Hunk, old: list[str], lines: list[str], shift: int, floor: int, patch: FilePatch, number: int
) -> tuple[int, int, int]:
    """Where the hunk's old lines begin, and how many context lines were dropped at its head and tail."""
    head = next(place for place, (mark, _) in enumerate(hunk.lines) if mark != " ")
    tail = next(place for place, (mark, _) in enumerate(reversed(hunk.lines)) if mark != " ")
    for fuzz in range(_FUZZ + 1):
        skip_head, skip_tail = min(fuzz, head), min(fuzz, tail)
        wanted = old[skip_head : len(old) - skip_tail]
        if fuzz and (skip_head + skip_tail == 0 or not any(line.strip() for line in wanted)):
            continue
        for strip in (False, True):
            found = _find(lines, wanted, floor, strip=strip)
            if len(found) == 1:
                return found[0], skip_head, skip_tail
            if found and hunk.start is not None:
                hint = hunk.start - 1 + shift + skip_head
                return min(found, key=lambda start: abs(start - hint)), skip_head, skip_tail
            if found:
                places = ", ".join(str(start + 1) for start in found[:8])
                raise PatchError(
                    f"{patch.new or patch.old}, hunk {number}: its lines stand in several places (lines {places}); "
                    "add context lines or line numbers in the @@ header"
                )
    raise PatchError(_misfit(patch, number, old, lines))


def _find(lines: Sequence[str], wanted: Sequence[str], floor: int, *, strip: bool) -> list[int]:
    have = [line.rstrip() for line in lines] if strip else lines
    want = [line.rstrip() for line in wanted] if strip else wanted
    return [
        start
        for start in range(floor, len(have) - len(want) + 1)
        if have[start] == want[0] and list(have[start : start + len(want)]) == list(want)
    ]


def _insertion(hunk: Hunk, lines: list[str], shift: int, floor: int, patch: FilePatch, number: int) -> int:
    """Where a hunk without old lines goes: into an empty file, or after its hinted line."""
    if not lines:
        return 0
    if hunk.start is None:
        raise PatchError(f"{patch.new}, hunk {number}: only added lines and no line number; add context lines")
    return max(floor, min(len(lines), hunk.start + shift))


def _misfit(patch: FilePatch, number: int, old: Sequence[str], lines: Sequence[str]) -> str:
    added = [content for mark, content in patch.hunks[number - 1].lines if mark != "-"]
    if added and _find(lines, added, 0, strip=True):
        return f"{patch.new or patch.old}, hunk {number}: it seems to be applied already; read the file before going on"
    near = nearest(lines, old)
    shown = ""
    if near:
        shown = "; the nearest lines are:\n" + "\n".join(
            f"{near[0] + at:5d}  {line}" for at, line in enumerate(near[1])
        )
    return f"{patch.new or patch.old}, hunk {number}: its old lines do not stand in the file{shown}"
