"""Which machine this is: boxes of one machine share its processors, and are timed one after the other."""

from __future__ import annotations

from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def this_machine() -> str:
    """The same word in every process and every container of this machine, until it is started anew: the id that Linux
    gives to each of its starts (random(4)). OSError where there is none."""
    return BOOT_ID.read_text("ascii").strip()
