"""Search over one commit: definitions as the units, cached by blob, ranked without a model.

`words`, `grammars`, `outline` and `blob` say what a file's places are, `parsing` and `cache` make that safe and cheap,
`corpus` puts a commit together, `report` reads an issue, `ranking` brings the two together.
"""

from codebase.index.building import build_corpus, keep_up
from codebase.index.cache import BlobCache
from codebase.index.contents import Contents
from codebase.index.corpus import Corpus
from codebase.index.excerpts import Excerpt, Finder
from codebase.index.searching import Hit, search, search_files
from codebase.index.tree import File, FolderTree, Tree

__all__ = [
    "BlobCache",
    "Contents",
    "Corpus",
    "Excerpt",
    "File",
    "Finder",
    "FolderTree",
    "Hit",
    "Tree",
    "build_corpus",
    "keep_up",
    "search",
    "search_files",
]
