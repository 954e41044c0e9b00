"""CUDA sources where there is no GPU: nvcc in a real box, with declarations of ours for PyTorch's headers."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from kernels.bench import Judged
from kernels.broker import Broker, Report
from kernels.candidate import Candidate
from kernels.cases import CORPUS, read_cases
from kernels.findings import Tier
from kernels.hosting import Place
from kernels.task import Task
from kernels.verdicts import Stage, Verdict
from kernels.without_gpu import Kind, Need, WithoutGpu
from kernels.without_gpu.nvcc import compile_cuda
from kernels.without_gpu.sources import CudaSource, Sources, cuda_sources

pytestmark = pytest.mark.xdist_group("kernels for a GPU")

TASK = Task("own", b"")
SOURCE = r'''
from torch.utils.cpp_extension import load_inline

CUDA = r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>

template <typename scalar_t>
__global__ void scale(const scalar_t* x, scalar_t* out, float by, int64_t count) {
    __shared__ float kept[256];
    int64_t at = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
    kept[threadIdx.x] = at < count ? static_cast<float>(x[at]) : 0.0f;
    __syncthreads();
    if (at < count) out[at] = static_cast<scalar_t>(kept[255 - threadIdx.x] * by);
}
__global__ void decoy(float* x) { x[0] = 1.0f; }

torch::Tensor run(torch::Tensor x, double by) {
    TORCH_CHECK(x.is_cuda() && x.dim() == 2, "x must be a matrix on a GPU, not ", x.sizes().size());
    auto out = torch::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES_AND_HALF(x.scalar_type(), "run", ([&] {
        scale<scalar_t><<<(x.numel() + 255) / 256, 256, 0, at::cuda::getCurrentCUDAStream()>>>(
            x.data_ptr<scalar_t>(), out.data_ptr<scalar_t>(), by, x.numel());
    }));
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}
"""
extension = load_inline(name="own", cpp_sources="", cuda_sources=[CUDA], functions=["run"])

