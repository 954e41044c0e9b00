"""A place where kernels can be run, and one with a device beside the processor."""

from collections.abc import Iterator

import pytest

from kernels.broker import Broker
from kernels.hosting import Place
from tests.kernels.places import on_the_processor, simulated_device, with_a_device


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return on_the_processor(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="session")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The device is simulated."""
    return with_a_device(simulated_device(), tmp_path_factory.mktemp("beside"))


@pytest.fixture(scope="module")
def broker(place: Place) -> Iterator[Broker]:
    """One for the tests of a module: most of a verification's time is torch being imported."""
    with Broker(place, several=True) as found:
        yield found
