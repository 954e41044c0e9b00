"""A map of a repository in few words: the files others depend on most, and the heads of what they define. Pure.

Files are ranked by PageRank over imports. It says what is central, not what an issue is about: that is search's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

CHARS_PER_TOKEN = 4
_DAMPING = 0.85
_ROUNDS = 30
_MENTIONED = 10.0
_TELLING = 2.0
_PRIVATE = 0.1
_COMMON = 0.1
_MANY_FILES = 5
_MOST_OF_ONE_FILE = 30
_SHORTEST = 20
_LONG_COMPOUND = re.compile(r"(?=.{8})(?:.*_.*[a-z]|.*[a-z][A-Z])")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A definition: its name, first line and the line with its name; `uses`: how often its name's last part is called,
    imported or inherited from; `namesakes`: how many definitions bear it."""

    name: str
    line: int
    head: str
    uses: int
    namesakes: int


def ranks(graph: Mapping[str, Collection[str]]) -> dict[str, float]:
    """PageRank: `graph` has what each file imports. Adds up to one over all files; of none it is empty."""
    files = sorted({*graph, *(target for targets in graph.values() for target in targets)})
    if not files:
        return {}
    even = 1 / len(files)
    found = dict.fromkeys(files, even)
    for _ in range(_ROUNDS):
        given = dict.fromkeys(files, 0.0)
        kept = 0.0
        for path in files:
            targets = graph.get(path, ())
            for target in targets:
                given[target] += found[path] / len(targets)
            kept += 0.0 if targets else found[path]
        found = {path: (1 - _DAMPING) * even + _DAMPING * (given[path] + kept * even) for path in files}
    return found


def draw_map(
    files: Mapping[str, float],
    drawn: Callable[[str], Sequence[Drawn]],
    *,
    tokens: int,
    mentioned: Collection[str] = (),
) -> str:
    """The map, at most `tokens` long at four characters each. `files` with their weights, `drawn` gives a file's
    definitions and is asked only for files that still fit; a file that has none is left out. A name or path in
    `mentioned` weighs ten times as much. The weights are chosen by eye."""
    left = tokens * CHARS_PER_TOKEN
    weights = {path: rank * (_MENTIONED if path in mentioned else 1.0) for path, rank in files.items()}
    ordered = sorted(weights, key=lambda path: (-weights[path], path))
    share = _share(left, len(ordered))
    lines: list[str] = []
    left_out = 0
    for path in ordered:
        definitions = drawn(path) if left >= _SHORTEST else ()
        part = _file(path, definitions, min(left, share), mentioned)
        if part:
            lines += part
            left -= sum(len(line) + 1 for line in part)
        else:
            left_out += 1
    note = f"({left_out} more files)"
    if left_out and len(note) <= left:
        lines.append(note)
    return "\n".join(lines)


def _share(chars: int, files: int) -> int:
    """How much one file may take, so that the first does not take all."""
    return max(200, ceil(chars / max(1, min(files, 20))))


def _file(path: str, definitions: Sequence[Drawn], chars: int, mentioned: Collection[str]) -> list[str]:
    heading = f"{path}:"
    chosen: list[Drawn] = []
    left = chars - len(heading) - 1
    for one in sorted(definitions, key=lambda one: (-_weight(one, mentioned), one.line))[:_MOST_OF_ONE_FILE]:
        line = _line(one)
        if len(line) + 1 <= left:
            chosen.append(one)
            left -= len(line) + 1
    return [heading, *(_line(one) for one in sorted(chosen, key=lambda one: one.line))] if chosen else []


def _line(one: Drawn) -> str:
    return f"{one.line:6d}  {'  ' * one.name.count('.')}{one.head}"


def _weight(one: Drawn, mentioned: Collection[str]) -> float:
    last = one.name.rpartition(".")[2]
    weight = sqrt(1 + one.uses) / (1 + one.name.count("."))
    weight *= _MENTIONED if last in mentioned or one.name in mentioned else 1.0
    weight *= _TELLING if _LONG_COMPOUND.match(last) else 1.0
    weight *= _PRIVATE if last.startswith("_") else 1.0
    return weight * (_COMMON if one.namesakes > _MANY_FILES else 1.0)
