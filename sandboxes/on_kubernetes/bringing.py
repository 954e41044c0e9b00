"""A Python for images that have none: cut into pieces that ConfigMaps hold, joined in each pod by its image's shell.

The porch joins them, in a filesystem that the box can only read; everything that is started there waits until all of
it lies there. Of the image this takes `sh`, `cat`, `mkdir` and `chmod` as POSIX has them, and `sleep` where something
has to wait: `tar` and `dd` are missing from many small images, and what a shell reads from a pipe it cannot count.
Nothing here asks a cluster.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from .. import interpreter
from ..interpreter import Files

PLACE = "/run/forgehand-python"
"""Where it lies joined, and beside it where its pieces are mounted."""
PARTS = "/run/forgehand-parts"
_COMPLETE = f"{PLACE}/complete"
_JOIN = "join"
_PIECE = 1_000_000
_SCRIPT = 48_000
"""A ConfigMap holds 1 MiB: pieces of one file or several, and in the first one the script too."""
_OWN = ("python3",)
_AWAIT = f'until [ -e {_COMPLETE} ]; do sleep 1; done; exec "$@"'
_ROOM_EACH, _ROOM = 1 << 16, 1 << 20
"""A file fills whole pages, of up to 64 KiB on some processors; folders and the filesystem itself take some too."""


class Python(Enum):
    """Which one starts the runner in a pod: that of its image, or the one that is brought along."""

    OWN = "own"
    BROUGHT = "brought"

    def command(self, *arguments: str) -> list[str]:
        """What starts it with these arguments, in any container of the pod and at any time."""
        if self is Python.OWN:
            return [*_OWN, "-I", "-S", *arguments]
        return ["sh", "-c", _AWAIT, "sh", *interpreter.start(PLACE), "-I", "-S", *arguments]

    def porch_command(self, *arguments: str) -> list[str]:
        """The same for process 1 of the porch, which puts it there first, where it is brought."""
        if self is Python.OWN:
            return self.command(*arguments)
        join = f'. {PARTS}/0/{_JOIN}; exec "$@"'
        return ["sh", "-ec", join, "sh", *interpreter.start(PLACE), "-I", "-S", *arguments]


def cut(files: Files, *, piece: int = _PIECE) -> list[dict[str, bytes]]:
    """What the ConfigMaps hold that are mounted at `PARTS`/0, /1 and so on: equal for equal files. ValueError.

    `piece`: bytes of files in each, at most.
    """
    parts: list[dict[str, bytes]] = [{}]
    pieces: dict[str, list[str]] = {}
    room = piece
    for number, (path, (content, _)) in enumerate(sorted(files.items())):
        key, view = f"{number:03}", memoryview(content)
        pieces[path] = []
        while view or not pieces[path]:
            if room == 0:
                parts.append({})
                room = piece
            taken, view = bytes(view[:room]), view[room:]
            parts[-1][key] = taken
            pieces[path].append(f"{PARTS}/{len(parts) - 1}/{key}")
            room -= len(taken)
    script = _script(files, pieces).encode()
    if len(script) > _SCRIPT:
        raise ValueError(f"{len(files)} files are more than a ConfigMap can list")
    parts[0][_JOIN] = script
    return parts


def space(files: Files) -> int:
    """Bytes of a filesystem that holds the files."""
    return sum(len(content) + _ROOM_EACH for content, _ in files.values()) + _ROOM


def architecture(machine: str) -> str:
    """What Kubernetes calls in a node's label kubernetes.io/arch what uname(2) calls `machine`."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def python_of(pod: Mapping[str, Any]) -> Python:
    """Which Python a pod was made for: its containers say it, in what they start."""
    commands = [one.get("command") or [""] for one in (pod.get("spec") or {}).get("containers") or ()]
    return Python.BROUGHT if any(command[0] == "sh" for command in commands) else Python.OWN


def _script(files: Files, pieces: Mapping[str, Sequence[str]]) -> str:
    folders = sorted({posixpath.dirname(path) for path in files})
    programs = sorted(path for path, (_, mode) in files.items() if mode & 0o111)
    lines = ["umask 022", "mkdir -p " + _placed(folders)]
    lines += [f"cat {' '.join(pieces[path])} > {_placed([path])}" for path in sorted(files)]
    if programs:
        lines.append(f"chmod 555 {_placed(programs)}")
    return "\n".join([*lines, f": > {_COMPLETE}", ""])


def _placed(paths: Sequence[str]) -> str:
    return " ".join(shlex.quote(posixpath.join(PLACE, path)) for path in paths)
