"""CUDA extensions, compiled, linked and called in real boxes. There is no device here: the launch itself says so, which
is how far this goes. PyTorch is the build for the CPU, so that its own libraries for CUDA are not linked."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kernels import compiling
from kernels.bench import Judged
from kernels.candidate import Candidate
from kernels.compiling import Compiled, CompileService
from kernels.findings import Finding
from kernels.hosting import Place, Worker
from kernels.package import worker_zip
from kernels.recipes import Recipe, from_json
from kernels.verdicts import Stage, Verdict

pytestmark = pytest.mark.xdist_group("kernel extensions")
ARCH = "sm_90"
MAIN = r"""
#include <Python.h>
extern "C" const char *launched(int *status);
static PyObject *run(PyObject *, PyObject *) {
    int status = 0;
    const char *text = launched(&status);
    return Py_BuildValue("is", status, text);
}
static PyMethodDef methods[] = {{"run", run, METH_NOARGS, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "made", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_made() { return PyModule_Create(&module); }
"""
KERNEL = r"""
#include <cuda_runtime.h>
#ifndef BLOCK
#define BLOCK 32
#endif
__global__ void fill(float *x) { x[blockIdx.x * BLOCK + threadIdx.x] = 1.0f; }
extern "C" const char *launched(int *status) {
    fill<<<2, BLOCK>>>(nullptr);
    *status = cudaGetLastError();
    return cudaGetErrorString(static_cast<cudaError_t>(*status));
}
"""
WITH_TORCH = r"""
__global__ void scale(const float *x, float *out, float by, int64_t count) {
    int64_t at = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
    if (at < count) out[at] = x[at] * by;
}
torch::Tensor run(torch::Tensor x, double by) {
    auto out = torch::empty_like(x);
    scale<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), out.data_ptr<float>(), by, x.numel());
    cudaError_t status = cudaGetLastError();
    TORCH_CHECK(status == cudaSuccess, "CUDA error ", int(status), ": ", cudaGetErrorString(status));
    return out;
}
"""
NO_DEVICE = (35, 100)
"""cudaErrorInsufficientDriver and cudaErrorNoDevice, of a machine with no driver or with nothing it drives."""

_BEGIN = """
import contextlib, json, sys
sys.path.insert(0, "/tmp/worker.zip")
import torch
from kernels.recipes import to_json
from kernels.worker.extensions import Extensions, Mode, Ablated
ours = Extensions("/candidate.py", device="cuda")
ours.install()
source = open("/tmp/c.py").read()
"""
RECORD = (
    _BEGIN
    + """
ours.recorded = []
with contextlib.suppress(RuntimeError):
    exec(compile(source, "/candidate.py", "exec"), {})
sys.stdout.buffer.write(to_json(ours.recorded))
"""
)
CALL = (
    _BEGIN
    + """
import ctypes, glob
from torch.utils import cpp_extension
# A PyTorch that is built for CUDA has loaded it.
ctypes.CDLL(sorted(glob.glob(cpp_extension.CUDA_HOME + "/lib*/libcudart.so*"))[0], ctypes.RTLD_GLOBAL)
ours.take(*sys.argv[1:3], open("/tmp/made.so", "rb").read())
made = {"told": {}}
exec(compile(source, "/candidate.py", "exec"), made)
with ours.mode(Mode.fail):
    try:
        made["built"].run()
    except Ablated as error:
        made["told"]["ablated"] = str(error)
