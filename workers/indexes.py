"""Indexes of commits on this host: one SQLite file below the state folder for each mirror, shared by its commits.

What is built stays in memory for whoever asks next, within bounds. Losing any of it costs only time.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import fields
from pathlib import Path

import numpy as np
import structlog

from codebase.index import BlobCache, Corpus, Finder, build_corpus, keep_up
from codebase.index.forgetting import forget_old
from codebase.index.tree import Tree
from codebase.navigation import Navigator
from repositories.commit_tree import commit_tree
from repositories.errors import RepositoryError

log = structlog.get_logger(__name__)

# The processes that parse are fewer, and a small repository gets its turn between the batches of a large one.
_AT_ONCE = 8
_KEPT = 6
_KEPT_BYTES = 256 << 20


class _Closing(Exception):
    """The process ends: what was begun is not needed any more."""


class Indexes:
    """The indexes below `folder`, of at most `max_bytes` together. For any number of threads."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._lock = threading.Lock()
        self._building: dict[tuple[Path, str], Future[Finder]] = {}
        self._ready: OrderedDict[tuple[Path, str], tuple[Finder, int, float]] = OrderedDict()
        self._navigators: weakref.WeakKeyDictionary[Finder, Navigator] = weakref.WeakKeyDictionary()
        self._of_mirror: dict[Path, threading.Lock] = {}
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._closing = threading.Event()

    def path(self, mirror: Path) -> Path:
        """Where a mirror's index lies. A directory's is the one `forgehand search` uses for it."""
        kind = "" if mirror.parent.name == "local" else f"{mirror.parent.name}-"
        return self._folder / f"{kind}{mirror.stem}.db"

    def begin(self, mirror: Path, sha: str) -> Future[Finder]:
        """Search over a commit of a mirror, built beside the caller unless it is there or on its way. The future raises
        what building raises."""
        key = mirror, sha
        with self._lock:
            if (ready := self._ready.get(key)) is not None:
                self._ready.move_to_end(key)
                self._ready[key] = ready[0], ready[1], time.monotonic()
                done: Future[Finder] = Future()
                done.set_result(ready[0])
                return done
            if (begun := self._building.get(key)) is not None:
                return begun
            future = self._building[key] = Future()
        threading.Thread(target=self._build_into, args=(future, key), name="index", daemon=True).start()
        return future

    def navigator(self, mirror: Path, finder: Finder) -> Navigator:
        """Moving about the commit that `finder` searches, read when it is asked. OSError, sqlite3.Error."""
        with self._lock:
            found = self._navigators.get(finder)
            if found is None:
                cache = BlobCache(self.path(mirror))
                found = self._navigators[finder] = Navigator(finder.tree, cache, finder.corpus)
                weakref.finalize(found, cache.close)
            return found

    def refresh(self, mirror: Path, sha: str) -> float:
        """Brings the index up to a commit without reading what it knows; returns how many seconds that took."""
        began = time.monotonic()
        with self._alone(mirror), contextlib.closing(BlobCache(self.path(mirror))) as cache:
            parsed = keep_up(commit_tree(mirror, sha), cache, progress=self._go_on)
            forgotten = forget_old(cache, sha, lambda name: _tree(mirror, name), now=time.time())
        self._make_room(spare=self.path(mirror))
        seconds = time.monotonic() - began
        log.info("indexed", mirror=mirror.name, sha=sha, parsed=parsed, forgotten=forgotten, seconds=round(seconds, 3))
        return seconds

    def knows(self, mirror: Path, sha: str) -> bool:
        """Whether the commit was among those asked for lately."""
        if not self.path(mirror).exists():
            return False
        with contextlib.closing(BlobCache(self.path(mirror))) as cache:
            return sha in cache.noted()

    def let_go(self, *, unused_s: float) -> None:
        """Forgets in memory what nobody asked for in so many seconds."""
        with self._lock:
            for key in [key for key, (_, _, used) in self._ready.items() if time.monotonic() - used > unused_s]:
                del self._ready[key]

    def close(self) -> None:
        """Ends what is being built, soon."""
        self._closing.set()
        self.let_go(unused_s=-1.0)

    def _build_into(self, future: Future[Finder], key: tuple[Path, str]) -> None:
        try:
            with self._alone(key[0]), self._places:
                finder = self._build(*key)
        except BaseException as error:
            # Whatever it is, it belongs to whoever asked.
            with self._lock:
                del self._building[key]
            future.set_exception(error)
            return
        with self._lock:
            del self._building[key]
            self._ready[key] = finder, size_of(finder.corpus), time.monotonic()
            while len(self._ready) > 1 and (
                len(self._ready) > _KEPT or sum(size for _, size, _ in self._ready.values()) > _KEPT_BYTES
            ):
                self._ready.popitem(last=False)
        future.set_result(finder)

    @contextlib.contextmanager
    def _alone(self, mirror: Path) -> Iterator[None]:
        """One at a time of one repository, so that what two commits share is parsed once."""
        with self._lock:
            mine = self._of_mirror.setdefault(mirror, threading.Lock())
        with mine:
            yield

    def _build(self, mirror: Path, sha: str) -> Finder:
        tree = commit_tree(mirror, sha)
        began = time.monotonic()
        with contextlib.closing(BlobCache(self.path(mirror))) as cache:
            corpus = build_corpus(tree, cache, progress=self._go_on)
            forgotten = forget_old(cache, sha, lambda name: _tree(mirror, name), now=time.time())
        self._make_room(spare=self.path(mirror))
        log.info(
            "indexed", mirror=mirror.name, sha=sha, files=len(corpus.paths), places=corpus.size, forgotten=forgotten,
            seconds=round(time.monotonic() - began, 3),
        )  # fmt: skip
        return Finder(corpus, tree)

    def _go_on(self, _done: int, _of: int) -> None:
        if self._closing.is_set():
            raise _Closing

    def _make_room(self, *, spare: Path) -> None:
        """Removes the indexes used longest ago. Who has one open goes on with what they have."""
        found: list[tuple[float, int, Path]] = []
        for path in self._folder.glob("*.db"):
            with contextlib.suppress(FileNotFoundError):
                found.append((_used_at(path), path.stat().st_size, path))
        used = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if used <= self._max_bytes:
                return
            if path != spare:
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)
                used -= size


def size_of(corpus: Corpus) -> int:
    """About how many bytes of memory a corpus takes: its arrays and those of its blobs, names left out."""
    arrays = [*vars(corpus).values(), *(getattr(blob, field.name) for blob in corpus.blobs for field in fields(blob))]
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def _used_at(path: Path) -> float:
    """A write to a database goes to its log first."""
    times = [path.stat().st_mtime]
    with contextlib.suppress(FileNotFoundError):
        times.append(Path(f"{path}-wal").stat().st_mtime)
    return max(times)


def _tree(mirror: Path, sha: str) -> Tree | None:
    try:
        return commit_tree(mirror, sha)
    except RepositoryError:
        return None
