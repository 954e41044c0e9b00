"""The terms of a codebase: words its names are made of, used all over it, and defined in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from codebase.index.blob import Blob

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\WA-Z\d_]+|[A-Z]|\d+")
_COMMON_WORDS = """
test tests main run init setup name type value data item items object list dict get set add remove update create make
build new old key keys file files path string number index count size error errors exception base abstract default
config option options helper utils util common result results info args kwargs function method class module package node
handler manager factory impl interface mixin with for from and not the
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_LEAST_FILES = 3
_WORD = re.compile(rb"[A-Za-z_]\w{2,}")


@dataclass(frozen=True, slots=True)
class Term:
    """`name` is defined at these lines, and stands in `files` of the files that were read."""

    name: str
    path: str
    place: int
    start: int
    end: int
    files: int


def candidates(blobs: Mapping[str, Blob], wanted: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Names of classes (types, structs, interfaces) that the files in `wanted` define at their top, each with its path
    and place. Of several of one name, the one in the shortest path has it."""
    best: dict[str, tuple[tuple[int, str, int], int]] = {}
    for path in wanted:
        blob = blobs[path]
        for place, (name, kind) in enumerate(zip(blob.names, blob.kinds, strict=True)):
            if (
                kind != "class"
                or not name.isidentifier()
                or not name.isascii()
                or name.startswith("_")
                or len(name) < 3
            ):
                continue
            if not {part.lower() for part in _PARTS.findall(name)} <= _COMMON:
                rank = (path.count("/"), path, place)
                if name not in best or rank < best[name][0]:
                    best[name] = rank, place
    return {name: (rank[1], place) for name, (rank, place) in best.items()}


def words_in(data: bytes) -> frozenset[bytes]:
    """The identifiers of a file, of three letters or more."""
    return frozenset(_WORD.findall(data))


def chosen(
    found: Mapping[str, tuple[str, int]], files: Mapping[str, int], blobs: Mapping[str, Blob], most: int = 60
) -> list[Term]:
    """The terms that stand in most files, by `files` of each name."""
    terms = []
    for name, (path, place) in found.items():
        start, end = (int(line) for line in blobs[path].spans[place])
        if files.get(name, 0) >= _LEAST_FILES:
            terms.append(Term(name, path, place, start, end, files[name]))
    terms.sort(key=lambda term: (-term.files, term.name))
    return terms[:most]
