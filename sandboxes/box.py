"""A Box over a channel: the contract's calls as requests, and the answers checked before anyone sees them."""

from __future__ import annotations

import builtins
import errno
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO, Self

from . import snapshots
from .channel import Channel, Failure, Part
from .contract import (
    CHANGES_MAX_BYTES,
    CHANGES_MAX_FILES,
    LIST_LIMIT,
    NO_NAMES,
    OUTPUT_LIMIT,
    READ_LIMIT,
    SAVED_MAX_BYTES,
    SAVED_MAX_FILES,
    WORKSPACE,
    ChangeSet,
    ChangesTooLarge,
    CommandResult,
    Entry,
    Isolation,
    Listing,
    SandboxError,
)
from .inside.frames import PAYLOAD_LIMIT, Frame, ProtocolError
from .line import ChannelLine
from .machine import this_machine
from .trees import change_items, parts, read_changes, tar_items

FILE_PATIENCE_S = 60.0
"""How long a file operation may stay without a sign of life before the box counts as lost."""
KILL_PATIENCE_S = 30.0
"""The same for a command, beyond its timeout: the runner gives its supervisors 15 s to kill a tree."""


class ChannelBox:
    """The one implementation of `contract.Box`. Backends differ in the channel and in `end`, which destroys the box."""

    def __init__(
        self,
        name: str,
        isolation: Isolation,
        channel: Channel,
        end: Callable[[], None],
        *,
        machine: str | None = None,
        gpus: Sequence[str] = (),
    ) -> None:
        """`machine`: None for a box of this one. `gpus`: its devices, where the backend knows them."""
        self._name = name
        self._machine = machine
        self._gpus = tuple(gpus)
        self._isolation: Isolation = isolation
        self._channel = channel
        self._end = end

    @property
    def name(self) -> str:
        return self._name

    @property
    def isolation(self) -> Isolation:
        return self._isolation

    @property
    def machine(self) -> str:
        return self._machine or this_machine()

    @property
    def gpus(self) -> tuple[str, ...]:
        return self._gpus

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str = WORKSPACE,
        timeout: float,
        env: Mapping[str, str] = NO_NAMES,
        stdin: bytes = b"",
        output_limit: int = OUTPUT_LIMIT,
    ) -> CommandResult:
        if isinstance(argv, str) or not argv:
            raise ValueError("argv must be a non-empty sequence of strings")
        if not 0 < timeout < float("inf"):
            raise ValueError(f"timeout must be a positive number of seconds, not {timeout!r}")
        fields = {
            "argv": builtins.list(argv),
            "cwd": cwd,
            "env": dict(env),
            "timeout": timeout,
            "output_limit": output_limit,
        }
        header, body = self._ask("run", fields, stdin, cwd, 2 * output_limit, patience=timeout + KILL_PATIENCE_S)
        with self._distrust():
            return _result(header, body, output_limit)

    def read(self, path: str, *, limit: int = READ_LIMIT) -> bytes:
        return self._ask("read", {"path": path, "limit": limit}, b"", path, limit)[1]

    def write(self, path: str, data: bytes, *, executable: bool = False) -> None:
        self._ask("write", {"path": path, "executable": executable}, data, path, 0)

    def list(self, path: str = ".", *, limit: int = LIST_LIMIT) -> Listing:
        prefix = "" if path in (".", WORKSPACE) else path.removeprefix(WORKSPACE + "/").rstrip("/") + "/"
        entries: builtins.list[Entry] = []
        truncated = False
        for frame in self._frames("list", {"path": path, "limit": limit}, [({}, b"")], path):
            with self._distrust():
                entries.extend(_listed(frame.header, prefix))
                truncated = truncated or frame.header.get("truncated") is True
                if len(entries) > limit:
                    raise ProtocolError("more entries than were asked for")
        return Listing(tuple(entries), truncated)

    def put_tree(self, tar: BinaryIO | bytes) -> None:
        for _ in self._frames("put_tree", {}, parts(tar_items(tar)), "."):
            pass

    def get_changes(self, *, max_bytes: int = CHANGES_MAX_BYTES, max_files: int = CHANGES_MAX_FILES) -> ChangeSet:
        frames = self._frames("get_changes", {"max_bytes": max_bytes, "max_files": max_files}, [({}, b"")], ".")
        with self._distrust():
            return read_changes(frames, max_bytes, max_files)

    def apply_changes(self, changes: ChangeSet) -> None:
        for _ in self._frames("apply_changes", {}, parts(change_items(changes)), "."):
            pass

    def save(self, to: BinaryIO, *, max_bytes: int = SAVED_MAX_BYTES) -> None:
        limits = {"max_bytes": max_bytes, "max_files": SAVED_MAX_FILES}
        left = max_bytes
        for place in snapshots.PLACES:
            frames = self._frames("get_changes", {"of": place, **limits}, [({}, b"")], place)
            with self._distrust():
                left -= snapshots.write(place, frames, to, max_bytes=left)

    def restore(self, saved: BinaryIO) -> None:
        try:
            for place, kept in snapshots.read(saved):
                for _ in self._frames("apply_changes", {"of": place, "baseline": True}, kept, place):
                    pass
        except ProtocolError as error:
            raise SandboxError("what was saved cannot be restored", str(error), "Remove it and set up anew") from None

    def listen(self, port: int) -> ChannelLine:
        return ChannelLine(self._channel, self._name, port)

    def close(self) -> None:
        self._channel.lose("it was closed")
        self._end()
        self._channel.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _ask(
        self, op: str, fields: dict[str, Any], body: bytes, path: str, limit: int, *, patience: float = FILE_PATIENCE_S
    ) -> tuple[dict[str, Any], bytes]:
        """One answer: its first header and its whole body, of at most `limit` bytes."""
        header: dict[str, Any] | None = None
        answer = bytearray()
        for frame in self._frames(op, fields, _body_parts(body), path, patience=patience):
            header = frame.header if header is None else header
            answer += frame.payload
            if len(answer) > limit:
                raise self._channel.lose("it answered with more than was asked for")
        return header or {}, bytes(answer)

    def _frames(
        self, op: str, fields: dict[str, Any], body: Iterable[Part], path: str, *, patience: float = FILE_PATIENCE_S
    ) -> Iterator[Frame]:
        try:
            yield from self._channel.call(op, fields, body, patience=patience)
        except Failure as failure:
            raise _translated(failure, path) from None

    @contextmanager
    def _distrust(self) -> Iterator[None]:
        """An answer that breaks the rules costs the box: whoever speaks there is not our runner any more."""
        try:
            yield
        except ProtocolError as error:
            raise self._channel.lose(f"its answer breaks the protocol: {error}") from None


