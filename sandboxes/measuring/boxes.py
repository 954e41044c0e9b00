"""Times of single boxes: from nothing to the first command, a command more, trees in and changes out."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence

from ..contract import Backend, Box, SandboxError, SandboxSpec
from ..pool import WarmPool
from ..trees import tar_of
from .spread import middle

MIB = 1 << 20
_PATIENCE_S = 120.0
_PROGRAMS = ("/bin/true", "/usr/bin/true")
_OWN_RUNS = 200
_TREE_FILES, _FILE_BYTES = 32, MIB


def new_name() -> str:
    return f"bench-{os.getpid()}-{secrets.token_hex(4)}"


def must(box: Box, argv: Sequence[str]) -> float:
    """Runs a command that must succeed: the seconds its caller waited. SandboxError."""
    began = time.monotonic()
    result = box.run(argv, timeout=_PATIENCE_S)
    took = time.monotonic() - began
    if result.exit_code != 0:
        raise SandboxError(f"{argv[0]} failed in the box", result.stderr.decode(errors="replace")[-300:])
    return took


def idle_program(box: Box) -> str:
    """A program of the image that does nothing: no builtin, a process is started for it. SandboxError."""
    for path in _PROGRAMS:
        if box.run([path], timeout=_PATIENCE_S).exit_code == 0:
            return path
    raise SandboxError("nothing to run", f"the image has none of {', '.join(_PROGRAMS)}", "Choose another --image")


def own_time(box: Box, program: str) -> float:
    """Seconds the program itself takes in this box: 200 runs by one shell, measured inside, through 200."""
    script = f"i=0; while [ $i -lt {_OWN_RUNS} ]; do {program}; i=$((i+1)); done"
    seconds = []
    for _ in range(3):
        result = box.run(["/bin/sh", "-ec", script], timeout=_PATIENCE_S)
        if result.exit_code != 0:
            raise SandboxError(
                "the program's own time cannot be measured", result.stderr.decode(errors="replace")[-300:]
            )
        seconds.append(result.seconds / _OWN_RUNS)
    return min(seconds)


def first_command(backend: Backend, spec: SandboxSpec, program: str) -> float:
    """Seconds from asking for a box to the answer of its first command. Its end is not counted."""
    began = time.monotonic()
    with backend.create(spec, name=new_name()) as box:
        must(box, [program])
        return time.monotonic() - began


def throughput(box: Box, rounds: int) -> tuple[float, float]:
    """MB/s of a tree of 32 MiB in 32 files put in, and of the same amount of changes taken out: the medians."""
    files = {f"f{n:02}": os.urandom(_FILE_BYTES) for n in range(_TREE_FILES)}
    tar = tar_of(files)
    total = _TREE_FILES * _FILE_BYTES / 1e6
    put, got = [], []
    for _ in range(rounds):
        began = time.monotonic()
        box.put_tree(tar)
        put.append(time.monotonic() - began)
        box.put_tree(tar_of({}))
        must(box, ["/bin/sh", "-ec", f"i=0; while [ $i -lt {_TREE_FILES} ]; do {_FILL}; i=$((i+1)); done"])
        began = time.monotonic()
        found = box.get_changes(max_bytes=2 * _TREE_FILES * _FILE_BYTES)
        got.append(time.monotonic() - began)
        if sum(len(change.content) for change in found.values()) != _TREE_FILES * _FILE_BYTES:
            raise SandboxError("the changes are not what was written", f"{len(found)} files")
    return total / middle(put), total / middle(got)


_FILL = f"head -c {_FILE_BYTES} /dev/urandom > f$i"


def warm_claims(
    backend: Backend, spec: SandboxSpec, program: str, rounds: int, told: Callable[[int], None], size: int = 2
) -> list[float]:
    """Seconds from claiming a box of a full pool to the answer of its first command, each with a full pool again.

    SandboxError when the pool does not fill, or a claim was not served from it.
    """
    pool = WarmPool(backend, size, f"{new_name()}-warm-")
    seconds = []
    try:
        pool.claim(spec, name=new_name()).close()  # tells the pool what is wanted
        for done in range(rounds):
            _await_full(pool, size)
            began = time.monotonic()
            with pool.claim(spec, name=new_name()) as box:
                must(box, [program])
                seconds.append(time.monotonic() - began)
            told(done + 1)
        if pool.counts().hits != rounds:
            raise SandboxError("claims were not served by the pool", f"{pool.counts()}")
    finally:
        pool.close()
    return seconds


def _await_full(pool: WarmPool, size: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while pool.counts().ready < size:
        if time.monotonic() > deadline or pool.counts().failures:
            raise SandboxError("the pool of warm boxes does not fill", f"{pool.counts()}")
        time.sleep(0.01)  # not timed: a pool tells a claim, and nobody else, that a box is ready
