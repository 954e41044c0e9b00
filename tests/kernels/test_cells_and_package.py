import ast
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TypeGuard

import pytest

import kernels
from kernels.cells import FULL, QUICK, cells
from kernels.distributions import DISTRIBUTIONS
from kernels.package import BOOTSTRAP, worker_zip

ROOM = Path(kernels.__file__).parent


def test_a_quick_verification_has_at_least_twenty_cells_and_all_distributions() -> None:
    found = cells(QUICK, (), ("contiguous",), None)
    assert 20 <= len(found) < FULL
    assert {one.distribution for one in found} == set(DISTRIBUTIONS)
    assert len({one.number for one in found}) == len(found)


def test_every_shape_and_layout_has_a_cell() -> None:
    shapes = tuple(((size, 4),) for size in range(40))
    found = cells(QUICK, shapes, ("contiguous", "offset", "transposed"), ("normal", "integers"))
    assert {one.shapes for one in found} == {None, *shapes}
    assert {one.layout for one in found} == {"contiguous", "offset", "transposed"}
    assert {one.distribution for one in found} == {"normal", "integers"}


@pytest.mark.parametrize("distributions", [("declared",), ("normal",)])
def test_one_distribution_is_enough(distributions: tuple[str, ...]) -> None:
    found = cells(QUICK, (((2, 3),),), ("contiguous",), distributions)
    assert len(found) == QUICK
    assert {one.distribution for one in found} == set(distributions), "nothing else is what the task allows"
    assert not any(one.distribution == "declared" and one.shapes for one in found)


def test_layouts_are_tried_with_the_tasks_own_inputs_where_only_those_are_allowed() -> None:
    found = cells(QUICK, (), ("contiguous", "offset"), ("declared",))
    assert {(one.distribution, one.layout) for one in found} == {("declared", "contiguous"), ("declared", "offset")}


def test_the_worker_draws_what_the_cells_ask_for() -> None:
    """Read, not imported: it needs torch. What no case draws would be drawn as something else."""
    tree = ast.parse((ROOM / "worker" / "drawing.py").read_text())
    drawn = {node.value.value for node in ast.walk(tree) if isinstance(node, ast.MatchValue) and _is_text(node.value)}
    assert drawn == set(DISTRIBUTIONS)


def _is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


FOR_TRITON = {
    f"kernels/worker/{name}.py"
    for name in ("compiling_triton", "cuda_on_cpu", "guarding", "interpreting", "triton_gates")
}
"""Imported only where Triton is, whose interpreter needs numpy; the last looks for it first."""


def test_what_goes_into_a_box_needs_nothing_but_the_standard_library_and_torch() -> None:
    with zipfile.ZipFile(io.BytesIO(worker_zip())) as archive:
        sources = {name: archive.read(name) for name in archive.namelist()}
    ours = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in sources}
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            for module in modules:
                top = module.split(".")[0]
                allowed = {"torch", "triton", "numpy"} if name in FOR_TRITON else {"torch"}
                assert top in sys.stdlib_module_names or top in allowed or module in ours, (name, module)
                assert top not in ("pickle", "marshal", "shelve"), name


def test_the_same_files_are_the_same_zip() -> None:
    first = worker_zip()
    worker_zip.cache_clear()
    assert worker_zip() == first


def test_a_worker_whose_candidate_goes_elsewhere_still_imports_its_own(tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    main = f"os.chdir({str(away)!r}); from kernels.worker import later; print(later.WHOSE)"
    went = f"import os\ndef main():\n    {main}\n"
    for folder, whose in ((tmp_path, "ours"), (away, "the candidate's")):
        with zipfile.ZipFile(folder / "worker.zip", "w") as archive:
            sources = {"__init__": "", "worker/__init__": "", "worker/went": went, "worker/later": f"WHOSE = {whose!r}"}
            for name, source in sources.items():
                archive.writestr(f"kernels/{name}.py", source)
    argv = [sys.executable, "-I", "-c", BOOTSTRAP, "worker.zip", "went", "0"]
    assert subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60).stdout == "ours\n"


def test_the_broker_has_no_torch() -> None:
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(name.split(".")[0] == "torch" for name in names), path
            assert not any(name.startswith("kernels.worker") for name in names), path
