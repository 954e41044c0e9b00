"""Who uses whom: imports between files, and calls within a folder where the language needs no import for that. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codebase.index.blob import Blob
from codebase.index.grammars import grammar_for
from codebase.index.links import Links
from codebase.wiki.layout import order
from codebase.wiki.model import Citation
from codebase.wiki.parts import Part, role_of

# Files of one folder see each other without a word.
_SHARED_FOLDER = frozenset({"Go", "Java", "C#"})
_MOST_EXAMPLES = 3


@dataclass(slots=True)
class Use:
    """One part's use of another: how many of its files do, and the first lines on which they do."""

    files: int = 0
    examples: list[Citation] = field(default_factory=list)


def calls_in_folders(blobs: Mapping[str, Blob], links: Mapping[str, Links]) -> dict[str, dict[str, int]]:
    """Path to the files of its folder that it calls, each with the first line: only by names that one file of the
    folder defines, at the top or as a method. What is called on an imported package is none of them, and tests are not
    called from outside."""
    folders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in blobs:
        grammar = grammar_for(path)
        if grammar is not None and grammar.name in _SHARED_FOLDER and path in links:
            folders[path.rpartition("/")[0], grammar.name].append(path)
    found: dict[str, dict[str, int]] = {}
    for paths in folders.values():
        if len(paths) < 2:
            continue
        where: dict[str, set[str]] = defaultdict(set)
        for path in paths:
            for name in blobs[path].names:
                where[name.rpartition(".")[2]].add(path)
        for path in paths:
            called: dict[str, int] = {}
            foreign = {
                known for one in links[path].imports for known in (one.known or (one.module.rpartition("/")[2],))
            }
            for call in links[path].calls:
                on, _, name = call.name.rpartition(".")
                owners = where.get(name, ())
                if len(owners) != 1 or path in owners or on.partition(".")[0] in foreign:
                    continue
                (owner,) = owners
                if role_of(owner) != "tests" or role_of(path) == "tests":
                    called.setdefault(owner, call.line)
            if called:
                found[path] = called
    return found


def joined(*graphs: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Several graphs as one; of two lines for the same pair, the first graph's counts."""
    found: dict[str, dict[str, int]] = {}
    for graph in graphs:
        for path, used in graph.items():
            into = found.setdefault(path, {})
            for other, line in used.items():
                into.setdefault(other, line)
    return found


def uses_between(parts: Sequence[Part], graph: Mapping[str, Mapping[str, int]]) -> dict[tuple[int, int], Use]:
    """By the indexes of two parts, the first's use of the second."""
    home = {path: number for number, part in enumerate(parts) for path in part.paths}
    found: dict[tuple[int, int], Use] = defaultdict(Use)
    for number, part in enumerate(parts):
        for path in part.paths:
            seen: dict[int, int] = {}
            for other, line in sorted(graph.get(path, {}).items(), key=lambda one: (one[1], one[0])):
                target = home.get(other)
                if target is not None and target != number:
                    seen.setdefault(target, line)
            for target, line in seen.items():
                use = found[number, target]
                use.files += 1
                if len(use.examples) < _MOST_EXAMPLES:
                    use.examples.append(Citation(path, line, line))
    return dict(found)


def drawn_arrows(uses: Mapping[tuple[int, int], Use], drawn: Iterable[int]) -> dict[tuple[int, int], int]:
    """The arrows of a drawing that stays readable, with their weights: all of few; of many those that do not follow
    from others, the heaviest of each part in any case, and of those that close a circle one of each part."""
    shown = set(drawn)
    weights = {pair: use.files for pair, use in uses.items() if shown.issuperset(pair)}
    if len(weights) <= 1.5 * len(shown):
        return weights
    named = {(str(start), str(end)): weight for (start, end), weight in weights.items()}
    place = {int(key): at for at, key in enumerate(order([str(number) for number in sorted(shown)], named))}
    forward: dict[int, set[int]] = {number: set() for number in shown}
    for start, end in weights:
        if place[start] < place[end]:
            forward[start].add(end)
    below: dict[int, set[int]] = {}
    for number in sorted(shown, key=lambda number: -place[number]):
        below[number] = forward[number].union(*(below[end] for end in forward[number]))
    kept = {
        (start, end)
        for start, ends in forward.items()
        for end in ends
        if not any(end in below[other] for other in ends)
    }
    for start in shown:
        for back in (False, True):
            ends = [end for one, end in weights if one == start and (place[end] < place[start]) == back]
            if ends:
                kept.add(
                    (start, min(ends, key=lambda end: (-weights[start, end], abs(place[end] - place[start]), end)))
                )
    return {pair: weights[pair] for pair in weights if pair in kept}
