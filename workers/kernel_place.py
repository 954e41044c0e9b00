"""Where kernels are run: boxes with the Python of `make kernel-python` in them."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

from kernels.hosting import Place
from sandboxes import Bind, PlainBackend, SandboxUnavailable
from settings import Settings
from workers.backends import make_backend

IN_THE_BOX = "/opt/kernel-python"
_COMPLETE = ".complete"


def make_place(settings: Settings) -> Place:
    """Boxes of the kernel lane's own kind where FORGEHAND_KERNEL_SANDBOX names one, else of the settings' kind.

    SandboxUnavailable, LimitUnenforceable where there are none, with what to do.
    """
    kind = settings.kernel_sandbox or settings.sandbox
    memory = settings.kernel_memory_mb << 20
    artefacts = settings.state_dir / "kernel-artefacts"
    if kind == "local":
        folder = kernel_python(settings.kernel_home)
        if folder is None:
            raise SandboxUnavailable(
                "There is no Python with PyTorch for the kernel lane",
                f"nothing that `make kernel-python` made for this Python is in {settings.kernel_home}",
                "Run `make kernel-python`, or set FORGEHAND_KERNEL_HOME to the folder that has it",
            )
        backend = make_backend(settings, "local", read_only=[Bind(str(folder), IN_THE_BOX)])
        # A box without walls has no places of its own: it sees the folder where it is.
        seen = folder if isinstance(backend, PlainBackend) else PurePosixPath(IN_THE_BOX)
        return Place(backend, seen / "bin" / "python", memory, artefacts=artefacts)
    if not settings.kernel_image:
        raise SandboxUnavailable(
            f"Kernels cannot be run in {kind} boxes",
            "FORGEHAND_KERNEL_IMAGE is not set",
            "Name an image with PyTorch (k8s/kernels/Dockerfile makes one), or set FORGEHAND_KERNEL_SANDBOX=local",
        )
    backend = make_backend(settings, kind, image=settings.kernel_image)
    return Place(backend, settings.kernel_image_python, memory, settings.kernel_image, artefacts=artefacts)


def kernel_python(home: Path) -> Path | None:
    """The newest folder in `home` that tools/kernel-python made for the Python that runs this process."""
    version = ".".join(map(str, sys.version_info[:3]))
    made = sorted(home.glob(f"kernel-python-{version}-*/{_COMPLETE}"), key=lambda one: one.stat().st_mtime)
    return made[-1].parent if made else None