print(json.dumps(made["told"]))
"""
)


def candidate(arguments: str, *, after: str = "", **sources: str) -> Candidate:
    given = "".join(f"{name} = r'''{text}'''\n" for name, text in sources.items())
    text = f"from torch.utils import cpp_extension\ntold = {{}}\n{given}built = cpp_extension.{arguments}\n{after}\n"
    return Candidate("c.py", text.encode())


def plain(more: str = "", kernel: str = KERNEL, after: str = "") -> Candidate:
    arguments = f"load_inline(name='made', cpp_sources=MAIN, cuda_sources=KERNEL, no_implicit_headers=True{more})"
    return candidate(arguments, after=after, MAIN=MAIN, KERNEL=kernel)


def run(place: Place, program: str, files: dict[str, bytes], *arguments: str) -> bytes:
    with place.backend.create(place.spec(600), name="cuda-extensions") as box:
        for path, content in {"worker.zip": worker_zip(), **files}.items():
            box.write(f"/tmp/{path}", content)
        result = box.run([str(place.python), "-I", "-c", program, *arguments], timeout=200)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def recorded(place: Place, one: Candidate) -> Sequence[Recipe]:
    return from_json(run(place, RECORD, {"c.py": one.source}))


def built(place: Place, one: Candidate, recipes: Sequence[Recipe] | None = None) -> tuple[Compiled, list[Finding]]:
    into, findings = Compiled(), list[Finding]()
    service = CompileService(place)
    service.build(one, recorded(place, one) if recipes is None else recipes, into, findings, ARCH)
    return into, findings


def called(place: Place, one: Candidate, into: Compiled) -> Any:
    ((key, name, data),) = into.artefacts
    return json.loads(run(place, CALL, {"c.py": one.source, "made.so": data}, key, name))


AFTER = "told['run'] = built.run()"


def test_everything_but_the_device(place: Place) -> None:
    one = plain(", extra_cuda_cflags=['-O3', '--use_fast_math', '-DBLOCK=64']", after=AFTER)
    (recipe,) = recorded(place, one)
    assert (recipe.units, recipe.cuda_units, recipe.cuda) == (["main.cpp"], ["cuda.cu"], True)
    assert recipe.files["cuda.cu"] == KERNEL
    assert recipe.cuda_cflags == ("-O3", "--use_fast_math", "-DBLOCK=64")

    into, findings = built(place, one, [recipe])
    assert into.extensions[0].name == "made"
    assert "g++" in into.compiler
    assert "nvcc: release 13" in into.compiler
    assert [(one.rule, one.evidence) for one in findings] == [("fast_math", "made is compiled with --use_fast_math")], (
        "nvcc optimises by itself"
    )
    (artefact,) = into.artefacts
    assert b"fill" in artefact[2]
    assert b"libcudart.so" in artefact[2]

    told = called(place, one, into)
    assert told["run"][0] in NO_DEVICE, told
    assert told["ablated"] == "run is made to fail"


@pytest.mark.timeout(900)
def test_as_torch_itself_would_have_it_with_its_headers_and_its_binding(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`functions` bound in C++, the kernel in a file that begins with torch's headers: half a minute of nvcc where
    nothing else is done."""
    monkeypatch.setattr(compiling, "COMPILE_S", 700.0)
    arguments = "load_inline(name='scale', cpp_sources=CPP, cuda_sources=[CUDA], functions='run')"
    after = """
import torch
try:
    built.run(torch.ones(300), 2.0)
except RuntimeError as error:
    told['raised'] = str(error)
"""
    declared = "torch::Tensor run(torch::Tensor x, double by);"
    one = candidate(arguments, after=after, CPP=declared, CUDA=WITH_TORCH)
    into, _ = built(place, one)
    assert into.extensions[0].functions == ("run",)
    told = called(place, one, into)
    assert any(told["raised"].startswith(f"CUDA error {status}: ") for status in NO_DEVICE), told


def test_files_that_are_loaded_with_a_header_beside_them(place: Place) -> None:
    kernel = KERNEL.replace("__global__ void fill", '#include "values.cuh"\n__global__ void fill').replace(
        "1.0f", "VALUE"
    )
    after = (
        "for name, text in {'main.cpp': MAIN, 'fill.cu': KERNEL, 'values.cuh': '#define VALUE 2.0f'}.items():\n"
        "    open('/tmp/' + name, 'w').write(text)\n"
        "built = built('made', ['/tmp/main.cpp', '/tmp/fill.cu'])\n"
    )
    one = candidate("load", after=after + AFTER, MAIN=MAIN, KERNEL=kernel)
    into, _ = built(place, one)
    assert called(place, one, into)["run"][0] in NO_DEVICE


