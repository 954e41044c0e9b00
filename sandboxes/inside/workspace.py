"""The workspace inside a box: unpack a tree, say what changed since, bring changes back.

Nothing here follows a symlink on its way to a path: a component that is not a real directory is replaced, because
commands may have planted anything. Contents are compared by hash only. Timestamps are no shortcut: on tmpfs a write
through a shared mapping that was read before changes neither mtime nor ctime (tests/sandboxes shows it), so a
program could hide a change from any comparison that trusts them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import blake2b

from .paths import is_git_name, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 1 << 20

Fingerprint = tuple[str, bool, int, bytes]
"""(kind, executable, size in bytes, digest of the content)."""


class Refused(Exception):
    """A request that cannot be answered; `code` is one of the error codes of docs/sandbox-protocol.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def fingerprint(kind: str, executable: bool, content: bytes) -> Fingerprint:
    return kind, executable, len(content), blake2b(content, digest_size=32).digest()


def clear(directory: str) -> None:
    """Removes everything in `directory`, however deep: deep levels are first moved up, so that no path grows long."""
    serial = 0
    todo = [os.path.join(directory, name) for name in os.listdir(directory)]
    while todo:
        path = todo.pop()
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            continue
        os.chmod(path, 0o700)
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)  # renaming a directory needs write permission on it
                while os.path.lexists(moved := os.path.join(directory, f".removing-{serial}")):
                    serial += 1
                os.rename(entry.path, moved)
                todo.append(moved)
            else:
                os.unlink(entry.path)
        os.rmdir(path)


