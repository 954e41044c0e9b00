"""From a tree to what is known of its files: what is kept comes from the cache, the others are parsed and kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Sequence
from typing import TypeVar

from codebase.index.blob import LARGEST, read_blob, read_packed, unpack
from codebase.index.cache import BlobCache, Kept
from codebase.index.corpus import Corpus, make_corpus
from codebase.index.grammars import grammar_for
from codebase.index.parsing import parse_all
from codebase.index.tree import File, Tree

_LARGEST_PROSE = 256 << 10
_PROSE_ENDINGS = """
.md .rst .txt .toml .cfg .ini .yml .yaml .json .xml .html .css .sh .sql .proto .cmake .gradle .kt .swift .scala .lua
.pl .ex .hs .jl .r
"""
_PROSE = tuple(_PROSE_ENDINGS.split())
_LOCKS = ("package-lock.json", "yarn.lock", "poetry.lock", "uv.lock", "cargo.lock", "composer.lock", "go.sum")
_FILES_PER_PROCESS = 25
_EMPTY = read_blob("", b"")
Progress = Callable[[int, int], None]
T = TypeVar("T")
BLOBS = Kept("blobs", read_packed, unpack)


def build_corpus(
    tree: Tree, cache: BlobCache, *, processes: int = 0, progress: Progress = lambda done, of: None
) -> Corpus:
    """All that can be searched in `tree`. `processes`: how many parse at a time, by default one for each CPU.

    `progress` is told how many of the files that have to be parsed are done.
    """
    files = [file for file in tree.files() if _wanted(file)]
    known = gather(BLOBS, tree, files, cache, processes=processes, progress=progress)
    return make_corpus((file.path, known.pop(file.path, _EMPTY)) for file in files)


def gather(
    kind: Kept[T],
    tree: Tree,
    files: Sequence[File],
    cache: BlobCache,
    *,
    processes: int = 0,
    progress: Progress = lambda done, of: None,
) -> dict[str, T]:
    """What is known of `files` of `tree`, by path; without those that are too large or cannot be read."""
    keys = {file: key_of(file) for file in files}
    known = cache.load(kind, sorted({key for key in keys.values() if key}))
    missing = _missing(files, keys, known)
    if missing:
        known |= _parsed(kind, tree, missing, keys, cache, processes, progress)
    return {file.path: known[keys[file]] for file in files if keys[file] in known}


def keep_up(tree: Tree, cache: BlobCache, *, processes: int = 0, progress: Progress = lambda done, of: None) -> int:
    """Has all of `tree` in the cache for whoever builds its corpus; returns how many files had to be parsed."""
    files = [file for file in tree.files() if _wanted(file)]
    keys = {file: key_of(file) for file in files}
    known = cache.kept(BLOBS, sorted({key for key in keys.values() if key}))
    missing = _missing(files, keys, known)
    if missing:
        _parsed(BLOBS, tree, missing, keys, cache, processes, progress)
    return len(missing)


def keys_of(tree: Tree) -> set[str]:
    """The keys of all files of a tree that are read."""
    return {key for file in tree.files() if _wanted(file) and (key := key_of(file))}


def key_of(file: File) -> str:
    """What a file's places depend on: its content and the language its name says; empty when it is not read."""
    grammar = grammar_for(file.path)
    largest = LARGEST if grammar else _LARGEST_PROSE
    if file.size > largest or file.path.rpartition("/")[2].lower() in _LOCKS:
        return ""
    return f"{file.blob}:{grammar.name if grammar else ''}"


def _wanted(file: File) -> bool:
    return grammar_for(file.path) is not None or file.path.lower().endswith(_PROSE)


def _missing(files: Sequence[File], keys: dict[File, str], known: Container[str]) -> list[File]:
    """One file for each key that is not known yet."""
    first = {keys[file]: file for file in reversed(files) if keys[file] and keys[file] not in known}
    return [file for file in files if first.get(keys[file]) is file]


def _parsed(
    kind: Kept[T],
    tree: Tree,
    missing: Sequence[File],
    keys: dict[File, str],
    cache: BlobCache,
    processes: int,
    progress: Progress,
) -> dict[str, T]:
    wanted = min(processes or os.cpu_count() or 1, 1 + len(missing) // _FILES_PER_PROCESS)
    found: dict[str, T] = {}
    fresh: dict[str, bytes] = {}
    contents = zip(missing, tree.read(missing), strict=True)
    for file, packed in parse_all(contents, kind.make, wanted, lambda done: progress(done, len(missing))):
        found[keys[file]] = kind.unpack(packed)
        fresh[keys[file]] = packed
        if len(fresh) >= 500:
            cache.keep(kind, fresh)
            fresh = {}
    cache.keep(kind, fresh)
    return found
