"""Operations on files: each is a generator of answer parts that gives way (None) between files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from .workspace import Fingerprint, Intake, Refused, changes, open_regular, read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Part = tuple[dict[str, Any], bytes]

_BATCH_ENTRIES = 256
_BATCH_BYTES = 1 << 20
_BATCH_PATHS = 128 << 10  # a byte of a path may take six in JSON, and a header holds 1 MiB


class Place:
    """The workspace, its manifest, the home, and which paths a request may name."""

    def __init__(self, workspace: str, *, everywhere: bool, home: str = "") -> None:
        self.workspace = workspace
        self.manifest: dict[str, Fingerprint] = {}
        self._everywhere = everywhere
        self._home = home

    def tree(self, header: dict[str, Any]) -> tuple[str, dict[str, Fingerprint]]:
        """The directory a request is about (`of`: the workspace, or "home") and what it is compared with. Refused."""
        if header.get("of", "workspace") == "workspace":
            return self.workspace, self.manifest
        if header["of"] != "home" or not os.path.isdir(self._home):
            raise Refused("bad_request", "changes are of the workspace or of a home that exists")
        return self._home, {}

    def intake(self, header: dict[str, Any]) -> Intake:
        """What takes changes in; as `baseline` they count as part of the tree from then on."""
        root, manifest = self.tree(header)
        return Intake(root, manifest if header.get("baseline") else None)

    def resolve(self, path: str) -> str:
        """The real path a request means. `/work` is the workspace, wherever it is; relative paths start there.

        Refused `denied` when the box has no walls and the path leads out of the workspace, by a symlink too.
        """
        if "\0" in path:
            raise Refused("bad_request", "the path holds a NUL")
        if path == "/work" or path.startswith("/work/"):
            path = path[6:] or "."
        full = os.path.normpath(os.path.join(self.workspace, path))
        if self._everywhere:
            return full
        real = os.path.realpath(full)
        if real != self.workspace and not real.startswith(self.workspace + "/"):
            raise Refused("denied", f"{path!r} leads out of the workspace, and this box has no walls")
        return real


def read(place: Place, header: dict[str, Any], _: bytes) -> Iterator[Part | None]:
    path = os.path.realpath(place.resolve(header["path"]))
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(21, "is a directory", header["path"])
    if not stat.S_ISREG(status.st_mode):
        raise Refused("denied", f"{header['path']!r} is neither a file nor a directory")
    fd = open_regular(path)
    try:
        content = read_all(fd, header["limit"])
    finally:
        os.close(fd)
    yield {}, content


def write(place: Place, header: dict[str, Any], body: bytes) -> Iterator[Part | None]:
    path = place.resolve(header["path"])
    if os.path.isdir(path):
        raise IsADirectoryError(21, "is a directory", header["path"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Written beside and renamed: a program sees the old file or the new one, and a full disk leaves the old.
    beside = f"{path[: path.rindex('/')]}/.writing-{header['id']}"
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        with open(fd, "wb") as file:
            file.write(body)
            os.fchmod(file.fileno(), 0o755 if header["executable"] else 0o644)
        os.rename(beside, os.path.realpath(path))
    except BaseException:
        os.unlink(beside)
        raise
    yield None


def list_directory(place: Place, header: dict[str, Any], _: bytes) -> Iterator[Part | None]:
    directory = place.resolve(header["path"])
    names = sorted(os.listdir(directory))
    found = []
    for name in names[: header["limit"]]:
        try:
            status = os.lstat(os.path.join(directory, name))
        except FileNotFoundError:
            continue
        found.append([name, _kind(status.st_mode), status.st_size])
        if len(found) == _BATCH_ENTRIES:
            yield {"entries": found}, b""
            found = []
    yield {"entries": found, "truncated": len(names) > header["limit"]}, b""


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "symlink" if stat.S_ISLNK(mode) else "other"


def get_changes(place: Place, header: dict[str, Any], _: bytes) -> Iterator[Part | None]:
    entries: list[Any] = []
    contents: list[bytes] = []
    size = names = 0
    for change in changes(*place.tree(header), header["max_bytes"], header["max_files"]):
        if change is None:
            yield None
            continue
        entry, content = change
        entries.append(entry)
        contents.append(content)
        size += len(content)
        names += len(entry[0])
        if len(entries) == _BATCH_ENTRIES or size >= _BATCH_BYTES or names >= _BATCH_PATHS:
            yield {"entries": entries}, b"".join(contents)
            entries, contents, size, names = [], [], 0, 0
    yield {"entries": entries}, b"".join(contents)


OPERATIONS: dict[str, Callable[[Place, dict[str, Any], bytes], Iterator[Part | None]]] = {
    "read": read,
    "write": write,
    "list": list_directory,
    "get_changes": get_changes,
}

_CODES = (
    (FileNotFoundError, "not_found"),
    (IsADirectoryError, "is_directory"),
    (NotADirectoryError, "not_directory"),
    (PermissionError, "denied"),
    (OSError, "os"),
)


def error_code(error: Exception) -> tuple[str, str]:
    """The code and the sentence with which a request is refused."""
    if isinstance(error, Refused):
        return error.code, str(error)
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code, str(error)
    return "bad_request", f"{type(error).__name__}: {error}"
