"""The terms of a codebase: words its names are made of, used all over it, and defined in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from codebase.index.corpus import Corpus
from codebase.index.words import terms_of

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\WA-Z\d_]+|[A-Z]|\d+")
_COMMON_WORDS = """
test tests main run init setup name type value data item items object list dict get set add remove update create make
build new old key keys file files path string number index count size error errors exception base abstract default
config option options helper utils util common result results info args kwargs function method class module package node
handler manager factory impl interface mixin with for from and not the
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_LEAST_FILES = 3


@dataclass(frozen=True, slots=True)
class Term:
    """`name` is defined at these lines, and stands in `files` files."""

    name: str
    path: str
    place: int
    start: int
    end: int
    files: int


def find_terms(corpus: Corpus, wanted: Iterable[str], most: int = 60) -> list[Term]:
    """The terms that classes (types, structs, interfaces) of the files in `wanted` define, the most used first.

    A term is a class's whole name. Where several are named alike, the one in the shortest path has it.
    """
    chosen = frozenset(wanted)
    best: dict[str, tuple[tuple[int, str, int], Term]] = {}
    uses: dict[int, int] = {}
    for file, path in enumerate(corpus.paths):
        if path not in chosen:
            continue
        blob = corpus.blobs[file]
        for place, (name, kind) in enumerate(zip(blob.names, blob.kinds, strict=True)):
            if kind != "class" or "." in name or name.startswith("_"):
                continue
            parts = [part.lower() for part in _PARTS.findall(name)]
            if not parts or not name.isidentifier() or len(name) < 3 or set(parts) <= _COMMON:
                continue
            start, end = (int(line) for line in blob.spans[place])
            rank = (path.count("/"), path, start)
            if name not in best or rank < best[name][0]:
                files = _files_with(corpus, name, uses)
                best[name] = rank, Term(name, path, place, start, end, files)
    found = [term for _, term in best.values() if term.files >= _LEAST_FILES]
    found.sort(key=lambda term: (-term.files, term.name))
    return found[:most]


def _files_with(corpus: Corpus, name: str, known: dict[int, int]) -> int:
    """In how many files a name stands: by the postings of the term for the whole of it, the last in its row."""
    terms = terms_of(name)
    if not terms:
        return 0
    term = terms[-1]
    if term not in known:
        places = corpus.places[corpus.postings(term)]
        known[term] = len(set(corpus.file_of[places].tolist()))
    return known[term]
