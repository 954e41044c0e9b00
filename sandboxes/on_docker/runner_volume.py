"""The runner on an engine: a volume named by its content, filled once, mounted read-only in every box."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .container import DEADLINE, OWNER, PREFIX, RUNNER
from .engine import Engine, tar_of
from .faults import Refused, Trouble

Files = Mapping[str, tuple[bytes, int]]
"""Paths in the volume, each with content and mode."""
RUNNERS = f"{PREFIX}runner"
"""The label of these volumes."""
KEPT_S = 14 * 86400.0
"""How old one gets before a sweep removes it: it is put there again where that was wrong."""
FILLS = f"{PREFIX}fills"
"""The label of a container that fills a volume and never runs; its value is the volume's name."""
_COMPLETE = "complete"
_PATIENCE_S = 120.0
_LOOK_S = 0.1


def volume_name(files: Files) -> str:
    digest = hashlib.sha256()
    for path, (content, mode) in sorted(files.items()):
        digest.update(b"%s\0%o\0%d\0" % (path.encode(), mode, len(content)))
        digest.update(content)
    return f"forgehand-runner-{digest.hexdigest()[:12]}"


def fill(engine: Engine, owner: str, image: str, files: Files) -> tuple[str, bool]:
    """The volume with these files, and whether they were not there and had to be put. `image`: any the engine has.

    Refused. The engine can put files only into a container. That one's name is the lock: of several workers, one fills.
    """
    volume = volume_name(files)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            engine.make_volume(volume, {RUNNERS: "1"})
            container = engine.make(_filler(volume, owner, image), f"forgehand-fill-{volume.rpartition('-')[2]}")
            try:
                missing = not engine.has(container, f"{RUNNER}/{_COMPLETE}")
                if missing:
                    engine.put(container, RUNNER, tar_of(files))
                    engine.put(container, RUNNER, tar_of({_COMPLETE: (b"", 0o444)}))
            finally:
                engine.remove(container)
            return volume, missing
        except Refused as refused:
            # Another worker fills it, or a sweep has taken the container for a remnant.
            if refused.trouble not in (Trouble.NAME_TAKEN, Trouble.GONE) or time.monotonic() > deadline:
                raise
        _remove_stale(engine, volume)
        time.sleep(_LOOK_S)  # the engine tells nobody when another worker has filled a volume


def remove_old(engine: Engine, now: float, *, only: str | None = None) -> list[str]:
    """Removes the runners of versions gone by, which no container has any more; the names of those removed.

    `now` in seconds since 1970; `only`: the one name to look at. Refused.
    """
    removed = []
    for volume in engine.idle_volumes(RUNNERS):
        made = datetime.fromisoformat(volume["CreatedAt"]).timestamp()
        if now - made > KEPT_S and only in (None, volume["Name"]):
            engine.remove_volume(volume["Name"])
            removed.append(volume["Name"])
    return removed


def _remove_stale(engine: Engine, volume: str) -> None:
    """Removes the container of a worker that died while it filled."""
    for found in engine.containers([f"{FILLS}={volume}"]):
        if float(found["Labels"].get(DEADLINE) or 0) < time.time():
            engine.remove(found["Id"])


def _filler(volume: str, owner: str, image: str) -> dict[str, Any]:
    return {
        "Image": image,
        "Entrypoint": ["/never-runs"],
        "Cmd": [],
        "Labels": {OWNER: owner, FILLS: volume, DEADLINE: f"{time.time() + _PATIENCE_S / 2:.0f}"},
        "HostConfig": {
            "NetworkMode": "none",
            "Mounts": [
                {"Type": "volume", "Source": volume, "Target": RUNNER, "VolumeOptions": {"NoCopy": True}},
            ],
        },
    }
