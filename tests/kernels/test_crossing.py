"""How long a tensor may be that leaves a worker, asked of torch itself."""

import subprocess
from pathlib import Path

import pytest

import kernels
from evals.kernelbench_run import outcome_of
from settings import load_settings
from tests.engines import absent
from workers.kernel_place import kernel_python

ROOM = Path(kernels.__file__).parent.parent
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import torch
from kernels.worker.crossing import to_wire
try:
    print(len(to_wire(torch.zeros(1, dtype=torch.uint8).expand(int(sys.argv[2]))).data))
except ValueError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def python() -> Path:
    folder = kernel_python(load_settings().kernel_home)
    if folder is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    return folder / "bin" / "python"


def sent(python: Path, size: int) -> str:
    done = subprocess.run(
        [str(python), "-I", "-c", PROGRAM, str(ROOM), str(size)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("size", [1 << 31, 1 << 32, (1 << 32) + 1])
def test_what_ctypes_could_not_count_is_refused_before_it_is_stored(python: Path, size: int) -> None:
    said = sent(python, size)  # of one byte that is stored: 4 GiB and one more would be one byte to a C int
    assert said == f"one answer has {size >> 20} MiB of tensors, at most 2047 MiB can be sent"
    assert outcome_of(said) == "too_large"


def test_what_is_shorter_is_sent(python: Path) -> None:
    assert sent(python, 1 << 20) == str(1 << 20)
