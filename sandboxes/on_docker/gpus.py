"""GPUs lent to one box each. The engine gives a device to whoever asks, so who has it is said by a container that
never runs: its name is the device's, and the engine lets no two have one name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..contract import LimitUnenforceable, SandboxUnavailable
from .container import BOX, DEADLINE, OWNER, PREFIX
from .engine import Engine
from .faults import Refused, Trouble

LENDS = f"{PREFIX}lends"
"""The label of such a container; its value is the device."""
_WHAT_TO_DO = (
    "Install NVIDIA's container toolkit on the engine's machine (nvidia-ctk runtime configure), or use kubernetes"
)


def lock_name(device: str) -> str:
    slug = re.sub(r"[^a-zA-Z0-9_-]", "-", device)[:40]
    return f"forgehand-gpu-{slug}-{hashlib.sha256(device.encode()).hexdigest()[:8]}"


def check_means(info: Mapping[str, Any], devices: Sequence[str]) -> None:
    """LimitUnenforceable when an engine, from its /info, has no GPUs to lend."""
    if "nvidia" not in info.get("Runtimes", {}):
        raise LimitUnenforceable("gpus", "the engine has no NVIDIA runtime", _WHAT_TO_DO)
    if not devices:
        raise LimitUnenforceable("gpus", "no device of the engine may be lent", "Name the devices that boxes may have")


def borrow(
    engine: Engine,
    devices: Sequence[str],
    count: int,
    *,
    box: str,
    owner: str,
    deadline: float,
    image: str,
    give_back: Callable[[str], object],
) -> tuple[str, ...]:
    """`count` of `devices` that no box of this engine has. `give_back` is told each container as it is made.

    SandboxUnavailable when there are not so many; Refused.
    """
    found: list[str] = []
    for device in devices:
        if len(found) == count:
            break
        labels = {OWNER: owner, BOX: box, DEADLINE: f"{deadline:.0f}", LENDS: device}
        body = {"Image": image, "Entrypoint": ["/never-runs"], "Cmd": [], "Labels": labels}
        try:
            give_back(engine.make({**body, "HostConfig": {"NetworkMode": "none"}}, lock_name(device)))
        except Refused as refused:
            if refused.trouble is not Trouble.NAME_TAKEN:
                raise
        else:
            found.append(device)
    if len(found) < count:
        raise SandboxUnavailable(
            f"no box with {count} of this engine's {len(devices)} GPUs", "other boxes have them", "Try again later"
        )
    return tuple(found)