class Intake:
    """Writes a stream of entries below `root`: their descriptions first, their contents back to back."""

    def __init__(self, root: str, manifest: dict[str, Fingerprint] | None = None) -> None:
        self._root = root
        self._manifest = manifest
        self._made: set[str] = {""}
        self._queue: list[list[Any]] = []
        self._next = 0
        self._fd = -1
        self._left = 0
        self._hash = blake2b(digest_size=32)
        self._link = bytearray()

    def feed(self, entries: list[list[Any]], payload: bytes) -> None:
        """`entries` are `[path, kind, executable, size]`. Refused when the stream is not what it announced."""
        self._queue += entries
        offset = 0
        while self._next < len(self._queue):
            path, kind, executable, size = self._queue[self._next]
            if self._fd < 0 and not self._left and not self._link:
                self._begin(path, kind, executable, size)
            take = payload[offset : offset + self._left]
            offset += len(take)
            self._left -= len(take)
            if kind == "symlink":
                self._link += take
            elif kind == "file":
                self._hash.update(take)
                _write_all(self._fd, take)
            if self._left:
                break
            self._end(path, kind, executable, size)
            self._next += 1
        if offset != len(payload):
            raise Refused("bad_request", "more content than the entries announce")
        if self._next == len(self._queue):
            self._queue.clear()
            self._next = 0

    def finish(self) -> None:
        if self._queue:
            raise Refused("bad_request", "the content ends before the entries do")

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _begin(self, path: str, kind: str, executable: bool, size: int) -> None:
        if why := refusal(path):
            raise Refused("bad_request", f"{path!r}: {why}")
        full = os.path.join(self._root, path)
        if kind == "deleted":
            if self._manifest is not None:
                self._manifest.pop(path, None)
            if self._is_real(os.path.dirname(path)):
                self._remove(full)
                self._prune(os.path.dirname(path))
                self._made = {""}
            return
        self._parents(os.path.dirname(path) if kind != "directory" else path)
        self._left = size
        if kind == "directory":
            return
        if os.path.lexists(full):
            self._remove(full)
            self._made = {""}
        if kind == "file":
            self._hash = blake2b(digest_size=32)
            self._fd = os.open(full, _NEW_FILE, 0o755 if executable else 0o644)

    def _end(self, path: str, kind: str, executable: bool, size: int) -> None:
        if kind == "file":
            self.close()
            if self._manifest is not None:
                self._manifest[path] = (kind, executable, size, self._hash.digest())
        elif kind == "symlink":
            target = bytes(self._link)
            self._link.clear()
            os.symlink(target, os.fsencode(os.path.join(self._root, path)))
            if self._manifest is not None:
                self._manifest[path] = fingerprint(kind, False, target)

    def _parents(self, path: str) -> None:
        if path in self._made:
            return
        self._parents(os.path.dirname(path))
        full = os.path.join(self._root, path)
        try:
            if not stat.S_ISDIR(os.lstat(full).st_mode):
                os.unlink(full)
                os.mkdir(full)
        except FileNotFoundError:
            os.mkdir(full)
        self._made.add(path)

    def _is_real(self, path: str) -> bool:
        """True when `path` is reached through real directories only."""
        while path:
            try:
                if not stat.S_ISDIR(os.lstat(os.path.join(self._root, path)).st_mode):
                    return False
            except (FileNotFoundError, NotADirectoryError):
                return False
            path = os.path.dirname(path)
        return True

    def _remove(self, full: str) -> None:
        if not os.path.lexists(full):
            return
        if stat.S_ISDIR(os.lstat(full).st_mode):
            clear(full)
            os.rmdir(full)
        else:
            os.unlink(full)

    def _prune(self, path: str) -> None:
        """Removes directories that became empty, as git has none."""
        while path:
            try:
                os.rmdir(os.path.join(self._root, path))
            except OSError:
                return
            path = os.path.dirname(path)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def walk(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every file and symlink below `root`, sorted within its directory, with its lstat; nothing named `.git`."""
    todo = [""]
    while todo:
        relative = todo.pop()
        directory = os.path.join(root, relative)
        try:
            names = sorted(os.listdir(directory))
        except PermissionError:
            os.chmod(directory, stat.S_IMODE(os.lstat(directory).st_mode) | 0o700)
            names = sorted(os.listdir(directory))
        for name in names:
            if is_git_name(name):
                continue
            path = os.path.join(relative, name)
            try:
                status = os.lstat(os.path.join(root, path))
            except FileNotFoundError:
                continue  # a command is at work
            if stat.S_ISDIR(status.st_mode):
                todo.append(path)
            elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                yield path, status


def open_regular(path: str) -> int:
    """A descriptor of a file, not following a symlink; an owner's own lack of read permission is no obstacle."""
    try:
        return os.open(path, _READ_FILE)
    except PermissionError:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        os.chmod(path, mode | 0o400)
        try:
            return os.open(path, _READ_FILE)
        finally:
            os.chmod(path, mode)


def read_all(fd: int, limit: int) -> bytes:
    """What is left in `fd`. Refused `too_large` beyond `limit` bytes."""
    parts = []
    size = 0
    while part := os.read(fd, _CHUNK):
        size += len(part)
        if size > limit:
            raise Refused("too_large", f"larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _hashed(fd: int, executable: bool) -> Fingerprint:
    """A file's fingerprint without holding its content."""
    hashed = blake2b(digest_size=32)
    size = 0
    while part := os.read(fd, _CHUNK):
        size += len(part)
        hashed.update(part)
    return "file", executable, size, hashed.digest()


def changes(
    root: str, manifest: dict[str, Fingerprint], max_bytes: int, max_files: int
) -> Iterator[tuple[list[Any], bytes] | None]:
    """What differs from `manifest`, as (entry, content); None after each file that does not, to let others work.

    Refused `changes_too_large` beyond the limits.
    """
    seen = set()
    files, room = 0, max_bytes
    for path, status in walk(root):
        kind = "symlink" if stat.S_ISLNK(status.st_mode) else "file"
        executable = kind == "file" and bool(status.st_mode & 0o100)
        try:
            content = _content(os.path.join(root, path), kind, executable, manifest.get(path), status.st_size, room)
        except Refused:
            raise Refused("changes_too_large", f"the changes exceed {max_bytes} bytes, at {path!r}") from None
        if content is None:
            continue  # removed since the walk saw it
        seen.add(path)
        if content is _UNCHANGED:
            yield None
            continue
        files += 1
        room -= len(content)
        if room < 0:
            raise Refused("changes_too_large", f"the changes exceed {max_bytes} bytes, at {path!r}")
        if files > max_files:
            raise Refused("changes_too_large", f"more than {max_files} files changed")
        yield [path, kind, executable, len(content)], content
    for path in sorted(manifest.keys() - seen):
        files += 1
        if files > max_files:
            raise Refused("changes_too_large", f"more than {max_files} files changed")
        yield [path, "deleted", False, 0], b""


_UNCHANGED = bytes(bytearray(b"unchanged"))  # compared by identity: an object of its own


def _content(full: str, kind: str, executable: bool, old: Fingerprint | None, size: int, room: int) -> bytes | None:
    """A path's new content, `_UNCHANGED`, or None when it is gone. Refused beyond `room` bytes."""
    try:
        if kind == "symlink":
            content = os.fsencode(os.readlink(full))
            return _UNCHANGED if old == fingerprint(kind, False, content) else content
        fd = open_regular(full)
    except FileNotFoundError:
        return None
    try:
        # A large file of the original tree is compared without being held; any other must fit the caller's limit.
        if size > room and old is not None and old[2] == size:
            if _hashed(fd, executable) == old:
                return _UNCHANGED
            os.lseek(fd, 0, os.SEEK_SET)
        content = read_all(fd, room)
    finally:
        os.close(fd)
    return _UNCHANGED if old == fingerprint(kind, executable, content) else content
