"""The pieces of `forgehand eval search-speed`, each a process of its own, so that its time and memory are its own.

    python -m evals.search_speed_parts index REPO CACHE
    python -m evals.search_speed_parts queries REPO CACHE TEXTS
    python -m evals.search_speed_parts push REPO CACHE FILES

Each prints one JSON document. REPO is a clone, a bare repository or a plain folder.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codebase.index import BlobCache, Corpus, File, FolderTree, Tree, build_corpus, keep_up, search
from codebase.index.grammars import grammar_for
from codebase.index.ranking import rank
from codebase.index.report import read_report
from evals.from_history import git_dir
from repositories.commit_tree import commit_tree

_PUSHES = 3


def tree_of(repo: Path) -> Tree:
    """The newest commit of a repository; of a folder that is none, what lies there."""
    inside = git_dir(repo)
    return commit_tree(inside, "HEAD") if (inside / "objects").is_dir() else FolderTree(repo)


def index(repo: Path, cache: Path) -> dict[str, Any]:
    """Everything read and parsed, nothing known before."""
    began = time.perf_counter()
    corpus = build_corpus(tree_of(repo), BlobCache(cache))
    seconds = time.perf_counter() - began
    return {**_extent(corpus), "seconds": seconds, "serving_mb": _peak_mb()}


def queries(repo: Path, cache: Path, texts: Path) -> dict[str, Any]:
    """All known before: how long until the first answer, then each query's time."""
    asked: list[str] = json.loads(texts.read_text())
    began = time.perf_counter()
    corpus = build_corpus(tree_of(repo), BlobCache(cache))
    search(corpus, asked[0])
    first = time.perf_counter() - began
    times = []
    for text in asked:
        began = time.perf_counter()
        rank(corpus, read_report(text))
        times.append(time.perf_counter() - began)
    return {**_extent(corpus), "first_s": first, "query_s": times, "serving_mb": _peak_mb()}


def push(repo: Path, cache: Path, files: int) -> dict[str, Any]:
    """A commit that changes some files of one that is known, in a process that has answered before: until the index
    has it, and until it can be searched."""
    tree, kept = tree_of(repo), BlobCache(cache)
    build_corpus(_Changed(tree, files, "warm"), kept)
    indexed, searchable = [], []
    for number in range(_PUSHES):
        pushed = _Changed(tree, files, f"push {number}")
        began = time.perf_counter()
        keep_up(pushed, kept)
        indexed.append(time.perf_counter() - began)
        build_corpus(pushed, kept)
        searchable.append(time.perf_counter() - began)
    middle = _PUSHES // 2
    times = {"seconds": sorted(indexed)[middle], "searchable_s": sorted(searchable)[middle]}
    return {"files": files, **times, "serving_mb": _peak_mb()}


@dataclass(frozen=True, slots=True)
class _ChangedFile:
    path: str
    blob: str
    size: int
    was: File


class _Changed:
    """A tree with a line more at the end of some of its files, spread over it."""

    def __init__(self, tree: Tree, files: int, line: str) -> None:
        self._tree, self._number, self._line = tree, files, f"\n# {line}\n".encode()

    def files(self) -> Sequence[File]:
        found = list(self._tree.files())
        code = [at for at, file in enumerate(found) if grammar_for(file.path) is not None]
        for at in code[:: max(1, len(code) // self._number)][: self._number]:
            file = found[at]
            blob = f"{file.blob}+{self._line.decode().strip()}"
            found[at] = _ChangedFile(file.path, blob, file.size + len(self._line), file)
        return found

    def read(self, files: Sequence[File]) -> Iterator[bytes | None]:
        real = [file.was if isinstance(file, _ChangedFile) else file for file in files]
        for file, data in zip(files, self._tree.read(real), strict=True):
            yield data + self._line if data is not None and isinstance(file, _ChangedFile) else data


def _extent(corpus: Corpus) -> dict[str, int]:
    python = sum(blob.lines for path, blob in zip(corpus.paths, corpus.blobs, strict=True) if path.endswith(".py"))
    return {
        "files": len(corpus.paths),
        "places": corpus.size,
        "lines": sum(blob.lines for blob in corpus.blobs),
        "python_lines": python,
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    part, repo, cache, *further = sys.argv[1:]
    match part:
        case "index":
            told = index(Path(repo), Path(cache))
        case "queries":
            told = queries(Path(repo), Path(cache), Path(further[0]))
        case _:
            told = push(Path(repo), Path(cache), int(further[0]))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
