"""Boxes of this machine's Docker engine, for the tests that run on every backend."""

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sandboxes import DockerBackend, SandboxUnavailable
from sandboxes.contract import LimitUnenforceable
from sandboxes.egress.policy import Network
from tests.engines import absent
from tests.sandboxes.images import PYTHON, Image, make


def docker_runc(_: Path) -> DockerBackend:
    return docker("runc")


def docker_runsc(_: Path) -> DockerBackend:
    return docker("runsc")


def docker(runtime: str, *, private: Sequence[Network] = ()) -> DockerBackend:
    """A backend whose boxes have Python; skips loudly (or fails, where engines are required) without an engine."""
    backend = _docker(runtime, tuple(private))
    if isinstance(backend, str):
        absent(backend)
    return backend


def image(wanted: Image) -> str:
    """An image's name in the engine, made when it is not there."""
    try:
        return make(wanted)
    except (OSError, subprocess.CalledProcessError, RuntimeError) as error:
        absent(f"the image {wanted.name} ({error})")


def owner() -> str:
    """Test processes run side by side: each sweeps its own boxes only."""
    return f"tests-{os.getpid()}"


@cache
def _docker(runtime: str, private: Sequence[Network]) -> DockerBackend | str:
    try:
        present = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"Docker ({error})"
    if present.returncode != 0:
        return f"Docker ({present.stderr.strip()})"
    backend = DockerBackend(runtime=runtime, owner=owner(), image=image(PYTHON), private=private)
    try:
        backend.probe()
    except (SandboxUnavailable, LimitUnenforceable) as error:
        return f"Docker boxes in {runtime} ({error})"
    return backend
