"""A device for torch that is none (device.cpp), in a Python of its own on top of the kernel lane's: with it the workers
run as they would beside a GPU, but for what a GPU does."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

ROOM = Path(__file__).parent
IN_THE_BOX = "/opt/simulated-device"
_PACKAGE = "simulated_device"
_BUILD_S = 600


def python_with_a_device(kernel_python: Path, seen_at: str, cache: Path) -> Path:
    """A folder with `bin/python`, to be seen at `IN_THE_BOX` where the other is at `seen_at`. Built once for the same
    sources and Python."""
    sources = [ROOM / "device.cpp", ROOM / "backend.py", Path(__file__)]
    parts = [one.read_bytes() for one in sources] + [str(kernel_python).encode(), seen_at.encode()]
    made = cache / f"simulated-device-{hashlib.sha256(b'|'.join(parts)).hexdigest()[:12]}"
    if made.exists():
        return made
    rough = made.with_name(f"{made.name}.{os.getpid()}")
    library = next((kernel_python / "lib").glob("python3.*/site-packages"))
    site = rough / "lib" / library.parent.name / "site-packages"
    package, facts = site / _PACKAGE, site / f"{_PACKAGE}-1.dist-info"
    for folder in (rough / "bin", package, facts):
        folder.mkdir(parents=True)
    os.symlink((kernel_python / "bin" / "python").resolve(), rough / "bin" / "python")
    (rough / "pyvenv.cfg").write_text((kernel_python / "pyvenv.cfg").read_text())
    (site / "kernels.pth").write_text(f"{seen_at}/lib/{library.parent.name}/site-packages\n")
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {_PACKAGE}\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(f"[torch.backends]\nsim = {_PACKAGE}:start\n")
    (package / "__init__.py").write_bytes((ROOM / "backend.py").read_bytes())
    torch = library / "torch"
    argv = ["g++", "-std=c++20", "-O1", "-fPIC", "-shared", "-w", str(ROOM / "device.cpp")]
    argv += ["-isystem", str(torch / "include"), "-isystem", str(torch / "include/torch/csrc/api/include")]
    argv += [f"-L{torch / 'lib'}", "-lc10", "-ltorch_cpu", "-ltorch", "-o", str(package / "device.so")]
    subprocess.run(argv, check=True, timeout=_BUILD_S)
    try:
        rough.rename(made)
    except OSError:  # another process was first
        if not made.exists():
            raise
    return made
