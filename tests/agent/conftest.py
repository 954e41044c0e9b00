"""Boxes for the agent's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandboxes import Box
from tests.agent.bench import a_box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box with the small project whose `add` subtracts."""
    with a_box(tmp_path / "state") as made:
        yield made
