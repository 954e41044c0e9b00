"""A place where kernels can be run: the Python of `make kernel-python` in local boxes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernels.broker import Broker
from kernels.hosting import Place
from sandboxes import Bind
from settings import load_settings
from tests.engines import absent
from tests.sandboxes.conftest import bubblewrap
from workers.kernel_place import IN_THE_BOX, kernel_python


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = kernel_python(load_settings().kernel_home)
    if folder is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    backend = bubblewrap(tmp_path_factory.mktemp("kernels"), read_only=[Bind(str(folder), IN_THE_BOX)])
    return Place(backend, Path(IN_THE_BOX) / "bin" / "python")


@pytest.fixture(scope="module")
def broker(place: Place) -> Iterator[Broker]:
    """One for the tests of a module: most of a verification's time is torch being imported."""
    with Broker(place, several=True) as found:
        yield found
