"""Small corpora for the tests of search."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1

from codebase.index import Corpus, File
from codebase.index.blob import read_blob
from codebase.index.corpus import make_corpus


def corpus_of(files: Mapping[str, str]) -> Corpus:
    return make_corpus((path, read_blob(path, text.encode())) for path, text in files.items())


@dataclass(frozen=True)
class MemoryFile:
    path: str
    blob: str
    size: int


class MemoryTree:
    """Files in memory; counts how often contents were read."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)
        self.reads = 0

    def files(self) -> Sequence[File]:
        return [
            MemoryFile(path, sha1(data, usedforsecurity=False).hexdigest(), len(data))
            for path, data in self._files.items()
        ]

    def read(self, files: Sequence[File]) -> Iterator[bytes | None]:
        for file in files:
            self.reads += 1
            yield self._files[file.path]
