"""Many boxes at once, and what memory one of them takes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..contract import Backend, Box, SandboxError, SandboxSpec
from ..machine import BOOT_ID, this_machine
from .boxes import must, new_name

_SETTLE_S = 1.0
_GROUPS = ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory.current")


@dataclass(frozen=True, slots=True)
class Together:
    """`boxes` were asked for at the same moment and kept until all were there, which took `seconds`.

    `first_commands`: of each that was made, seconds to the answer of its first command; `errors`: of the others.
    `memory_mb`: of one box, None where it cannot be known; `memory_how`: how it was measured, or why not.
    """

    boxes: int
    seconds: float
    first_commands: tuple[float, ...]
    errors: tuple[str, ...]
    memory_mb: float | None
    memory_how: str


def together(backend: Backend, spec: SandboxSpec, program: str, boxes: int, told: Callable[[int], None]) -> Together:
    """Has so many boxes made at once, and ended again. What goes wrong with one is part of the answer."""
    made: list[Box] = []
    times: list[float] = []
    errors: list[str] = []
    lock = threading.Lock()
    begin = threading.Barrier(boxes)

    def make() -> None:
        begin.wait()
        began = time.monotonic()
        try:
            box = backend.create(spec, name=new_name())
            with lock:
                made.append(box)
            must(box, [program])
        except Exception as error:
            with lock:
                errors.append(f"{type(error).__name__}: {error}"[:300])
        else:
            with lock:
                times.append(time.monotonic() - began)
                told(len(times))

    with ExitStack() as ends:
        before = available()
        began = time.monotonic()
        with ThreadPoolExecutor(boxes) as pool:
            for future in [pool.submit(make) for _ in range(boxes)]:
                future.result()
        took = time.monotonic() - began
        ends.callback(_close, made)
        memory, how = _memory(made, before)
    return Together(boxes, took, tuple(times), tuple(errors), memory, how)


def _close(made: list[Box]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda box: box.close(), made))


def available() -> int:
    """Bytes of memory this machine could give to programs: MemAvailable of proc(5)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise SandboxError("memory cannot be measured", "/proc/meminfo has no MemAvailable")


def _memory(made: list[Box], before: int) -> tuple[float | None, str]:
    if not made:
        return None, "no box was made"
    if here(made[0]):
        time.sleep(_SETTLE_S)  # the kernel gives memory back, and counts it, in its own time
        taken = max(0, before - available())
        how = f"by how much {len(made)} boxes lower this machine's MemAvailable, through {len(made)}"
        return taken / len(made) / 1e6, how
    inside = [found for box in made if (found := _own_group(box)) is not None]
    if inside:
        return sum(inside) / len(inside) / 1e6, "what the boxes' own memory groups say"
    return None, "the boxes are on another machine, and their memory groups cannot be read inside"


def here(box: Box) -> bool:
    """True when the box is on this machine: its kernel is this one, or an engine of this machine has its own for it."""
    try:
        if box.run(["cat", str(BOOT_ID)], timeout=30).stdout.decode("ascii", "replace").strip() == this_machine():
            return True
    except (OSError, SandboxError):
        return False
    engine = os.environ.get("DOCKER_HOST", "unix:")
    return box.isolation.startswith("docker") and engine.startswith("unix:")


def _own_group(box: Box) -> int | None:
    for path in _GROUPS:
        said = box.run(["cat", path], timeout=30).stdout.strip()
        if said.isdigit():
            return int(said)
    return None
