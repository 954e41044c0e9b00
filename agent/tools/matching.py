"""Finding the text an edit means, although the model copied it not quite right.

Pure. The ladder: the exact text; then whole lines that differ only in trailing white space; then whole lines whose
indentation differs by one common shift, which the new text is shifted by too; each again without blank lines at the
ends of the old text. A rung counts only when it finds one place. (The ladder follows the findings of Aider's edit
format studies, https://aider.chat/docs/unified-diffs.html: flexible matching saves 30 to 50 percent of failed edits.)
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_SHOWN_MATCHES = 8
_NEAREST_CONTEXT = 2
_CANDIDATES = 5


class NoMatch(Exception):
    """The old text stands nowhere, or in several places; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """The new whole text, and how the old text was found (`exact`, `trailing space`, `indentation`)."""

    text: str
    rung: str


def replace(source: str, old: str, new: str, *, everywhere: bool = False) -> Replacement:
    """Puts `new` where `old` stands in `source`. Line endings of `source` win over those of `old` and `new`.

    `everywhere` replaces all exact occurrences; otherwise the place must be unique. Raises `NoMatch`.
    """
    if not old:
        raise NoMatch("the text to replace is empty")
    carriage = "\r\n" in source and source.count("\r\n") == source.count("\n")
    if carriage:
        result = replace(_newlines(source), _newlines(old), _newlines(new), everywhere=everywhere)
        return Replacement(result.text.replace("\n", "\r\n"), result.rung)
    if old == new:
        raise NoMatch("the old and the new text are the same, nothing would change")
    places = _places(source, old)
    if len(places) == 1 or (places and everywhere):
        return Replacement(source.replace(old, new), "exact")
    if places:
        numbers = ", ".join(str(source.count("\n", 0, place) + 1) for place in places)
        many = f"{len(places)} times" if len(places) < _SHOWN_MATCHES else f"{len(places)} times or more"
        raise NoMatch(
            f"the old text stands {many} (from lines {numbers}); add lines around it until it is unique, or set "
            "everywhere to change all of them"
        )
    lines = source.split("\n")
    for old_lines, new_lines in _variants(_whole_lines(old), _whole_lines(new)):
        for rung, matcher in (("trailing space", _trailing), ("indentation", _indented)):
            found = list(matcher(lines, old_lines))
            if len(found) > 1:
                numbers = ", ".join(str(start + 1) for start, _ in found[:_SHOWN_MATCHES])
                raise NoMatch(f"the old text matches at lines {numbers}; add lines around it until it is unique")
            if found:
                start, shift = found[0]
                lines[start : start + len(old_lines)] = [shift(line) for line in new_lines]
                return Replacement("\n".join(lines), rung)
    raise NoMatch(_explain(source, old, new))


def _whole_lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n")


Shift = Callable[[str], str]


def _variants(old: list[str], new: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The lines as given, then without the blank lines at the ends of the old text (and as many of the new)."""
    if old and any(line.strip() for line in old):
        yield old, new
        head = next(place for place, line in enumerate(old) if line.strip())
        tail = next(place for place, line in enumerate(reversed(old)) if line.strip())
        if head or tail:
            start, end = 0, len(new)
            while start < min(head, end) and not new[start].strip():
                start += 1
            while end > start and len(new) - end < tail and not new[end - 1].strip():
                end -= 1
            yield old[head : len(old) - tail], new[start:end]


def _trailing(lines: Sequence[str], old: Sequence[str]) -> Iterator[tuple[int, Shift]]:
    wanted = [line.rstrip() for line in old]
    for start in _starts(lines, old):
        if all(lines[start + offset].rstrip() == line for offset, line in enumerate(wanted)):
            yield start, lambda line: line


def _indented(lines: Sequence[str], old: Sequence[str]) -> Iterator[tuple[int, Shift]]:
    for start in _starts(lines, old):
        shift = _common_shift(lines[start : start + len(old)], old)
        if shift is not None:
            yield start, shift


def _starts(lines: Sequence[str], old: Sequence[str]) -> Iterator[int]:
    """Places where the stripped first line fits: every rung needs at least that."""
    first = old[0].strip()
    for start in range(len(lines) - len(old) + 1):
        if lines[start].strip() == first:
            yield start


def _common_shift(found: Sequence[str], old: Sequence[str]) -> Shift | None:
    """How lines of `old` become those of `found` by adding or taking one and the same indentation; None if not so."""
    added: str | None = None
    taken: str | None = None
    for have, want in zip(found, old, strict=True):
        if have.strip() != want.strip():
            return None
        if not have.strip():
            continue
        have_space, want_space = _indent(have), _indent(want)
        if have_space.endswith(want_space):
            more, less = have_space[: len(have_space) - len(want_space)], ""
        elif want_space.endswith(have_space):
            more, less = "", want_space[: len(want_space) - len(have_space)]
        else:
            return None
        if added is None:
            added, taken = more, less
        elif (added, taken) != (more, less):
            return None
    plus, minus = added or "", taken or ""

    def shift(line: str) -> str:
        if not line.strip():
            return line
        return plus + (line.removeprefix(minus) if minus else line)

    return shift


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _places(source: str, old: str) -> list[int]:
    """Where `old` begins, overlapping places too; at most as many as are worth naming."""
    places: list[int] = []
    place = source.find(old)
    while place >= 0 and len(places) < _SHOWN_MATCHES:
        places.append(place)
        place = source.find(old, place + 1)
    return places


def _explain(source: str, old: str, new: str) -> str:
    if new.strip() and new in source:
        return (
            "the old text stands nowhere, but the new text is already there: the edit seems to be applied. Read the "
            "file before going on"
        )
    near = nearest(source.split("\n"), old.split("\n"))
    if near is None:
        return "the old text stands nowhere, and nothing like it; read the file and copy the lines exactly"
    first, lines = near
    shown = "\n".join(f"{first + offset:5d}  {line}" for offset, line in enumerate(lines))
    return f"the old text stands nowhere; the nearest lines are:\n{shown}\nCopy the lines exactly as they are"


def nearest(lines: Sequence[str], old: Sequence[str]) -> tuple[int, list[str]] | None:
    """The part of `lines` most like `old`: its first line number, from 1, and the lines with a little around them."""
    wanted = {line.strip() for line in old if line.strip()}
    if not wanted or not lines:
        return None
    size = max(1, len(old))
    hits = [line.strip() in wanted for line in lines]
    count = sum(hits[:size])
    scores = [(count, 0)]
    for start in range(1, max(1, len(lines) - size + 1)):
        count += hits[start + size - 1] - hits[start - 1]
        scores.append((count, start))
    best = sorted(scores, key=lambda score: -score[0])[:_CANDIDATES]
    if best[0][0] == 0:
        close = difflib.get_close_matches(max(wanted, key=len), [line.strip() for line in lines[:5000]], n=1)
        if not close:
            return None
        start = next(place for place, line in enumerate(lines) if line.strip() == close[0])
    else:
        text = "\n".join(old)
        start = max(
            (start for count, start in best if count),
            key=lambda start: difflib.SequenceMatcher(None, "\n".join(lines[start : start + size]), text).ratio(),
        )
    low = max(0, start - _NEAREST_CONTEXT)
    return low + 1, list(lines[low : start + min(size, 40) + _NEAREST_CONTEXT])
