"""What a wiki is written from: one commit, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from codebase.facts import Facts
from codebase.history.past import Past
from codebase.index.blob import Blob
from codebase.index.contents import Contents
from codebase.index.corpus import Corpus
from codebase.index.links import Links
from codebase.readiness import Report


@dataclass(frozen=True)
class Known:
    """`imports`: path to the paths it imports, each with the line. `past`: None where there is no history to read;
    `readiness`: None where nobody asked for it."""

    name: str
    corpus: Corpus
    contents: Contents
    links: Mapping[str, Links]
    imports: Mapping[str, Mapping[str, int]]
    facts: Facts
    past: Past | None = None
    readiness: Report | None = None

    @cached_property
    def blobs(self) -> dict[str, Blob]:
        return dict(zip(self.corpus.paths, self.corpus.blobs, strict=True))

    def lines_of(self, path: str) -> int:
        blob = self.blobs.get(path)
        return blob.lines if blob is not None else 0

    def first_doc(self, path: str, place: int = 0) -> tuple[int, str] | None:
        """The line and the first paragraph of what documents a file, or the definition at one of its places."""
        links = self.links.get(path)
        return links.docs.get(place) if links is not None else None
