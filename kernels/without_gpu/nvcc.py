"""CUDA sources without a GPU: compiled by nvcc in a box of their own, for sm_90a, and never linked or run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from kernels.bench import Judged
from kernels.cpp_text import without_comments
from kernels.findings import Finding, Tier
from kernels.hosting import Place, box_name
from kernels.verdicts import Stage, Verdict
from kernels.without_gpu.facts import CompiledKernel, WithoutGpu
from kernels.without_gpu.host_code import device_only
from kernels.without_gpu.needs import Need
from kernels.without_gpu.progress import Progress
from kernels.without_gpu.ptx import census, findings, plain_name, sections, usage
from kernels.without_gpu.sources import CudaSource, Sources
from sandboxes.contract import Box, CommandResult

COMPILE_S = 300.0
TARGET = "-gencode=arch=compute_90a,code=sm_90a"
_DECLARED = Path(__file__).with_name("declared.h")
_HEADERS = (
    "torch/extension.h", "torch/types.h", "torch/torch.h", "torch/all.h", "torch/library.h", "torch/script.h",
    "torch/python.h", "ATen/ATen.h", "ATen/Dispatch.h", "ATen/AccumulateType.h", "ATen/OpMathType.h",
    "ATen/core/Tensor.h", "ATen/cuda/CUDAContext.h", "ATen/cuda/CUDAContextLight.h", "ATen/cuda/Exceptions.h",
    "ATen/cuda/CUDAUtils.h", "c10/cuda/CUDAStream.h", "c10/cuda/CUDAGuard.h", "c10/cuda/CUDAException.h",
    "c10/cuda/CUDAFunctions.h", "c10/cuda/CUDAMacros.h", "c10/util/Half.h", "c10/util/BFloat16.h",
    "c10/util/Exception.h", "c10/util/Optional.h", "c10/util/ArrayRef.h", "c10/core/ScalarType.h",
    "c10/macros/Macros.h", "pybind11/pybind11.h",
)  # fmt: skip
_FIND = (
    "import os, nvidia.cu13\n"
    "for one in nvidia.cu13.__path__:\n"
    "    if os.path.exists(os.path.join(one, 'bin', 'nvcc')): print(one)\n"
)
_ERROR = re.compile(
    r"^(?P<file>[^\s:(][^:(\n]*)[(:](?P<line>\d{1,9})\)?(?::\d+)?: (?:fatal |catastrophic )?error:? ?(?P<text>.*)", re.M
)
_ASSEMBLER = re.compile(r"^ptxas .*?(?:error|fatal)\s*: (?P<text>.*)", re.M)
_MISSING = re.compile(r'(?:cannot open source file "([^"]+)"|error: ([^\s:]+): No such file or directory)')
_OTHER_DEVICE = re.compile(r"requires (?:\.target )?'?sm_|not supported on \.target|target architecture")
_WORD = re.compile(r"[\w$]+")
_MOST_ERRORS = 5
_MOST_KERNELS = 200


@dataclass(frozen=True, slots=True)
class Error:
    """`line`: of the candidate's file, where it is one of its."""

    line: int | None
    text: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: CommandResult
    ptx: str = ""

    @property
    def log(self) -> str:
        return (self.result.stderr + self.result.stdout).decode("utf-8", "replace")


def errors(log: str, name: str) -> list[Error]:
    """What nvcc (CUDA 13.0), the host compiler and ptxas complain about, in order."""
    found = [
        Error(int(one["line"]) if one["file"].endswith(name) else None, one["text"][:300])
        for one in _ERROR.finditer(log)
    ]
    return found + [Error(None, one["text"][:300]) for one in _ASSEMBLER.finditer(log)]


