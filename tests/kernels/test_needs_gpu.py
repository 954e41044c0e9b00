"""What a candidate's text says it needs, and where its CUDA sources stand. Pure."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.candidate import Candidate
from kernels.without_gpu import Kind, need
from kernels.without_gpu.host_code import device_only
from kernels.without_gpu.sources import cuda_sources


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("import torch\nimport triton", Kind.triton, 2),
        ("from triton.language import load", Kind.triton, 1),
        ("import triton\nimport triton.language", Kind.triton, 1),
        ("load_inline(name='a',\n cuda_sources=[code])", Kind.cuda, 2),
        ("load('a', sources=['a.cpp', 'a.cu'])", Kind.cuda, 1),
        ("cpp_extension.load(name='a', sources=['dir/kernel.cu'])", Kind.cuda, 1),
        ("import triton\nload_inline(name='a', cuda_sources=[code])", Kind.cuda, 2),
        ("import triton\nimport cupy", Kind.other, 2),
        ("from cuda import cudart", Kind.other, 1),
        ("load_inline(name='a', cpp_sources=code)", None, None),
        ("load_inline(name='a', cpp_sources=code, cuda_sources=[])", None, None),
        ("load_inline(name='a', cuda_sources='')", None, None),
        ("load('a', sources=['a.cpp'])", None, None),
        ("import tritonic", None, None),
        ("x = 'import triton'", None, None),
        ("'see kernel.cu'", None, None),
    ],
)
def test_what_needs_a_gpu(source: str, kind: Kind | None, line: int | None) -> None:
    found = need(ast.parse(source))
    assert (found and found.kind, found and found.line) == (kind, line)


@pytest.mark.parametrize(
    ("rest", "named"),
    [
        ("x.cuda()", True),
        ("torch.empty(3, device='cuda')", True),
        ("torch.empty(3, device='cuda:0')", True),
        ("torch.empty(3, device=x.device)", True),
        ("assert x.is_cuda", True),
        ("torch.empty_like(x)", False),
        ("print('cuda is a word')", False),
    ],
)
def test_a_stand_in_is_there_for_those_that_name_the_device(rest: str, named: bool) -> None:
    found = need(ast.parse(f"import triton\n{rest}"))
    assert found is not None
    assert found.names_cuda == named


def test_a_cuda_file_is_one_by_its_name() -> None:
    assert Candidate("k.cu", b"").is_cuda
    assert not Candidate("cu.py", b"").is_cuda


CALL = "load_inline(name='a', cuda_sources={})"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (CALL.format("'one'"), [("one", 1)]),
        (CALL.format("['one', 'two']"), [("one", 1), ("two", 1)]),
        (f"A = '''\none'''\n{CALL.format('A')}", [("\none", 1)]),
        (f"\nA = 'one'\nB = [A, 'two']\n{CALL.format('B')}", [("one", 2), ("two", 3)]),
        (f"A = 'one'\n{CALL.format('A + chr')}".replace("chr", "'two'"), [("onetwo", 1)]),
        (CALL.format("''"), []),
        ("def f():\n  code = 'one'\n  load_inline(cuda_sources=code)", [("one", 2)]),
    ],
)
def test_literal_sources_are_found_with_the_line_they_begin_at(source: str, found: list[tuple[str, int]]) -> None:
    given_ = cuda_sources(ast.parse(source), "c.py")
    assert [(one.text, one.line) for one in given_.sources] == found
    assert not given_.unknown


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (CALL.format("make()"), 1),
        (CALL.format("f'{a}'"), 1),
        (f"A = 'a'\nA = 'b'\n{CALL.format('A')}", 3),
        (f"A = 'a'\nA += 'b'\n{CALL.format('A')}", 3),
        (f"A = B\nB = A\n{CALL.format('A')}", 3),
        (CALL.format("open('k.cu').read()"), 1),
        ("load('a', sources=['k.cu'])", 1),
    ],
)
def test_a_source_that_is_put_together_is_said_to_be_unknown(source: str, line: int) -> None:
    given_ = cuda_sources(ast.parse(source), "c.py")
    assert not given_.sources
    assert [where for _, where in given_.unknown] == [line]


def test_flags_that_name_files_or_plug_ins_are_left_out() -> None:
    flags = ["-O3", "--use_fast_math", "-std=c++17", "-DWIDTH=4", "-Xcompiler=-fplugin=x.so", "-include=/etc/passwd"]
    given_ = cuda_sources(ast.parse(f"load_inline(cuda_sources='x', extra_cuda_cflags={flags})"), "c.py")
    assert list(given_.flags) == flags[:4]
    assert list(given_.left_out) == flags[4:]


SOURCE = """#include <torch/extension.h>
#define WIDTH \\
    4
struct Pair { int a; int sum() const { return a; } };
constexpr int twice(int x) { return 2 * x; }
// a comment with { and __global__
__device__ float half_of(float x) { return x / 2; }
extern "C" {
template <typename T>
__global__ void kernel(T* out) { if (out) { out[0] = T(twice(WIDTH)); } }
}
namespace inner {
__global__ void other(float* x) { x[0] = half_of(x[0]); }
torch::Tensor host(torch::Tensor x) {
    const char* text = "}";
#ifdef MORE
    kernel<<<1, 1>>>(x.data_ptr<float>());
#endif
    return x;
}
}  // namespace inner
torch::Tensor declared(torch::Tensor x);
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("host", &inner::host); }
"""


def test_what_the_device_gets_is_left_line_for_line() -> None:
    left = device_only(SOURCE)
    assert left.count("\n") == SOURCE.count("\n")
    before, after = SOURCE.split("\n"), left.split("\n")
    kept = [number for number, line in enumerate(after) if line.strip()]
    assert all(before[number].startswith(after[number].rstrip()) for number in kept), (
        "comments may go with what they follow"
    )
    text = "".join(after)
    for word in ("struct Pair", "twice(int x)", "half_of(float x)", "void kernel", "void other", "#ifdef", "#endif"):
        assert word in text, word
    for word in ("torch::Tensor", "PYBIND11", "<<<", "const char", "return x;"):
        assert word not in text, word


@given(st.text(alphabet="{}();\"'#/*\n a_:x", max_size=80))
def test_no_text_is_too_odd_to_be_cut(text: str) -> None:
    left = device_only(text)
    assert len(left) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, left, strict=True))
    assert left.count("\n") == text.count("\n")
