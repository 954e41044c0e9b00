"""Boxes of every backend of this machine, for the contract suite and for what only some backends promise."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandboxes import Box, BubblewrapBackend, PlainBackend, SandboxSpec, SandboxUnavailable
from sandboxes.contract import Backend, LimitUnenforceable
from tests.engines import absent

_names = itertools.count(1)
MakeBox = Callable[..., Box]


def bubblewrap(state: Path, **options: object) -> BubblewrapBackend:
    """A bubblewrap backend; skips loudly (or fails, where engines are required) when it cannot run here."""
    backend = BubblewrapBackend(state, **options)
    try:
        backend.probe()
    except (SandboxUnavailable, LimitUnenforceable) as error:
        absent(f"bubblewrap boxes ({error})")
    return backend


def new_name() -> str:
    return f"t{os.getpid()}-{next(_names)}"


@pytest.fixture(params=["local-bwrap", "local-plain"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    if request.param == "local-plain":
        return PlainBackend(tmp_path / "state", allow_unisolated=True)
    return bubblewrap(tmp_path / "state")


@pytest.fixture
def make_box(backend: Backend) -> Iterator[MakeBox]:
    with contextlib.ExitStack() as stack:

        def make(**limits: object) -> Box:
            return stack.enter_context(backend.create(SandboxSpec(**limits), name=new_name()))

        yield make


@pytest.fixture
def box(make_box: MakeBox) -> Box:
    return make_box()


@pytest.fixture
def walled(tmp_path: Path) -> Iterator[MakeBox]:
    """Boxes with walls, for what a plain process does not promise."""
    backend = bubblewrap(tmp_path / "state")
    with contextlib.ExitStack() as stack:

        def make(**limits: object) -> Box:
            return stack.enter_context(backend.create(SandboxSpec(**limits), name=new_name()))

        yield make
