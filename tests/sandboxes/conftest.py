"""Boxes of every backend of this machine, for the contract suite and for what only some backends promise."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from sandboxes import Box, BubblewrapBackend, PlainBackend, SandboxSpec, SandboxUnavailable
from sandboxes.checking import Ground
from sandboxes.contract import Backend, LimitUnenforceable
from tests.engines import absent
from tests.sandboxes.docker_engine import docker_runc, docker_runsc
from tests.sandboxes.kubernetes_cluster import kubernetes

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


def plain(state: Path) -> PlainBackend:
    return PlainBackend(state, allow_unisolated=True)


WALLED: Mapping[str, Callable[[Path], Backend]] = {
    "local-bwrap": bubblewrap,
    "docker-runc": docker_runc,
    "docker-runsc": docker_runsc,
    "kubernetes": kubernetes,
}
"""The backends that promise walls: each is made with a state folder; `absent` speaks where its engine is not there."""
BACKENDS: Mapping[str, Callable[[Path], Backend]] = {**WALLED, "local-plain": plain}


def each(kinds: Iterable[str]) -> list[object]:
    """As parameters. The cluster has one node, so its tests run one after the other; gVisor on ptrace takes ten times
    as long as all others, so what every backend promises is tried on it by `make test-gvisor`."""
    marks = {"kubernetes": pytest.mark.xdist_group("kubernetes"), "docker-runsc": pytest.mark.gvisor}
    return [pytest.param(kind, marks=marks[kind]) if kind in marks else kind for kind in kinds]


@pytest.fixture(params=each(BACKENDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return BACKENDS[request.param](tmp_path / "state")


@pytest.fixture(scope="session", params=each(WALLED))
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Where checks are made, on each backend with walls."""
    with Ground(WALLED[request.param](tmp_path_factory.mktemp(request.param))) as made:
        yield made


@pytest.fixture
def make_box(backend: Backend) -> Iterator[MakeBox]:
    with contextlib.ExitStack() as stack:

        def make(**limits: object) -> Box:
            return stack.enter_context(backend.create(SandboxSpec(**limits), name=new_name()))

        yield make


@pytest.fixture
def box(make_box: MakeBox) -> Box:
    return make_box()


@pytest.fixture(params=each(WALLED))
def walled_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return WALLED[request.param](tmp_path / "state")


@pytest.fixture
def walled(walled_backend: Backend) -> Iterator[MakeBox]:
    """Boxes with walls, for what a plain process does not promise."""
    with contextlib.ExitStack() as stack:

        def make(**limits: object) -> Box:
            return stack.enter_context(walled_backend.create(SandboxSpec(**limits), name=new_name()))

        yield make


@pytest.fixture
def bubble(tmp_path: Path) -> Iterator[MakeBox]:
    """Bubblewrap boxes, for what only they promise."""
    backend = bubblewrap(tmp_path / "state")
    with contextlib.ExitStack() as stack:

        def make(**limits: object) -> Box:
            return stack.enter_context(backend.create(SandboxSpec(**limits), name=new_name()))

        yield make
