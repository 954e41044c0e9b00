"""Where kernels are run: boxes with the Python of `make kernel-python` in them."""

from __future__ import annotations

import sys
from pathlib import Path

from kernels.hosting import Place
from sandboxes import Bind, BubblewrapBackend, LimitUnenforceable, PlainBackend, SandboxUnavailable
from settings import Settings

IN_THE_BOX = "/opt/kernel-python"
_COMPLETE = ".complete"


def make_place(settings: Settings) -> Place:
    """SandboxUnavailable where there is none, with what to do."""
    folder = kernel_python(settings.kernel_home)
    if folder is None:
        raise SandboxUnavailable(
            "There is no Python with PyTorch for the kernel lane",
            f"nothing that `make kernel-python` made for this Python is in {settings.kernel_home}",
            "Run `make kernel-python`, or set FORGEHAND_KERNEL_HOME to the folder that has it",
        )
    if settings.sandbox != "local":
        raise SandboxUnavailable(
            f"Kernels run in local boxes so far, not on {settings.sandbox}",
            "FORGEHAND_SANDBOX names another backend",
            "Set FORGEHAND_SANDBOX=local",
        )
    backend = BubblewrapBackend(settings.state_dir, read_only=[Bind(str(folder), IN_THE_BOX)])
    try:
        backend.probe()
    except (SandboxUnavailable, LimitUnenforceable):
        if not settings.sandbox_allow_unisolated:
            raise
        return Place(PlainBackend(settings.state_dir, allow_unisolated=True), folder / "bin" / "python")
    return Place(backend, Path(IN_THE_BOX) / "bin" / "python")


def kernel_python(home: Path) -> Path | None:
    """The newest folder in `home` that tools/kernel-python made for the Python that runs this process."""
    version = ".".join(map(str, sys.version_info[:3]))
    made = sorted(home.glob(f"kernel-python-{version}-*/{_COMPLETE}"), key=lambda one: one.stat().st_mtime)
    return made[-1].parent if made else None
