"""The compile service's program: C++ and CUDA in, a shared object out. No candidate is executed here, only compiled,
and nothing but its sources and flags, which the broker has held against `kernels.flags`, comes in.

`<torch/extension.h>` is most of what a small extension's compilation takes. A header of that name which includes less
is tried first, and torch's own when a name is missing. Where tools/kernel-headers has made a precompiled one beside
torch, g++ takes it by itself if it fits the flags (https://gcc.gnu.org/onlinedocs/gcc/Precompiled-Headers.html).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from kernels.messages import Json, Tensor
from kernels.tensors import TensorSpec
from kernels.worker import nvcc
from kernels.worker.conversation import Answer, converse

LEAN = (
    "#include <torch/types.h>\n#include <torch/utils.h>\n#include <torch/csrc/Exceptions.h>\n"
    "#include <torch/csrc/utils/pybind.h>\n"
)
"""Tensors, operators, parallel_for, gradient guards and pybind11: no modules, optimisers, data loaders."""
PRECOMPILED = "forgehand-headers"
"""The folder in the Python's own that tools/kernel-headers fills."""
_MISSING = re.compile(
    r"error: .*(is not a member of|has not been declared|not declared in this scope|does not name a type"
    r"|incomplete type|no template named|is not a class|No such file|no member named"
    r"|has no member|is undefined|cannot open source file|must be a class or namespace name|is not a template)"
)
"""What g++ says where a header has too little, and in the last line what nvcc does."""
_FOLDER = Path(tempfile.gettempdir(), "build")
_MEMORY = 3 << 30
_MEMORY_OF_NVCC = 15 << 28
"""Nearly what a box has: with torch's own extension.h it takes 3.1 GB."""
_FILE = 256 << 20
_MOST_OUTPUT = 256 << 10
_MOST_LINES = 40


class _Failed(Exception):
    def __init__(self, text: str, *, late: bool = False) -> None:
        super().__init__(text)
        self.text, self.late = text, late


def _toolchain(head: Json, _: Sequence[Tensor]) -> Answer:
    """What everything here is compiled with, as facts that name it; `missing` when that cannot be. `arch`: a device's,
    where it is compiled for one."""
    facts, arch = _host(), head.get("arch")
    if arch is not None and "missing" not in facts:
        facts |= nvcc.facts(arch, _torch())
        facts["libraries"] = _libraries(cuda=True)
    return facts, ()


