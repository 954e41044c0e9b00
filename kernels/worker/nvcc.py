"""CUDA's compiler and libraries where kernels run: where they are, what it is given, and whether it can be used. No
device is needed for any of that.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kernels.messages import Json

# As torch 2.13 has them (COMMON_NVCC_FLAGS in torch/utils/cpp_extension.py), and -fPIC.
_ALWAYS = (
    "-D__CUDA_NO_HALF_OPERATORS__",
    "-D__CUDA_NO_HALF_CONVERSIONS__",
    "-D__CUDA_NO_BFLOAT16_CONVERSIONS__",
    "-D__CUDA_NO_HALF2_OPERATORS__",
    "--expt-relaxed-constexpr",
    "--compiler-options",
    "-fPIC",
)
_NAMES_ARCH = ("-arch", "--gpu-architecture", "-gencode", "--generate-code")
_PROBE = "#include <cuda_runtime.h>\n__global__ void probe() {}\n"
_RELEASE = re.compile(r"release (\d+).*")
_BUILT_FOR = re.compile(r"^cuda\b[^=\n]*= '(\d+)", re.MULTILINE)
_LIBRARY = re.compile(r"(lib\w+\.so)\.\d+")


def toolkit() -> Path | None:
    """The folder whose bin has nvcc. Of several the one that pip installed, as it goes with pip's PyTorch; then where
    torch's own cpp_extension looks."""
    spec = importlib.util.find_spec("nvidia")
    found = [one for place in (spec and spec.submodule_search_locations) or () for one in Path(place).glob("cu[0-9]*")]
    found += [Path(os.environ[name]) for name in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(name)]
    if on_path := shutil.which("nvcc"):
        found.append(Path(on_path).parent.parent)
    found.append(Path("/usr/local/cuda"))
    return next((one for one in found if os.access(one / "bin" / "nvcc", os.X_OK)), None)


def compiler(home: Path) -> str:
    return str(home / "bin" / "nvcc")


def flags(arch: str, given: Sequence[str]) -> list[str]:
    """What nvcc is told beside the folders of headers. As torch has it: for the device's own code and PTX, unless what
    the candidate gives names others, and C++20 unless it names another."""
    found = list(_ALWAYS)
    if not any(one.partition("=")[0] in _NAMES_ARCH for one in given):
        number = arch.removeprefix("sm_")
        found += [f"-gencode=arch=compute_{number},code={code}_{number}" for code in ("sm", "compute")]
    found += given
    return found if any(one.startswith(("-std", "--std")) for one in given) else [*found, "-std=c++20"]


def libraries(home: Path) -> Path:
    """The toolkit's folder with them: lib64, but for pip's."""
    return home / ("lib64" if (home / "lib64").exists() else "lib")


def searched(home: Path, folder: Path) -> list[Path]:
    """Where a linker finds the toolkit's libraries. `folder` is made, with names as a linker looks for them: pip's have
    none."""
    folder.mkdir(parents=True, exist_ok=True)
    own = libraries(home)
    for one in sorted(own.glob("lib*.so.*")):
        if (name := _LIBRARY.fullmatch(one.name)) and not (folder / name[1]).exists():
            (folder / name[1]).symlink_to(one)
    return [own, own / "stubs", folder]


def facts(arch: str, torch: Path) -> Json:
    """What CUDA is compiled with, tried on a kernel that does nothing; `missing` where it cannot be. `torch`: PyTorch's
    folder."""
    home = toolkit()
    if home is None:
        return {"missing": "there is no nvcc"}
    if not any(libraries(home).glob("libcudart.so*")):
        return {"missing": f"there is no libcudart in {libraries(home)}"}
    version = subprocess.run([compiler(home), "--version"], capture_output=True, text=True, timeout=30, check=False)
    release, built_for = _RELEASE.search(version.stdout), _BUILT_FOR.search((torch / "version.py").read_text())
    if version.returncode or not release:
        return {"missing": f"{compiler(home)} does not say its version: {version.stderr[:300]}"}
    if built_for and release[1] != built_for[1]:
        # What is linked with the one is not loaded beside the other.
        return {"missing": f"{compiler(home)} is of CUDA {release[1]} and PyTorch is built for CUDA {built_for[1]}"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "probe.cu").write_text(_PROBE)
        argv = [compiler(home), *flags(arch, ()), "-c", "probe.cu", "-o", "probe.o"]
        probe = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, cwd=folder)
    if probe.returncode:
        return {"missing": f"{compiler(home)} does not compile for {arch}: {probe.stderr[:300]}"}
    return {"arch": arch, "nvcc": f"{compiler(home)}: {release[0]}"}