@pytest.mark.parametrize(
    ("before", "after", "where", "said"),
    [
        ("= 1.0f", "= missing", "cuda.cu(6)", 'identifier "missing" is undefined'),
        ("return cuda", "nothing(); return cuda", "cuda.cu(10)", 'identifier "nothing" is undefined'),
        ("<cuda_runtime.h>", "<no_such_header.h>", "cuda.cu:2:", "no_such_header.h: No such file"),
        ("= 1.0f;", '= 1.0f; asm volatile("no_instruction;");', "ptxas", "no_instruction"),
    ],
)
def test_errors_of_nvcc_come_with_file_and_line_and_the_candidates(
    place: Place, before: str, after: str, where: str, said: str
) -> None:
    assert before in KERNEL
    one = plain(kernel=KERNEL.replace(before, after, 1))
    into, findings = Compiled(), list[Finding]()
    with pytest.raises(Judged) as end:
        CompileService(place).build(one, recorded(place, one), into, findings, ARCH)
    assert (end.value.verdict, end.value.stage) == (Verdict.compile_error, Stage.compile)
    assert where in end.value.reason
    assert said in end.value.reason
    assert not any("/tmp/" in error for error in into.errors), into.errors
    line = one.source.decode().splitlines()[(end.value.line or 0) - 1]
    assert after in line or (where == "ptxas" and "load_inline" in line), "of PTX no line of the candidate's is known"


def test_a_flag_that_nvcc_is_not_given_is_named(place: Place) -> None:
    one = plain(", extra_cuda_cflags=['-O3', '-ccbin', '/tmp/x']")
    with pytest.raises(Judged, match="the nvcc flag '-ccbin'") as end:
        CompileService(place).build(one, recorded(place, one), Compiled(), [], ARCH)
    assert end.value.verdict is Verdict.policy_violation


def test_what_is_for_other_devices_is_not_recorded(place: Place) -> None:
    for arguments in ("sycl_sources='x'", "with_sycl=True"):
        assert recorded(place, candidate(f"load_inline('made', '', {arguments})")) == []
    (recipe,) = recorded(place, candidate("load_inline('made', '', with_cuda=True, extra_cuda_cflags=['-O3'])"))
    assert (recipe.cuda, recipe.cuda_units, recipe.cuda_cflags) == (True, [], ()), "nothing is for nvcc"


def test_on_the_cpu_nothing_is_built_for_a_device_whatever_a_box_says(place: Place) -> None:
    recipe = Recipe("made", {"cuda.cu": KERNEL})
    with pytest.raises(Judged, match="is for a GPU") as end:
        CompileService(place).build(plain(), [recipe], Compiled(), [])
    assert end.value.verdict is Verdict.needs_gpu


def test_what_was_built_for_one_device_is_not_another_ones(place: Place, tmp_path: Path) -> None:
    kept = replace(place, artefacts=tmp_path)
    one = plain()
    recipes = recorded(place, one)

    def cached(arch: str) -> bool:
        into = Compiled()
        CompileService(kept).build(one, recipes, into, [], arch)
        return into.cached

    assert [cached("sm_90"), cached("sm_80"), cached("sm_90")] == [False, False, True]


def test_what_is_missing_is_said_with_what_to_do(place: Place) -> None:
    with Worker(place, "compiling") as worker:
        facts, _ = worker.ask("toolchain", {"arch": "sm_13"}, (), timeout=240, most_bytes=1 << 20)
        assert "does not compile for sm_13" in facts["missing"]
        facts, _ = worker.ask("toolchain", {"arch": ARCH}, (), timeout=240, most_bytes=1 << 20)
        assert "release 13" in facts["nvcc"]
        assert facts["libraries"] == ["c10", "torch_cpu", "torch", "torch_python", "cudart"]
        facts, _ = worker.ask("toolchain", {}, (), timeout=240, most_bytes=1 << 20)
        assert "nvcc" not in facts
        assert "arch" not in facts
    service = CompileService(place)
    service._for_devices[ARCH] = {"missing": "there is no nvcc"}
    with pytest.raises(Judged, match=r"there is no nvcc\. Use an image with PyTorch for CUDA.*KERNEL_GPU_IMAGE") as end:
        service.build(plain(), [Recipe("made", {"cuda.cu": KERNEL})], Compiled(), [], ARCH)
    assert end.value.verdict is Verdict.infra_error
