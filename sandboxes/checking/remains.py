"""Remains: a closed box leaves nothing, and what nobody closed is found by the sweep. No other box is touched."""

from __future__ import annotations

import threading
import time
from collections.abc import Container
from dataclasses import replace
from pathlib import Path

from ..contract import Box, BoxLost, SandboxError
from .ground import Ground, gone
from .killing import alive, mark
from .registry import Book, require

checks = Book("remains")


class AllBut(Container[str]):
    """Keeps every box but those named: a check must never sweep away what others work in."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __contains__(self, name: object) -> bool:
        return name not in self._names


def outside(marked: str) -> int:
    """Processes of this machine with the mark in their arguments: those of its boxes too, where it can see them."""
    found = 0
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += marked.encode() in file.read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile
    return found


def occupied(box: Box) -> tuple[str, threading.Thread]:
    """Has a box run marked processes: the mark, and the thread that waits for them."""
    marked = mark()

    def hold() -> None:
        try:
            box.run(["sh", "-c", f"setsid sleep {marked} & sleep {marked}; wait"], timeout=120)
        except BoxLost:
            return  # as it must

    thread = threading.Thread(target=hold, name="check-occupied", daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while alive(box, marked) < 2:
        require(time.monotonic() < deadline, "the probe in the box does not start")
    return marked, thread


@checks("a closed box leaves no process")
def close(ground: Ground) -> str:
    with ground.new() as box:
        marked, thread = occupied(box)
        seen = outside(marked)
        began = time.monotonic()
        box.close()
        took = time.monotonic() - began
        thread.join(10)
        require(not thread.is_alive(), "who waits for a command of a closed box waits for ever")
        deadline = time.monotonic() + 5
        while outside(marked) and time.monotonic() < deadline:
            time.sleep(0.05)  # processes of a box are nobody's children here: the machine tells of no end of theirs
        require(outside(marked) == 0, f"{outside(marked)} processes live on")
        require(gone(box), "it still runs commands")
        require(ground.backend.attach(box.name) is None, "it can still be attached to")
    where = "seen from here before, gone after" if seen else "its processes cannot be seen from here; its name is free"
    return f"{where}; closed in {took * 1000:.0f} ms"


@checks("the sweep removes what outlived its lifetime, and says so")
def reap(ground: Ground) -> str:
    name = ground.name()
    spec = replace(ground.spec, lifetime_s=ground.short_life(5.0))
    with ground.new() as bystander:
        abandoned = ground.backend.create(spec, name=name, labels={"forgehand": "check"})
        marked, thread = occupied(abandoned)
        thread.join(spec.lifetime_s + 20)
        require(not thread.is_alive(), "its command outlives it")
        time.sleep(1)  # the box ended its command by its own clock, the sweep goes by this one
        removed = ground.backend.reap(lambda: AllBut(name))
        require(name in removed, f"the sweep removed {list(removed)} and not the abandoned box")
        require(outside(marked) == 0, "its processes live on")
        require(name not in ground.backend.reap(lambda: AllBut(name)), "a second sweep removes it again")
        abandoned.close()  # by an owner who comes back to it: of no effect
        require(
            bystander.run(["echo", "ok"], timeout=20).stdout == b"ok\n", "the sweep ended a box that was to be kept"
        )
        try:
            with ground.backend.create(ground.spec, name=name) as again:
                require(again.run(["true"], timeout=30).exit_code == 0, "a new box of its name does not work")
        except SandboxError as error:
            require(False, f"its name is not free: {error}")
    return "removed once, its name free, another box spared"
