"""Reading a mirror's trees and blobs: one git process for any number of objects."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import IO

from repositories.errors import GitFailed, RevisionUnknown, TreeTooLarge
from repositories.git import Git, end, pipe_of

FILE, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One tracked path: its mode as git writes it, its object, and its size in bytes (0 for a submodule)."""

    path: str
    mode: str
    sha: str
    size: int


def list_tree(git: Git, commit: str) -> list[Entry]:
    """Every tracked path of `commit` in git's order; names that are not UTF-8 carry surrogate escapes."""
    listing = git.run("ls-tree", "-r", "-z", "-l", "--full-tree", commit, what="Could not list the tree").stdout
    return [_entry(line) for line in listing.split(b"\0") if line]


def _entry(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, _, sha, size = head.decode("ascii").split()
    # Old repositories hold modes such as 100664, which git itself reads as 100644.
    plain = (EXECUTABLE if int(mode, 8) & 0o100 else FILE) if mode.startswith("100") else mode
    return Entry(path.decode("utf-8", "surrogateescape"), plain, sha, int(size) if size.isdigit() else 0)


def read_blobs(git: Git, shas: Iterable[str]) -> Generator[tuple[str, IO[bytes], int], None, None]:
    """Gives (object, stream, size) for each of `shas`, in order; the caller reads exactly `size` bytes of the stream.

    Raises RevisionUnknown for an object the mirror does not have.
    """
    wanted = list(shas)
    process = git.start("cat-file", "--batch", "--buffer")
    asking, answers = pipe_of(process.stdin), pipe_of(process.stdout)

    def ask() -> None:
        try:
            asking.write("".join(f"{sha}\n" for sha in wanted).encode("ascii"))
            asking.close()
        except (BrokenPipeError, ValueError):  # git ended, or the reader stopped early and closed the pipe
            return

    writer = threading.Thread(target=ask, name="cat-file", daemon=True)
    writer.start()
    try:
        for sha in wanted:
            head = answers.readline().split()
            if len(head) != 3:
                raise RevisionUnknown(f"Could not read object {sha[:12]}", "the mirror does not have it", "Fetch again")
            size = int(head[2])
            yield sha, answers, size
            if answers.read(1) != b"\n":
                raise GitFailed(f"Could not read object {sha[:12]}", "git's answer was cut", "Fetch again")
    finally:
        end(process)
        writer.join()


def read_blob(git: Git, sha: str, limit: int) -> bytes:
    """The content of one blob. Raises TreeTooLarge above `limit` bytes, before reading them."""
    blobs = read_blobs(git, [sha])
    for _, stream, size in blobs:
        if size > limit:
            blobs.close()
            raise TreeTooLarge("Could not read a file", f"it has {size} bytes, the limit is {limit}", "Read less of it")
        return stream.read(size)
    raise AssertionError("one object asked, one answer or an error")
