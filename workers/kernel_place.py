"""Where kernels are run: boxes with the Python of `make kernel-python` in them."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

from kernels.hosting import Place
from sandboxes import Backend, Bind, PlainBackend, SandboxUnavailable
from settings import Settings
from settings.machines import SandboxKind
from workers.backends import containers, make_backend

IN_THE_BOX = "/opt/kernel-python"
# What NVIDIA's driver makes where it runs.
DRIVER = Path("/dev/nvidiactl")
_COMPLETE = ".complete"
_NO_IMAGE = {
    "cpu": (
        "FORGEHAND_KERNEL_IMAGE is not set",
        "Name an image with PyTorch (k8s/kernels/Dockerfile makes one), or set FORGEHAND_KERNEL_SANDBOX=local",
    ),
    "cuda": (
        "FORGEHAND_KERNEL_GPU_IMAGE is not set",
        "Name an image with a PyTorch for CUDA (k8s/kernels/Dockerfile makes one)",
    ),
}


def make_place(settings: Settings, device: str = "cpu") -> Place:
    """Boxes of the kernel lane's own kind where FORGEHAND_KERNEL_SANDBOX names one, else of the settings' kind; for
    `cuda` boxes that have a GPU.

    SandboxUnavailable, LimitUnenforceable where there are none, with what to do.
    """
    kind = kernel_kind(settings)
    if device == "cuda":
        _want_gpu(settings, kind)
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
        # A box without walls has no places of its own: it sees the folder where it is, and its machine's devices.
        seen = folder if isinstance(backend, PlainBackend) else PurePosixPath(IN_THE_BOX)
        return Place(backend, seen / "bin" / "python", memory, artefacts=artefacts, device=device)
    image, gpus = settings.kernel_image, 0
    if device == "cuda":
        image, gpus = settings.kernel_gpu_image or image, 1
    if not image:
        raise SandboxUnavailable(f"Kernels cannot be run in {kind} boxes", *_NO_IMAGE[device])
    backend = make_backend(settings, kind, image=image, owner=_owner(settings))
    python = settings.kernel_image_python
    return Place(backend, python, memory, image, artefacts=artefacts, device=device, gpus=gpus)


def _want_gpu(settings: Settings, kind: SandboxKind) -> None:
    """SandboxUnavailable where boxes of this kind have none."""
    what = f"Kernels cannot be run on a GPU in {kind} boxes"
    if kind == "docker" and not settings.docker_gpus:
        raise SandboxUnavailable(
            what, "FORGEHAND_DOCKER_GPUS is not set", "Name those of the engine's that boxes may have"
        )
    if kind == "local" and not isinstance(kernel_boxes(settings), PlainBackend):
        raise SandboxUnavailable(what, "they see no devices", "Set FORGEHAND_KERNEL_SANDBOX to docker or kubernetes")
    if kind == "local" and not DRIVER.exists():
        raise SandboxUnavailable(what, f"there is no {DRIVER}", "Install NVIDIA's driver on this machine")


def kernel_boxes(settings: Settings) -> Backend:
    """With what the boxes of kernels are found, to remove what is left of them: it needs no image and no Python.

    SandboxUnavailable, LimitUnenforceable.
    """
    kind = kernel_kind(settings)
    if kind == "local":
        return make_backend(settings, "local", read_only=())
    return containers(settings, kind, settings.kernel_image, _owner(settings))


def kernel_kind(settings: Settings) -> SandboxKind:
    return settings.kernel_sandbox or settings.sandbox


def _owner(settings: Settings) -> str:
    """An owner's name has up to 40 characters. No task answers for a kernel's box: under the owner of tasks' boxes a
    sweep would remove it while it works."""
    return f"{settings.effective_owner[:32]}-kernels"


def kernel_python(home: Path) -> Path | None:
    """The newest folder in `home` that tools/kernel-python made for the Python that runs this process."""
    version = ".".join(map(str, sys.version_info[:3]))
    made = sorted(home.glob(f"kernel-python-{version}-*/{_COMPLETE}"), key=lambda one: one.stat().st_mtime)
    return made[-1].parent if made else None
