"""What every sandbox promises, whatever is behind it.

A *box* is one machine-like place with a workspace at `/work` where anything may run. Everything that comes out of a
box is hostile bytes: implementations check paths, kinds and sizes before a value of this module is built.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType, TracebackType
from typing import BinaryIO, Literal, Protocol, Self

WORKSPACE = "/work"
READ_LIMIT = 16 << 20
"""Default bound, in bytes, of one `Box.read`."""
OUTPUT_LIMIT = 1 << 20
"""Default bound, in bytes, of what is kept of each output stream of a command."""
LIST_LIMIT = 2_000
CHANGES_MAX_BYTES = 64 << 20
CHANGES_MAX_FILES = 20_000
SAVED_MAX_BYTES = 2 << 30
SAVED_MAX_FILES = 500_000

Isolation = str
"""What surrounds a box, for people: `bubblewrap`, `docker (runsc)`, `kubernetes (kata)`; `none` when nothing does."""
ChangeKind = Literal["file", "symlink", "deleted"]
EntryKind = Literal["file", "directory", "symlink", "other"]


class SandboxError(Exception):
    """A sandbox could not do what was asked. Says what failed, why, and what to do about it."""

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        self.what, self.why, self.todo = what, why, todo
        super().__init__(": ".join(part for part in (what, why) if part) + (f". {todo}" if todo else ""))


class SandboxUnavailable(SandboxError):
    """No box of this kind can be made on this host."""


class LimitUnenforceable(SandboxError):
    """The host has no means to impose a limit of the spec; `limit` is the field of `SandboxSpec`."""

    def __init__(self, limit: str, why: str, todo: str = "") -> None:
        self.limit = limit
        super().__init__(f"the limit {limit} cannot be enforced", why, todo)


class BoxLost(SandboxError):
    """The machine is gone or does not answer. Rebuild it (`put_tree`, `apply_changes`) and go on."""


class TreeRejected(SandboxError):
    """A tree that must not be unpacked: paths or links that leave it, devices, hard links."""


class ChangesTooLarge(SandboxError):
    """The changes in the workspace exceed the caller's `max_bytes` or `max_files`."""


