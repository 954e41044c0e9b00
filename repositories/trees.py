"""A commit's tree as a tar archive for a sandbox: every tracked file exactly as committed, and what was left out."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

from repositories.errors import TreeTooLarge
from repositories.git import Git
from repositories.links import leaves_tree
from repositories.names import path_fault
from repositories.objects import EXECUTABLE, SUBMODULE, SYMLINK, Entry, list_tree, read_blobs

MAX_TREE_BYTES = 2 << 30
MAX_TREE_FILES = 200_000
_IN_MEMORY = 16 << 20
_LFS_MARK = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_POINTER_MAX = 1024  # the Git LFS specification: a pointer file is smaller than 1024 bytes

LeftOutReason = Literal["link_leaves_tree", "submodule", "unsafe_path"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A tracked path that is not in the archive, and why. `detail` is the link's target or the fault of the path."""

    path: str
    reason: LeftOutReason
    detail: str


@dataclass(frozen=True, slots=True)
class TreeReport:
    """What an archive holds: counts and bytes, what was left out, and which files are Git LFS pointers, not content."""

    files: int
    bytes: int
    left_out: tuple[LeftOut, ...]
    lfs_pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TreeArchive:
    """A tar stream at its beginning (GNU format, names as raw bytes, owner 0, the commit's time), and its report."""

    tar: BinaryIO
    report: TreeReport


def sift(entries: Iterable[Entry], links: Mapping[str, str]) -> tuple[list[Entry], list[LeftOut]]:
    """Parts the entries of a tree into those a sandbox gets and those it does not. Pure.

    `links` maps each symlink's path to its target. A repository with a treacherous link, a submodule or a path like
    ``.GIT/x`` stays workable: that one entry is left out and named.
    """
    kept: list[Entry] = []
    left_out: list[LeftOut] = []
    for entry in entries:
        fault = path_fault(entry.path)
        if fault:
            left_out.append(LeftOut(entry.path, "unsafe_path", fault))
        elif entry.mode == SUBMODULE:
            left_out.append(LeftOut(entry.path, "submodule", entry.sha))
        elif entry.mode == SYMLINK and leaves_tree(entry.path, links[entry.path], links):
            left_out.append(LeftOut(entry.path, "link_leaves_tree", links[entry.path][:200]))
        else:
            kept.append(entry)
    return kept, left_out


def archive_tree(git: Git, commit: str, *, max_bytes: int, max_files: int) -> TreeArchive:
    """Every tracked file of `commit` as a tar; ``export-ignore`` and ``export-subst`` have no say, unlike git archive.

    Raises TreeTooLarge before reading any content when the tree passes `max_files` entries or `max_bytes` bytes.
    """
    entries = list_tree(git, commit)
    total = sum(entry.size for entry in entries)
    if len(entries) > max_files or total > max_bytes:
        raise TreeTooLarge(
            f"The tree of {commit[:12]} is too large",
            f"{len(entries)} files with {total} bytes; the limits are {max_files} and {max_bytes}",
            "Raise the limit, or work in a smaller repository",
        )
    kept, left_out = sift(entries, link_targets(git, entries))
    spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  # handed to the caller
    pointers = _write_tar(spool, git, kept, _commit_time(git, commit))
    spool.seek(0)
    report = TreeReport(len(kept), sum(entry.size for entry in kept), tuple(left_out), tuple(pointers))
    return TreeArchive(spool, report)


def link_targets(git: Git, entries: Iterable[Entry]) -> dict[str, str]:
    """Path to target for every symlink among `entries`. A target of more than 4096 bytes reads as empty: unusable."""
    links = [entry for entry in entries if entry.mode == SYMLINK]
    targets: dict[str, str] = {}
    for entry, (_, stream, size) in zip(links, read_blobs(git, [link.sha for link in links]), strict=True):
        target = stream.read(size)
        targets[entry.path] = target.decode("utf-8", "surrogateescape") if size <= 4096 else ""
    return targets


def _commit_time(git: Git, commit: str) -> int:
    return max(0, int(git.text("show", "--no-patch", "--format=%ct", commit, what="Could not read the commit")))


def _write_tar(spool: BinaryIO, git: Git, entries: list[Entry], mtime: int) -> list[str]:
    pointers: list[str] = []
    with tarfile.open(
        fileobj=spool, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for entry, (_, stream, size) in zip(entries, read_blobs(git, [e.sha for e in entries]), strict=True):
            member = tarfile.TarInfo(entry.path)
            member.mtime = mtime
            member.mode = 0o755 if entry.mode == EXECUTABLE else 0o644
            if entry.mode == SYMLINK:
                member.type = tarfile.SYMTYPE
                member.linkname = stream.read(size).decode("utf-8", "surrogateescape")
                tar.addfile(member)
            elif size < _LFS_POINTER_MAX:
                content = stream.read(size)
                if content.startswith(_LFS_MARK):
                    pointers.append(entry.path)
                member.size = size
                tar.addfile(member, io.BytesIO(content))
            else:
                member.size = size
                tar.addfile(member, stream)
    return pointers