def compile_cuda(
    place: Place, progress: Progress, found: WithoutGpu, need: Need, given: Sources, seconds: float = COMPILE_S
) -> NoReturn:
    """Always Judged: `compile_error` for what no header of ours can be the reason of, `timeout` when nvcc takes longer
    than `seconds`, else `needs_gpu` at the stage that was reached. SandboxError."""
    for clause, line in given.unknown:
        found.not_checked.append(f"{clause} (line {line}): not compiled")
    if given.left_out:
        found.not_checked.append(f"nvcc was not given {', '.join(given.left_out)[:200]}")
    if not given.sources:
        raise Judged(Verdict.needs_gpu, Stage.policy_static, f"{need}: nothing of it could be compiled", line=need.line)
    progress.stage = Stage.compile
    with place.backend.create(place.spec(2 * seconds + 120), name=box_name("nvcc")) as box:
        progress.isolation = box.isolation
        toolkit = _toolkit(place, box)
        if toolkit is None:
            found.not_checked.append("its CUDA sources: the kernel lane's Python has no nvcc")
            raise Judged(Verdict.needs_gpu, Stage.policy_static, f"{need}: there is no nvcc here", line=need.line)
        _write_headers(box)
        whole = _compiled(box, toolkit, "".join(map(_with_line, given.sources)), given.flags, seconds)
        if whole.result.exit_code == 0:
            found.checked.append(
                "nvcc and ptxas take its CUDA sources for sm_90a, with declarations of ours for PyTorch's headers"
            )
            done = whole
        else:
            done = _devices_part(box, toolkit, found, given, whole, seconds)
    _facts(progress, found, given, done)
    found.not_checked.append("linking, loading and running: no number of it and no time")
    raise Judged(Verdict.needs_gpu, Stage.compile, f"{need}: it compiles for sm_90a, and was not run", line=need.line)


def _devices_part(
    box: Box, toolkit: str, found: WithoutGpu, given: Sources, whole: _Outcome, seconds: float
) -> _Outcome:
    """What came out for the kernels alone, when the whole does not compile. Judged."""
    if whole.result.timed_out:
        raise Judged(Verdict.timeout, Stage.compile, f"nvcc did not end within {seconds:g} s")
    if whole.result.oom:
        raise Judged(Verdict.oom, Stage.compile, "nvcc needs more memory than its box has")
    name = given.sources[0].name
    first = errors(whole.log, name)
    missing = sorted({one[0] or one[1] for one in _MISSING.findall(whole.log)})
    if missing:
        raise Judged(Verdict.needs_gpu, Stage.compile, f"not compiled: there is no {', '.join(missing)[:200]} here")
    if not first:
        raise Judged(
            Verdict.infra_error, Stage.compile, f"nvcc fails with status {whole.result.exit_code}: {whole.log[-300:]}"
        )
    if any(_OTHER_DEVICE.search(one.text) for one in first):
        raise Judged(Verdict.needs_gpu, Stage.compile, f"not for sm_90a, which is what is tried: {first[0].text}")
    if not _ERROR.search(whole.log):
        # ptxas comes after the front end has taken everything, our declarations too.
        raise Judged(Verdict.compile_error, Stage.compile, f"ptxas: {_said(first)}")
    cut = "".join(_with_line(CudaSource(one.name, device_only(one.text), one.line)) for one in given.sources)
    part = _compiled(box, toolkit, cut, given.flags, seconds)
    if part.result.exit_code == 0:
        found.checked.append("nvcc and ptxas take its kernels for sm_90a, without its host functions")
        found.not_checked.append(
            f"its host functions, and templates that only they use: with declarations of ours nvcc says {_said(first)}"
        )
        return part
    # What cutting may have brought about is not held against it: only what is wrong both with and without.
    known = set(first)
    both = [one for one in errors(part.log, name) if one in known]
    if part.result.timed_out or not both:
        raise Judged(
            Verdict.needs_gpu, Stage.compile, f"it could not be compiled with declarations of ours: {_said(first)}"
        )
    raise Judged(Verdict.compile_error, Stage.compile, f"nvcc: {_said(both)}", line=both[0].line)


def _said(found: Sequence[Error]) -> str:
    shown = [f"line {one.line}: {one.text}" if one.line else one.text for one in found[:_MOST_ERRORS]]
    more = f" (and {len(found) - len(shown)} more)" if len(found) > len(shown) else ""
    return "; ".join(shown) + more


