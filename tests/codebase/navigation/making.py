"""A navigator over a few files in memory."""

from collections.abc import Mapping
from pathlib import Path

from codebase.index import BlobCache
from codebase.navigation import Answer, Navigator
from tests.codebase.index.making import MemoryTree


def navigator_of(files: Mapping[str, str], folder: Path) -> Navigator:
    return Navigator(MemoryTree({path: text.encode() for path, text in files.items()}), BlobCache(folder / "index.db"))


def told(answer: Answer) -> list[str]:
    """`path:line symbol kind`, with `?` where only the name fits."""
    return [
        f"{one.path}:{one.start_line} {one.symbol} {one.kind}{'' if one.certainty == 'exact' else ' ?'}"
        for one in answer.places
    ]
