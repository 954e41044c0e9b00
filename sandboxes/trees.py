"""Trees crossing the wall: tars checked and cut into frames on the way in, changes checked on the way out. Pure."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, Literal

from .contract import ChangeSet, FileChange, TreeRejected
from .inside.frames import PAYLOAD_LIMIT, Frame, ProtocolError
from .inside.paths import link_leaves, refusal

Item = tuple[str, Literal["file", "symlink", "directory", "deleted"], bool, bytes]
"""(path, kind, executable, content): one entry of a tree or of a set of changes."""

_BATCH_BYTES = 1 << 20
_BATCH_ENTRIES = 256
_BATCH_PATHS = 128 << 10
_SPOOL_BYTES = 64 << 20


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A tar of plain files, path to content, for `Box.put_tree`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def tar_items(tar: BinaryIO | bytes) -> Iterator[Item]:
    """A tar's files, symlinks and directories, all of it checked before the first is yielded. TreeRejected."""
    try:
        with _seekable(tar) as source, tarfile.open(fileobj=source, mode="r:*") as archive:
            members = [(name, member) for member in archive if (name := _name(member)) != ""]
            _check(members)
            for path, member in members:
                if member.isdir():
                    yield path, "directory", False, b""
                elif member.issym():
                    yield path, "symlink", False, os.fsencode(member.linkname)
                else:
                    content = archive.extractfile(member)
                    yield path, "file", bool(member.mode & 0o100), content.read() if content else b""
    except (tarfile.TarError, EOFError, OSError, OverflowError, MemoryError) as error:
        # The last two: a member that announces more than there is room for.
        raise TreeRejected("the tree is refused", f"not a readable tar: {error}") from error


@contextmanager
def _seekable(tar: BinaryIO | bytes) -> Iterator[IO[bytes]]:
    """The tar as a file that can be read twice: once to be checked, once to be sent."""
    if isinstance(tar, bytes):
        yield io.BytesIO(tar)
    elif tar.seekable():
        yield tar
    else:
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            shutil.copyfileobj(tar, spool)
            spool.seek(0)
            yield spool


def _name(member: tarfile.TarInfo) -> str:
    name = member.name
    while name.startswith("./"):
        name = name[2:]
    return "" if name == "." else name


def _check(members: list[tuple[str, tarfile.TarInfo]]) -> None:
    leaves: dict[str, str] = {}
    links: dict[str, str] = {}
    for path, member in members:
        if why := refusal(path):
            raise _rejected(path, why)
        if not (member.isreg() or member.isdir() or member.issym()):
            raise _rejected(path, "it is a hard link, a device or a pipe")
        if member.isdir():
            continue
        if path in leaves:
            raise _rejected(path, "it comes twice")
        leaves[path] = "a symlink" if member.issym() else "a file"
        if member.issym():
            if not member.linkname or "\0" in member.linkname:
                raise _rejected(path, "its target is no path")
            links[path] = member.linkname
    for path, member in members:
        parent = os.path.dirname(path)
        if member.isdir() and path in leaves:
            raise _rejected(path, f"it is {leaves[path]} and a directory")
        while parent:
            if parent in leaves:
                raise _rejected(path, f"{parent!r} above it is {leaves[parent]}")
            parent = os.path.dirname(parent)
    for path in links:
        if link_leaves(path, links):
            raise _rejected(path, f"the symlink leads out of the tree, to {links[path]!r}")


def _rejected(path: str, why: str) -> TreeRejected:
    return TreeRejected(f"the tree is refused at {path!r}", why, "Leave this entry out of the tree")


def change_items(changes: ChangeSet) -> Iterator[Item]:
    """Changes in an order in which they can be made: removals first, because a file may take a directory's place."""
    for path in changes:
        if why := refusal(path):
            raise ValueError(f"a change at {path!r}: {why}")
    ordered = sorted(changes.items(), key=lambda item: (item[1].kind != "deleted", item[0]))
    for path, change in ordered:
        if change.kind == "symlink" and (not change.content or b"\0" in change.content):
            raise ValueError(f"a change at {path!r}: a symlink's target is no path")
        yield path, change.kind, change.executable, b"" if change.kind == "deleted" else change.content


def parts(items: Iterable[Item]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Entries and their contents as the parts of one request, each small enough for a frame."""
    entries: list[list[Any]] = []
    buffer = bytearray()
    names = 0
    for path, kind, executable, content in items:
        entries.append([path, kind, executable, len(content)])
        buffer += content
        names += len(path)
        while len(buffer) > PAYLOAD_LIMIT:
            yield {"entries": entries}, bytes(buffer[:PAYLOAD_LIMIT])
            del buffer[:PAYLOAD_LIMIT]
            entries, names = [], 0
        if len(entries) >= _BATCH_ENTRIES or len(buffer) >= _BATCH_BYTES or names >= _BATCH_PATHS:
            yield {"entries": entries}, bytes(buffer)
            buffer.clear()
            entries, names = [], 0
    yield {"entries": entries}, bytes(buffer)


def read_changes(frames: Iterable[Frame], max_bytes: int, max_files: int) -> ChangeSet:
    """The changes in a runner's answer, which is taken for hostile.

    ProtocolError when it holds anything the protocol does not allow: a path that must not cross the wall, an unknown
    kind, a path twice, more than was asked for.
    """
    entries: list[tuple[str, Literal["file", "symlink", "deleted"], bool, int]] = []
    body = bytearray()
    announced = 0
    for frame in frames:
        for raw in _entry_list(frame.header):
            entry = _entry(raw)
            announced += entry[3]
            entries.append(entry)
        body += frame.payload
        if len(entries) > max_files or announced > max_bytes or len(body) > announced:
            raise ProtocolError("more changes than were asked for")
    if len(body) != announced:
        raise ProtocolError("the contents are not as long as announced")
    changes: dict[str, FileChange] = {}
    offset = 0
    for path, kind, executable, size in entries:
        if path in changes:
            raise ProtocolError(f"{path!r} comes twice")
        changes[path] = FileChange(kind, executable, bytes(body[offset : offset + size]))
        offset += size
    _check_nesting(changes)
    return changes


def _entry_list(header: Mapping[str, Any]) -> list[Any]:
    entries = header.get("entries", [])
    if not isinstance(entries, list):
        raise ProtocolError("entries is not a list")
    return entries


def checked_entries(header: Mapping[str, Any]) -> list[tuple[str, Literal["file", "symlink", "deleted"], bool, int]]:
    """The entries of one frame. ProtocolError."""
    return [_entry(raw) for raw in _entry_list(header)]


def _entry(raw: Any) -> tuple[str, Literal["file", "symlink", "deleted"], bool, int]:
    match raw:
        case [str(path), "file" | "symlink" | "deleted" as kind, bool(executable), int(size)] if (
            size >= 0 and not isinstance(size, bool)
        ):
            pass
        case _:
            raise ProtocolError("an entry is not [path, kind, executable, size]")
    if why := refusal(path):
        raise ProtocolError(f"{path[:200]!r}: {why}")
    if (kind == "deleted" and size) or (executable and kind != "file") or (kind == "symlink" and not size):
        raise ProtocolError(f"{path[:200]!r}: a contradiction in its entry")
    return path, kind, executable, size


def _check_nesting(changes: Mapping[str, FileChange]) -> None:
    """A file or symlink cannot have something below it."""
    for path, change in changes.items():
        parent = os.path.dirname(path)
        while parent and change.kind != "deleted":
            if parent in changes and changes[parent].kind != "deleted":
                raise ProtocolError(f"{path[:200]!r} lies below a file")
            parent = os.path.dirname(parent)
