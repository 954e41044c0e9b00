"""Verifications from a shell take their turn with all others on the machine, and say when they wait."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kernels.cases import CORPUS
from sandboxes.machine import this_machine
from settings import Settings, load_settings
from tests.engines import absent
from workers.kernel_checks.exclusive import TimingLock, lock_folder
from workers.kernel_place import kernel_python

pytestmark = pytest.mark.xdist_group("kernels")
ROOT = Path(__file__).parents[2]
CASE = CORPUS / "linear_tanh"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of this test alone with the Python of kernels: the lock in it is nobody else's."""
    made = kernel_python(load_settings().kernel_home)
    if made is None:
        absent("PyTorch for the kernel lane (tools/kernel-python)")
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / made.name).symlink_to(made)
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ("verify", str(CASE / "task.py"), str(CASE / "honest" / "fused.py"), "--quick"),
        ("corpus", "--only", "linear_tanh/fused"),
    ],
    ids=lambda one: str(one[0]),
)
def test_a_shell_waits_while_a_worker_times_and_says_so(command: tuple[str, ...], home: Path, tmp_path: Path) -> None:
    folder = lock_folder(Settings(state_dir=tmp_path / "of-the-worker", kernel_home=home))
    environment = os.environ | {"FORGEHAND_STATE_DIR": str(tmp_path / "state"), "FORGEHAND_KERNEL_HOME": str(home)}
    with TimingLock(folder, time.sleep) as worker:
        worker.take(this_machine())
        shell = subprocess.Popen(
            [sys.executable, "-m", "cli", "kernel", *command],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert shell.stderr is not None
        said = shell.stderr.readline()
        assert "waiting: another kernel is timed on this machine" in said
        assert shell.poll() is None
    out, err = shell.communicate(timeout=300)
    # What is said of its speed is no matter here: other tests run beside this one.
    assert " at time" in out or " at confirm" in out, f"{out}{err}"
