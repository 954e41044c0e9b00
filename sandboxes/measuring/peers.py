"""What else runs a command in a container, measured beside a backend: the docker program itself, and SWE-ReX."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from ..contract import SandboxError, SandboxUnavailable
from .boxes import new_name
from .swe_rex import swe_rex

Once = Callable[[], float]
"""Does a thing once: the seconds it took."""
_PATIENCE_S = 300.0


class Peers:
    """The peers on one image. `runtime`: an OCI runtime of the engine."""

    def __init__(self, image: str, runtime: str = "runc") -> None:
        if not shutil.which("docker"):
            raise SandboxUnavailable("the peers cannot be measured", "there is no docker program", "Install docker-cli")
        self.image, self.runtime = image, runtime
        _docker("image", "inspect", image)

    def starts(self, program: str) -> Mapping[str, Once]:
        """A container made, started, its one command awaited; its removal is not counted."""

        def run(*options: str) -> float:
            name = new_name()
            began = time.monotonic()
            try:
                _docker("run", "--name", name, "--runtime", self.runtime, *options, self.image, program)
                return time.monotonic() - began
            finally:
                _docker("rm", "--force", name)

        return {"docker run": run, "docker run --network none": lambda: run("--network", "none")}

    @contextmanager
    def commands(self, program: str) -> Iterator[Mapping[str, Once]]:
        """Commands in containers that are there already."""
        with ExitStack() as stack:
            name = new_name()
            _docker("run", "--detach", "--name", name, "--runtime", self.runtime, self.image, "sleep", "100000")
            stack.callback(_docker, "rm", "--force", name)
            found: dict[str, Once] = {"docker exec": lambda: _docker("exec", name, program)}
            found.update(stack.enter_context(swe_rex(self.image, self.runtime, program)))
            yield found


def _docker(*arguments: str) -> float:
    began = time.monotonic()
    done = subprocess.run(["docker", *arguments], capture_output=True, timeout=_PATIENCE_S, check=False)
    took = time.monotonic() - began
    if done.returncode != 0:
        why = done.stderr.decode(errors="replace").strip()[-500:]
        raise SandboxError(f"docker {arguments[0]} failed", why)
    return took
