"""Which classes inherit from which, and what of a class they define anew. Said by the source: bases that are named.

Go's interfaces are met without being named, and so are protocols and duck types: they have no overrides here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codebase.navigation.names import parts_of
from codebase.navigation.place import Certainty
from codebase.navigation.scope import Scope

_DEEPEST = 10
MOST_CLASSES = 500


@dataclass(frozen=True, slots=True)
class Related:
    """A class or a method that stands above or below another in the order of inheritance."""

    place: int
    certainty: Certainty
    above: bool


def related_classes(scope: Scope, place: int) -> list[Related]:
    """The bases of a class and theirs, then what inherits from it, nearest first; at most `MOST_CLASSES`."""
    return [*_above(scope, place), *_below(scope, place)]


def related_methods(scope: Scope, place: int) -> list[Related]:
    """The same for a method: where the classes above and below its own define its name themselves."""
    commit = scope.commit
    around = commit.class_around(place)
    if around is None or around == place:
        return []
    name = parts_of(commit.corpus.name(place))[-1]
    return [
        Related(found, one.certainty, one.above)
        for one in related_classes(scope, around)
        for found in scope.own(one.place, name)
        if found != place
    ]


def _above(scope: Scope, place: int) -> Iterator[Related]:
    seen, level = {place}, [place]
    for _ in range(_DEEPEST):
        level = [base for one in level for base in scope.bases(one) if base not in seen]
        level = list(dict.fromkeys(level))
        seen.update(level)
        yield from (Related(base, "exact", above=True) for base in level)


def _below(scope: Scope, place: int) -> list[Related]:
    commit = scope.commit
    seen, level, found = {place}, [(place, "exact")], list[Related]()
    for _ in range(_DEEPEST):
        following: list[tuple[int, str]] = []
        for one, sure in level:
            for heir, certainty in _heirs(scope, one):
                if heir in seen or len(found) >= MOST_CLASSES:
                    continue
                seen.add(heir)
                both: Certainty = "exact" if certainty == sure == "exact" else "by_name"
                found.append(Related(heir, both, above=False))
                following.append((heir, both))
        level = following
    own_name = commit.corpus.name(place)
    return sorted(found, key=lambda one: (one.certainty != "exact", commit.corpus.name(one.place) == own_name))


def _heirs(scope: Scope, place: int) -> Iterator[tuple[int, Certainty]]:
    """The classes that name this one as a base."""
    commit = scope.commit
    name = parts_of(commit.corpus.name(place))[-1]
    paths = commit.files_with(name)
    commit.load_links(paths)
    for path in paths:
        for number, base in commit.links(path).bases:
            if parts_of(base)[-1] != name:
                continue
            heir = commit.place(path, number)
            meaning = scope.meaning(path, commit.places(path)[0], base)
            if heir != place and place in meaning.places:
                yield heir, meaning.certainty