_TOGETHER = re.compile(r"[a-z0-9]{1,40}")
DESTINATION = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*:[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What a box may use. Every field is a hard limit: a backend enforces it or raises `LimitUnenforceable`.

    `cpus` in cores, sizes in bytes, `processes` counts threads too, `lifetime_s` in seconds from creation.
    `memory_bytes` bounds the memory of the programs; `disk_bytes` bounds each writable filesystem of the box.
    `network`: what may be reached, as `host:port` or `*.domain:port`, through the proxy on the box's loopback and in
    no other way; empty: nothing. `together`: living boxes of one owner that name the same word are on one machine, or
    are not made. `gpus`: how many whole devices. Those with the same word that ask for any have the same ones, which no
    other box has, and one that asks for another number is refused; a box without a word has its own. Where a cluster
    gives them out, its operator sees to that (docs/sandboxes.md), and who must be sure of it compares.
    Raises ValueError for a limit which is not positive and finite, and for a destination of another form.
    """

    image: str | None = None
    cpus: float = 1.0
    memory_bytes: int = 2 << 30
    disk_bytes: int = 4 << 30
    processes: int = 512
    network: tuple[str, ...] = ()
    lifetime_s: float = 3600.0
    gpus: int = 0
    together: str | None = None

    def __post_init__(self) -> None:
        for name in ("cpus", "memory_bytes", "disk_bytes", "processes", "lifetime_s"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
                raise ValueError(f"SandboxSpec.{name} must be a positive finite number, not {value!r}")
        for name in ("memory_bytes", "disk_bytes", "processes"):
            if not isinstance(getattr(self, name), int):
                raise ValueError(f"SandboxSpec.{name} must be a whole number, not {getattr(self, name)!r}")
        for destination in self.network:
            if not DESTINATION.fullmatch(destination):
                raise ValueError(f"SandboxSpec.network: {destination!r} is not of the form host:port or *.domain:port")
        if isinstance(self.gpus, bool) or not isinstance(self.gpus, int) or self.gpus < 0:
            raise ValueError(f"SandboxSpec.gpus must be a whole number, not {self.gpus!r}")
        if self.together is not None and not _TOGETHER.fullmatch(self.together):
            raise ValueError(f"SandboxSpec.together is up to 40 of a-z and 0-9, not {self.together!r}")
        if self.image is not None and (not self.image or "\0" in self.image):
            raise ValueError("SandboxSpec.image must be None or a non-empty name")


LIMITS = tuple(field.name for field in fields(SandboxSpec) if field.name not in ("image", "gpus", "together"))
"""The names `Backend.enforcement` answers for."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended.

    `exit_code` is None when the timeout killed it, negative when a signal did (-9: SIGKILL), 127 or 126 when the
    program was not found or could not be executed (the reason is in `stderr`). `stdout` and `stderr` keep head and
    tail of at most `output_limit` bytes each with a line between them that says how much was left out; `truncated`
    says that happened to either. `stdout_bytes` and `stderr_bytes` are the true totals. `oom`: the box's memory limit
    ended it. `seconds`: wall time inside the box.
    """

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    truncated: bool
    timed_out: bool
    oom: bool
    seconds: float
    stdout_bytes: int
    stderr_bytes: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a path became. `content` is the file's bytes, a symlink's target, or empty for `deleted`."""

    kind: ChangeKind
    executable: bool
    content: bytes


ChangeSet = Mapping[str, FileChange]
"""POSIX paths relative to `/work`; bytes that are not UTF-8 stand as lone surrogates (`os.fsdecode`)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One directory entry; `size` in bytes, of the link itself for a symlink."""

    path: str
    kind: EntryKind
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory's entries, sorted by path; `truncated` when there were more than the limit."""

    entries: Sequence[Entry]
    truncated: bool


NO_NAMES: Mapping[str, str] = MappingProxyType({})


class Line(Protocol):
    """One stream with one program of a box. What comes is hostile bytes. For one thread, but `close` for any.

    Every method raises `BoxLost` when the machine is gone or silent. Times are in seconds.
    """

    def accept(self, timeout: float) -> None:
        """Waits for the program to connect; whoever is first has the line, later ones are dismissed. TimeoutError."""

    def receive(self, timeout: float) -> bytes:
        """The next bytes, at most 256 KiB; empty when the program has closed its end. TimeoutError, and the line is
        still of use. Nothing is taken from the program that was not asked for."""

    def send(self, data: bytes | bytearray | memoryview, timeout: float) -> None:
        """Returns when the program's end has all of it. TimeoutError, which closes the line, ConnectionResetError."""

    def close(self) -> None:
        """Ends the stream. May be called more than once."""


class Box(Protocol):
    """A machine of its own. Safe to use from several threads; independent calls run concurrently.

    Every method raises `BoxLost` when the machine is gone or silent, and `SandboxError` for a refusal.
    Relative paths start at `/work`.
    """

    @property
    def name(self) -> str: ...

    @property
    def isolation(self) -> Isolation:
        """What really surrounds the box; shown to people."""

    @property
    def machine(self) -> str:
        """A word for where the box is: boxes with the same one share processors."""

    @property
    def gpus(self) -> tuple[str, ...]:
        """The names its backend lends its devices by; empty when it has none, or a cluster gave them out."""

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
        """Runs `argv` to its end. A command owns its whole process tree: what it leaves running is killed.

        `timeout` in seconds. `env` is added to the box's own small environment. FileNotFoundError or
        NotADirectoryError when `cwd` is no directory.
        """

    def read(self, path: str, *, limit: int = READ_LIMIT) -> bytes:
        """A regular file's bytes. FileNotFoundError, IsADirectoryError; SandboxError when larger than `limit`."""

    def write(self, path: str, data: bytes, *, executable: bool = False) -> None:
        """Writes a file, replacing one that exists and making missing directories."""

    def list(self, path: str = ".", *, limit: int = LIST_LIMIT) -> Listing:
        """One directory's entries. FileNotFoundError, NotADirectoryError."""

    def put_tree(self, tar: BinaryIO | bytes) -> None:
        """Replaces `/work` by a tar's tree, which `get_changes` then compares with. TreeRejected."""

    def get_changes(self, *, max_bytes: int = CHANGES_MAX_BYTES, max_files: int = CHANGES_MAX_FILES) -> ChangeSet:
        """What differs from the tree of `put_tree`, by content. Everything named `.git` is left out. ChangesTooLarge.

        A symlink's target is returned as found and may point anywhere: do not follow it.
        """

    def apply_changes(self, changes: ChangeSet) -> None:
        """Brings `changes` into the workspace, as when restoring a snapshot after a crash."""

    def save(self, to: BinaryIO, *, max_bytes: int = SAVED_MAX_BYTES) -> None:
        """Writes what differs from the tree of `put_tree`, and the whole home, in a form only `restore` reads.

        Empty directories, pipes, sockets, devices and everything named `.git` are left out. ChangesTooLarge.
        """

    def restore(self, saved: BinaryIO) -> None:
        """Brings in what another box saved and counts it as part of the tree: `get_changes` leaves it out until it is
        changed. SandboxError when the file is damaged."""

    def listen(self, port: int) -> Line:
        """Listens on `port` of the box's loopback, until the box is closed, for one program that is run in it.

        Once a box, and not in one with a `network`, whose proxy listens: SandboxError. In a box without walls of its
        own (isolation none) the loopback is the machine's: let the program show a token first.
        """

    def close(self) -> None:
        """Ends the box and everything in it. May be called more than once."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Backend(Protocol):
    """Makes boxes of one kind."""

    @property
    def name(self) -> str: ...

    def enforcement(self) -> Mapping[str, str]:
        """For each name in `LIMITS`: by what means it is imposed; a limit that is not imposed is missing."""

    def create(self, spec: SandboxSpec, *, name: str, labels: Mapping[str, str] = NO_NAMES) -> Box:
        """Makes a box. The name is its identity: SandboxError when there is a living box of that name.

        SandboxUnavailable, LimitUnenforceable.
        """

    def attach(self, name: str) -> Box | None:
        """The living box of that name, taken over from whoever used it: their calls raise BoxLost and what ran for
        them is killed. None when there is none, or where boxes die with the process that made them."""

    def reap(self, keep: Callable[[], Container[str]]) -> Sequence[str]:
        """Removes what dead or unknown owners left: boxes whose name is not in `keep()`, boxes past their lifetime.

        `keep` is called after the boxes have been listed, so that one made meanwhile is not mistaken for a remnant.
        Returns the names of those removed.
        """