def _host() -> Json:
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        return {"missing": "there is no g++ in the box's image"}
    torch, python = _torch(), Path(sysconfig.get_path("include"))
    for needed in (python / "Python.h", torch / "include" / "torch" / "extension.h"):
        if not needed.exists():
            return {"missing": f"{needed} is not there"}
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=30, check=False)
    probe = subprocess.run(
        [compiler, "-x", "c++", "-fsyntax-only", "-"],
        input="#include <vector>\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if version.returncode or probe.returncode:
        return {"missing": f"{compiler} does not compile: {(version.stderr + probe.stderr)[:300]}"}
    processor = "\n".join(sorted({line for line in Path("/proc/cpuinfo").read_text().splitlines() if _fixed(line)}))
    return {
        "compiler": f"{compiler}: {version.stdout.splitlines()[0]}",
        "torch": metadata.version("torch"),
        "python": sys.version,
        "processor": hashlib.sha256(processor.encode()).hexdigest(),  # what -march=native is
    }


def _build(head: Json, tensors: Sequence[Tensor]) -> Answer:
    """`files`: the tensors' names, `units` and `cuda_units`: those that are compiled. `arch`: of the device that it is
    built for, None for none. Answers with the shared object, or with what the compiler says as `errors`; `late` when it
    was not done within `limit_s`."""
    began = time.monotonic()
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    for name, one in zip(head["files"], tensors, strict=True):
        (_FOLDER / name).write_bytes(bytes(one.data))
    until = began + head["limit_s"]
    try:
        try:
            made = _made(head, until, lean=True)
        except _Failed as failed:
            if failed.late or not _MISSING.search(failed.text):
                raise
            made = _made(head, until, lean=False)
    except _Failed as failed:
        return {"errors": _first(failed.text), "late": failed.late, "seconds": time.monotonic() - began}, ()
    return {"seconds": time.monotonic() - began}, [Tensor(TensorSpec("uint8", (len(made),)), made)]


def _made(head: Json, until: float, *, lean: bool) -> bytes:
    compiler = shutil.which("g++") or "c++"
    torch, home = _torch(), nvcc.toolkit() if head["arch"] else None
    common = [f"-DTORCH_EXTENSION_NAME={head['name']}", "-DTORCH_API_INCLUDE_EXTENSION_H"]
    if lean:
        common.append(f"-I{_lean()}")
    places = [torch / "include", torch / "include/torch/csrc/api/include", *([home / "include"] if home else [])]
    for place in (*places, Path(sysconfig.get_path("include"))):
        common += ["-isystem", str(place)]
    # Only how much is said, and that it can be read by line.
    said = ["-fmax-errors=10", "-fdiagnostics-color=never", "-fno-diagnostics-show-caret"]
    objects = []
    for unit in head["units"]:
        argv = [compiler, *common, "-fPIC", "-std=c++20", *head["cflags"], *said, "-w"]
        _run([*argv, "-c", unit, "-o", f"{unit}.o"], until)
        objects.append(f"{unit}.o")
    folders = [torch / "lib"]
    if home:
        argv = [nvcc.compiler(home), *common, *nvcc.flags(head["arch"], head["cuda_cflags"])]
        argv += ["--brief-diagnostics=true", f"-Xcompiler={','.join(said)}", "-w"]
        for unit in head["cuda_units"]:
            _run([*argv, "-c", unit, "-o", f"{unit}.o"], until, _MEMORY_OF_NVCC)
            objects.append(f"{unit}.o")
        folders += nvcc.searched(home, _FOLDER / "libraries")
    libraries = [*(f"-L{one}" for one in folders), *(f"-l{one}" for one in _libraries(cuda=home is not None))]
    _run([compiler, *objects, "-shared", *head["ldflags"], *libraries, "-o", "made.so"], until)
    return (_FOLDER / "made.so").read_bytes()


def _libraries(*, cuda: bool) -> list[str]:
    """Those that torch links extensions with, by name. Its own for CUDA are only there in its builds for CUDA."""
    names = ["c10", "c10_cuda", "torch_cpu", "torch_cuda", "torch", "torch_python"]
    there = [one for one in names if cuda and (_torch() / "lib" / f"lib{one}.so").exists()]
    return [*there, "cudart"] if cuda else [one for one in names if not one.endswith("_cuda")]


def _run(argv: list[str], until: float, memory: int = _MEMORY) -> None:
    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE, _FILE))

    said = _FOLDER / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            argv, cwd=_FOLDER, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(_FOLDER), "LC_ALL": "C"}, preexec_fn=limits,
        )  # fmt: skip
        try:
            status = process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise _Failed("the compiler was not done in time", late=True) from None
    if status:
        with said.open("rb") as file:
            text = file.read(_MOST_OUTPUT).decode("utf-8", "replace")
        raise _Failed(text or f"the compiler ended with status {status}")


def _first(text: str) -> list[str]:
    """The first lines that say what is wrong and where, without the folders of the box."""
    if home := nvcc.toolkit():
        text = text.replace(str(home), "cuda")
    lines = [line.replace(f"{_FOLDER}/", "").replace(str(_torch()), "torch") for line in text.splitlines()]
    told = [line[:400] for line in lines if line.strip() and not line.startswith(("In file included", "   "))]
    return told[:_MOST_LINES]


def _torch() -> Path:
    spec = importlib.util.find_spec("torch")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else Path("/nonexistent")


def _headers() -> Path:
    return Path(sys.prefix) / PRECOMPILED / "torch" / "extension.h"


def _lean() -> Path:
    """A folder with the smaller header, precompiled where that has been done."""
    ready = _headers()
    if ready.exists() and ready.read_text() == LEAN:
        return ready.parent.parent
    made = Path(tempfile.gettempdir(), "lean", "torch", "extension.h")
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(LEAN)
    return made.parent.parent


def _fixed(line: str) -> bool:
    return line.startswith(("model name", "flags", "cpu family", "stepping", "CPU part", "Features"))


def main() -> None:
    """Serves the broker until it hangs up."""
    converse({"toolchain": _toolchain, "build": _build})
