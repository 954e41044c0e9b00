"""What an engine and its images are like: found out once, and what boxes need put there."""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .. import interpreter, seccomp
from ..contract import SandboxUnavailable
from ..layout import environment
from ..machine import this_machine
from ..package import runner_zip
from .container import Python, Runtime
from .engine import Engine
from .faults import Refused, cannot_make, missing_means
from .runner_volume import Files, fill

_MEMORY = {"1": {"cgroup": "/sys/fs/cgroup/memory"}, "2": {"cgroup": "/sys/fs/cgroup"}}
_OWN_KERNEL = {"meminfo": "/proc/meminfo"}


@dataclass(frozen=True, slots=True)
class Image:
    """`environment`: the whole environment of a command in the box, before what the caller adds."""

    id: str
    environment: Mapping[str, str] = field(repr=False)
    python: Python

    def having(self, python: Python) -> Image:
        return replace(self, python=python)


class Prepared:
    """One engine with one of its runtimes. Thread-safe. SandboxUnavailable, LimitUnenforceable."""

    def __init__(self, engine: Engine, runtime: Runtime, owner: str) -> None:
        self.engine = engine
        self._owner = owner
        try:
            self.info = info = engine.info()
        except Refused as refused:
            raise cannot_make(refused, "") from None
        if error := missing_means(info, runtime.name):
            raise error
        self.cgroups = str(info.get("CgroupVersion", "1"))
        self.machine = this_machine() if engine.local else str(info["ID"])
        self.memory = _OWN_KERNEL if runtime.own_kernel else _MEMORY[self.cgroups]
        self._machine = str(info["Architecture"])
        self.filter = seccomp.program(self._machine, own_kernel=runtime.own_kernel)
        self._lock = threading.Lock()
        self._pythons: dict[str, Python] = {}
        self._volumes: dict[Python, str] = {}

    def image(self, name: str) -> Image:
        """An image by name or id, which is looked at anew: a name may mean another one by now. Refused."""
        found = self.engine.image(name)
        said = (found.get("Config") or {}).get("Env") or []
        own = dict(line.split("=", 1) for line in said if "=" in line)
        return Image(found["Id"], environment(own), self._pythons.get(found["Id"], Python.UNKNOWN))

    def remember(self, image: Image) -> None:
        """Whether an image has a Python for the runner need not be tried again."""
        self._pythons[image.id] = image.python

    def volume(self, image: Image) -> str:
        """The volume with the runner, and with a Python where the image has none. Refused, SandboxUnavailable."""
        with self._lock:
            if image.python not in self._volumes:
                self._volumes[image.python], _ = fill(self.engine, self._owner, image.id, self._files(image.python))
            return self._volumes[image.python]

    def mend(self, image: Image) -> bool:
        """Whether the volume had lost what is in it, as after `docker volume prune`; it is whole again. Refused."""
        with self._lock:
            self._volumes[image.python], filled = fill(self.engine, self._owner, image.id, self._files(image.python))
            return filled

    def _files(self, python: Python) -> Files:
        files = {"runner.zip": (runner_zip(), 0o444)}
        if python is Python.OWN:
            return files
        here = platform.machine()
        if here != self._machine:
            raise SandboxUnavailable(
                "the image has no Python for the runner",
                f"and the one of this process is for {here}, not for the engine's {self._machine}",
                "Use an image with Python 3.9 or later",
            )
        return files | {f"python/{path}": file for path, file in interpreter.bundle().items()}


class NoPython(Exception):
    """The image has no Python, or none that is new enough."""
