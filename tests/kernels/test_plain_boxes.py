"""Boxes without walls, for machines where none can be had: what a kernel's workers write is in folders of their own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kernels.bench import CandidateSide, Inputs, Patience, blob, start_candidate
from kernels.candidate import Candidate
from kernels.compiling import Compiled, CompileService
from kernels.hosting import Place
from sandboxes import PlainBackend
from settings import load_settings
from tests.engines import absent
from tests.kernels.test_compiling import NOTHING, TWICE, candidate
from workers.kernel_place import kernel_python

pytestmark = pytest.mark.xdist_group("kernel extensions")


@pytest.fixture
def plain(tmp_path: Path) -> Place:
    folder = kernel_python(load_settings().kernel_home)
    if folder is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    backend = PlainBackend(tmp_path / "state", allow_unisolated=True)
    return Place(backend, folder / "bin" / "python", artefacts=tmp_path / "kept")


def called(place: Place, one: Candidate) -> list[int]:
    """What the candidate's extension makes of 1, 2, 3."""
    into = Compiled()
    CompileService(place).compile(one, NOTHING, lambda: start_candidate(place), into, [], Patience())
    with start_candidate(place) as worker:
        side = CandidateSide(worker, one, artefacts=into.artefacts)
        side.load(NOTHING, train=True)
        output = side.call(Inputs({"k": "list", "items": [{"k": "tensor", "n": 0}]}, [blob(bytes([1, 2, 3]))])).output
    return list(bytes(output.leaves[0].tensor.data))


def listed() -> set[tuple[str, int]]:
    names = ("build", "lean", "extensions", "worker.zip")
    return {(name, path.stat().st_mtime_ns) for name in names if (path := Path("/tmp", name)).exists()}


def test_two_that_are_compiled_at_once_know_nothing_of_each_other(plain: Place) -> None:
    before = listed()
    ways = (TWICE, TWICE.replace("PyNumber_Add", "PyNumber_Multiply"))
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda one: called(replace(plain, artefacts=None), candidate(one)), ways))
    assert found == [[2, 4, 6], [1, 4, 9]]
    assert listed() == before, "the machine's own /tmp is not theirs"
