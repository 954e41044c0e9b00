"""A cache stays in proportion to its repository: what no recent commit holds is forgotten when it has grown."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from codebase.index.building import keys_of
from codebase.index.cache import BlobCache
from codebase.index.tree import Tree

_TIMES = 4
_ROOM = 2_000


def forget_old(cache: BlobCache, commit: str, tree_of: Callable[[str], Tree | None], *, now: float) -> int:
    """Notes that `commit` was used now; where the cache holds more than four times what it needs, keeps what the
    commits used last hold, half of that room at most, and forgets the rest. Returns how many rows were forgotten.

    `tree_of` gives a commit's tree, None where it is gone. Looking costs a count of rows; forgetting is rare, because
    the repository has to change many times over before it is done again. A database that is locked or a disk that is
    full leaves it to the next one.
    """
    try:
        return _forget_old(cache, commit, tree_of, now)
    except sqlite3.Error:
        return 0


def _forget_old(cache: BlobCache, commit: str, tree_of: Callable[[str], Tree | None], now: float) -> int:
    cache.note(commit, now=now)
    rows = cache.rows()
    if rows <= _ROOM:
        return 0
    tree = tree_of(commit)
    kept = keys_of(tree) if tree is not None else set()
    most = _TIMES * len(kept) + _ROOM
    if rows <= most:
        return 0
    for earlier in cache.noted():
        if (tree := tree_of(earlier)) is None:
            continue
        both = kept | keys_of(tree)
        if 2 * len(both) > most:
            break
        kept = both
    return cache.forget_others(kept)
