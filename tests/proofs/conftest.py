"""Real boxes, and trees as tar streams, for the tests of proofs."""

from __future__ import annotations

import io
import itertools
import os
import sysconfig
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import pytest

from proofs import Proof, ProofPlan, SetUp, prove
from sandboxes import Bind, Box, BubblewrapBackend, PlainBackend, SandboxSpec, SandboxUnavailable
from sandboxes.contract import Backend, LimitUnenforceable
from tests.engines import absent

_numbers = itertools.count(1)
SITE = Path(sysconfig.get_paths()["purelib"])
_SITE_IN_BOX = "/opt/site-packages"
Files = Mapping[str, str]
Prover = Callable[..., Proof]


def tree(files: Files) -> Callable[[], BinaryIO]:
    """Opens a tar stream of `files`, as a mirror gives one."""

    def open_tree() -> BinaryIO:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path, content in sorted(files.items()):
                member = tarfile.TarInfo(path)
                member.size = len(content.encode())
                tar.addfile(member, io.BytesIO(content.encode()))
        stream.seek(0)
        return stream

    return open_tree


@pytest.fixture(params=["bubblewrap", "plain"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    if request.param == "plain":
        return PlainBackend(tmp_path / "state", allow_unisolated=True)
    walled = BubblewrapBackend(tmp_path / "state", read_only=[Bind(str(SITE), _SITE_IN_BOX)])
    try:
        walled.probe()
    except (SandboxUnavailable, LimitUnenforceable) as error:
        absent(f"bubblewrap boxes ({error})")
    return walled


@pytest.fixture
def make_box(backend: Backend) -> Callable[[str], Box]:
    def make(label: str) -> Box:
        name = f"p{os.getpid()}-{next(_numbers)}-{label}"
        return backend.create(SandboxSpec(memory_bytes=512 << 20), name=name)

    return make


@pytest.fixture
def box_pytest(backend: Backend) -> str:
    """The command that runs this environment's pytest inside a box."""
    site = str(SITE) if backend.name == "plain" else _SITE_IN_BOX
    return f"PYTHONPATH={site} python3 -m pytest -p no:cacheprovider"


@pytest.fixture
def proved(make_box: Callable[[str], Box]) -> Prover:
    """Proves the step from one set of files to another; `changed` is worked out from the two."""

    def run(base: Files, head: Files, plan: ProofPlan, set_up: SetUp = lambda box, side: ()) -> Proof:
        changed = {
            path: "deleted" if path not in head else "added" if path not in base else "modified"
            for path in base.keys() | head.keys()
            if base.get(path) != head.get(path)
        }
        return prove(
            make_box, tree(base), tree(head), plan, base_sha="b" * 40, head_sha="h" * 40, changed=changed, set_up=set_up
        )

    return run