def _toolkit(place: Place, box: Box) -> str | None:
    result = box.run([str(place.python), "-I", "-c", _FIND], timeout=60)
    lines = result.stdout.decode("utf-8", "replace").split()
    return lines[0] if result.exit_code == 0 and lines else None


def _write_headers(box: Box) -> None:
    box.write("declared/forgehand_torch.h", _DECLARED.read_bytes())
    for name in _HEADERS:
        box.write(f"declared/{name}", b'#include "forgehand_torch.h"\n')


def _with_line(source: CudaSource) -> str:
    name = re.sub(r"[^\w.-]", "_", source.name)
    return f'#line {source.line} "{name}"\n{source.text}\n'


def _compiled(box: Box, toolkit: str, text: str, flags: Sequence[str], seconds: float) -> _Outcome:
    # What torch.utils.cpp_extension puts before CUDA sources that stand in a program.
    box.write("source.cu", ("#include <torch/types.h>\n#include <cuda_runtime.h>\n" + text).encode())
    argv = [
        f"{toolkit}/bin/nvcc", "-c", TARGET, "-Xptxas=-v", "--keep", "--keep-dir", "/work", "-Ideclared",
        f"-I{toolkit}/include", "-isystem", f"{toolkit}/include/cccl", "--expt-relaxed-constexpr",
        "-std=c++17", *(one for one in flags if "std=" not in one), "source.cu", "-o", "source.o",
    ]  # fmt: skip
    result = box.run(argv, timeout=seconds, env={"TMPDIR": "/tmp"})  # noqa: S108 - of the box
    if result.exit_code != 0:
        return _Outcome(result)
    return _Outcome(result, box.read("source.ptx", limit=64 << 20).decode("utf-8", "replace"))


def _facts(progress: Progress, found: WithoutGpu, given: Sources, done: _Outcome) -> None:
    # No reference was run: what the task computes in is not known, and single precision is what tasks mean mostly.
    declared = ["float32"]
    floor = progress.task.tolerance.floor or 0.0
    used = usage(done.log)
    if len(used) > _MOST_KERNELS:
        found.not_checked.append(f"{len(used) - _MOST_KERNELS} of its {len(used)} kernels: no more are looked at")
    used = used[:_MOST_KERNELS]
    compiled = sections(done.ptx)[:_MOST_KERNELS]
    places = _places(
        given, {plain_name(one) for one in (*(one.entry for one in used), *(entry for entry, _ in compiled))}
    )
    for one in used:
        name = plain_name(one.entry)
        spilled = one.spill_stores + one.spill_loads
        found.kernels.append(
            CompiledKernel(name, one.target, one.registers, spilled, one.shared, next(iter(places[name]), None))
        )
    new: list[Finding] = []
    for entry, text in compiled:
        name = plain_name(entry)
        new += findings(census(text), name, declared, floor, next(iter(places[name]), None))
    new += [one for flag in given.flags if "fast_math" in flag for one in [_fast_math(flag)]]
    new += _never_launched(found, given, places)
    progress.findings += [one for one in new if one not in progress.findings]


def _fast_math(flag: str) -> Finding:
    return Finding(
        "fast_math", Tier.telemetry, f"it is compiled with {flag}: denormals are zero, functions approximate"
    )


def _never_launched(found: WithoutGpu, given: Sources, places: Mapping[str, Sequence[int]]) -> Iterator[Finding]:
    if not any("<<<" in one.text or "cudaLaunch" in one.text for one in given.sources):
        return  # kernels alone, which something else is to launch
    for kernel in found.kernels:
        if len(lines := places[kernel.name]) == 1:
            text = f"the kernel {kernel.name} is compiled and its name stands nowhere else: nothing launches it"
            yield Finding("kernel_never_launched", Tier.support, text, lines[0])


def _places(given: Sources, names: Set[str]) -> Mapping[str, Sequence[int]]:
    """The lines on which each of the names stands in the sources, comments left out."""
    found: dict[str, list[int]] = {name: [] for name in names}
    for source in given.sources:
        for number, line in enumerate(without_comments(source.text).split("\n"), source.line):
            for word in _WORD.findall(line):
                if word in found:
                    found[word].append(number)
    return found
