"""Places where kernels can be run: the Python of `make kernel-python` in local boxes, with and without a device."""

from pathlib import Path

from kernels.hosting import Place
from sandboxes import Bind
from settings import load_settings
from tests.engines import absent
from tests.kernels import simulated
from tests.sandboxes.conftest import bubblewrap
from workers.kernel_place import IN_THE_BOX, kernel_python


def on_the_processor(state: Path) -> Place:
    backend = bubblewrap(state, read_only=[Bind(str(_folder()), IN_THE_BOX)])
    return Place(backend, Path(IN_THE_BOX) / "bin" / "python")


def with_a_device(device: Path, state: Path) -> Place:
    """`device`: a folder as `simulated_device` gives it."""
    seen = [Bind(str(_folder()), IN_THE_BOX), Bind(str(device), simulated.IN_THE_BOX)]
    python = Path(simulated.IN_THE_BOX) / "bin" / "python"
    return Place(bubblewrap(state, read_only=seen), python, device="sim")


def simulated_device() -> Path:
    return simulated.python_with_a_device(_folder(), IN_THE_BOX, load_settings().kernel_home)


def _folder() -> Path:
    folder = kernel_python(load_settings().kernel_home)
    if folder is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    return folder