def _body_parts(body: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    for start in range(0, len(body) or 1, PAYLOAD_LIMIT):
        yield {}, body[start : start + PAYLOAD_LIMIT]


def _translated(failure: Failure, path: str) -> Exception:
    """The contract's exception for a refusal."""
    match failure.code:
        case "not_found":
            return FileNotFoundError(errno.ENOENT, "no such file or directory in the box", path)
        case "is_directory":
            return IsADirectoryError(errno.EISDIR, "is a directory in the box", path)
        case "not_directory":
            return NotADirectoryError(errno.ENOTDIR, "is not a directory in the box", path)
        case "changes_too_large":
            return ChangesTooLarge(
                "the changes are too large",
                str(failure),
                "Remove generated files, or raise the limit",
            )
    return SandboxError("the box refused", f"{failure} ({failure.code}, {path!r})")


def _whole(header: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = header.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ProtocolError(f"{name} is {value!r}")
    return value


def _flag(header: Mapping[str, Any], name: str) -> bool:
    value = header.get(name)
    if not isinstance(value, bool):
        raise ProtocolError(f"{name} is {value!r}")
    return value


def _result(header: Mapping[str, Any], body: bytes, output_limit: int) -> CommandResult:
    timed_out = _flag(header, "timed_out")
    seconds = header.get("seconds")
    if not isinstance(seconds, float) or not 0 <= seconds < float("inf"):
        raise ProtocolError(f"seconds is {seconds!r}")
    kept = _whole(header, "stdout_kept", 0, len(body))
    if kept > output_limit or len(body) - kept > output_limit:
        raise ProtocolError("more output than was asked for")
    return CommandResult(
        exit_code=None if timed_out else _whole(header, "exit_code", -64, 255),
        stdout=body[:kept],
        stderr=body[kept:],
        truncated=_flag(header, "truncated"),
        timed_out=timed_out,
        oom=_flag(header, "oom"),
        seconds=seconds,
        stdout_bytes=_whole(header, "stdout_bytes", kept, 1 << 62),
        stderr_bytes=_whole(header, "stderr_bytes", len(body) - kept, 1 << 62),
    )


def _listed(header: Mapping[str, Any], prefix: str) -> Iterator[Entry]:
    raw = header.get("entries")
    if not isinstance(raw, builtins.list):
        raise ProtocolError("entries is not a list")
    for item in raw:
        match item:
            case [str(name), "file" | "directory" | "symlink" | "other" as kind, int(size)] if size >= 0:
                if "/" in name or "\0" in name or name in ("", ".", ".."):
                    raise ProtocolError(f"{name[:200]!r} is no name")
                yield Entry(prefix + name, kind, size)
            case _:
                raise ProtocolError("an entry is not [name, kind, size]")