class ModelNew: ...
'''


def verified(place: Place, source: str, name: str = "own.py") -> Report:
    with Broker(place) as broker:
        return broker.verify(TASK, Candidate(name, source.encode()), quick=True)


def line(text: str) -> int:
    return next(number for number, one in enumerate(SOURCE.split("\n"), 1) if text in one)


def test_it_compiles_and_that_is_all_that_is_said(place: Place) -> None:
    report = verified(place, SOURCE)
    assert (report.verdict, report.stage) == (Verdict.needs_gpu, Stage.compile), report
    assert report.isolation == "bubblewrap"
    found = report.without_gpu
    assert found is not None
    assert sorted(one.name for one in found.kernels) == ["decoy", "scale", "scale", "scale"]
    assert all(one.target == "sm_90a" and one.registers > 0 and one.spilled == 0 for one in found.kernels)
    assert {(one.line, one.shared) for one in found.kernels if one.name == "scale"} == {(line("void scale"), 1024)}
    assert any("running" in one for one in found.not_checked)
    assert [(one.rule, one.line) for one in report.findings if one.tier is Tier.support] == [
        ("kernel_never_launched", line("void decoy"))
    ]


@pytest.mark.parametrize(
    ("before", "after", "verdict", "said"),
    [
        ("kept[255 - threadIdx.x]", "keptt[0]", Verdict.compile_error, 'identifier "keptt" is undefined'),
        ("return out;", "return torch::nothing_we_declare(out);", Verdict.needs_gpu, "nothing_we_declare"),
        ("#include <torch/extension.h>", "#include <cublas_v2.h>", Verdict.needs_gpu, "cublas_v2.h"),
        ("__syncthreads();", 'asm volatile("no_instruction;");', Verdict.compile_error, "no_instruction"),
    ],
)
def test_what_is_wrong_in_a_kernel_is_its_fault_and_what_is_missing_here_is_not(
    place: Place, before: str, after: str, verdict: Verdict, said: str
) -> None:
    assert before in SOURCE
    report = verified(place, SOURCE.replace(before, after))
    assert report.verdict is verdict, report
    assert report.without_gpu is not None
    assert said in " ".join([*report.reasons, *report.without_gpu.not_checked])
    if "identifier" in said:
        assert report.line == line(before)
    if "nothing_we_declare" in said:
        names = [one.name for one in report.without_gpu.kernels]
        assert names == ["decoy"], "the kernels are compiled without the host's functions, a template where it is used"


def test_a_cuda_file_by_itself(place: Place) -> None:
    report = verified(place, "__global__ void twice(float* x) { x[threadIdx.x] *= 2; }\n", "own.cu")
    assert (report.verdict, report.stage) == (Verdict.needs_gpu, Stage.compile), report
    assert report.without_gpu is not None
    assert [one.name for one in report.without_gpu.kernels] == ["twice"]
    assert not [one for one in report.findings if one.tier is Tier.support], "it is for others to launch"


BOMB = """
template <int N> struct Deep { static constexpr long value = Deep<N - 1>::value + Deep<N - 2>::value; };
template <> struct Deep<0> { static constexpr long value = 1; };
template <> struct Deep<1> { static constexpr long value = 1; };
constexpr long slow(long n) { long sum = 0; for (long i = 0; i < n; ++i) sum += i * i; return sum; }
template <long N> struct Many { static constexpr long value = slow(100000 + N) + Many<N - 1>::value; };
template <> struct Many<0> { static constexpr long value = 0; };
__global__ void bomb(long* x) { x[0] = Many<800>::value; }
"""


def test_a_source_that_keeps_the_compiler_busy_ends_as_a_timeout(place: Place) -> None:
    report = Report(TASK, Candidate("own.cu", BOMB.encode()))
    need, given = Need(Kind.cuda, "it is a CUDA source", 1), Sources((CudaSource("own.cu", BOMB, 1),))
    with pytest.raises(Judged) as end:
        compile_cuda(place, report, WithoutGpu(Kind.cuda), need, given, seconds=3)
    assert (end.value.verdict, end.value.stage) == (Verdict.timeout, Stage.compile), end.value.reason
    assert list(place.backend.reap(lambda: ())) == []


def test_a_place_without_nvcc_says_so(place: Place) -> None:
    other = replace(place, python=Path("/usr/bin/python3"))
    report = verified(other, SOURCE)
    assert (report.verdict, report.stage) == (Verdict.needs_gpu, Stage.policy_static), report
    assert "there is no nvcc here" in report.reasons[0]


FIXTURES = [one for one in read_cases(CORPUS) if one.on_device and b"cuda_sources" in one.candidate.source]


def test_all_fixtures_for_a_gpu_are_compiled(place: Place) -> None:
    """They are run only where a device is, and none ever was: that they are CUDA at all is shown here, in one go."""
    assert len(FIXTURES) >= 9
    sources: list[CudaSource] = []
    for number, case in enumerate(FIXTURES):
        given = cuda_sources(ast.parse(case.candidate.source), case.candidate.name)
        assert not given.unknown
        for one in given.sources:
            includes = "\n".join(part for part in one.text.split("\n") if part.startswith("#include"))
            rest = "\n".join("" if part.startswith("#include") else part for part in one.text.split("\n"))
            sources.append(CudaSource(one.name, f"{includes}\nnamespace case{number} {{\n{rest}\n}}", one.line))
    report = Report(TASK, Candidate("all.cu", b""))
    found = WithoutGpu(Kind.cuda)
    with pytest.raises(Judged) as end:
        compile_cuda(place, report, found, Need(Kind.cuda, "they are CUDA", 1), Sources(tuple(sources)))
    assert (end.value.verdict, end.value.stage) == (Verdict.needs_gpu, Stage.compile), end.value.reason
    assert any("take its CUDA sources" in one for one in found.checked), found
    assert len(found.kernels) >= 8
