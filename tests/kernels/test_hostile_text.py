"""Text that is made to keep a reader busy: what the broker reads of a candidate takes a time that grows with the text.

Each of these took minutes to hours, in part with Python's lock held, so that no other thread of the process went on.
"""

import ast
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.candidate import static_findings
from kernels.compiling import _findings as of_recipe
from kernels.cpp_text import code_alone, without_comments
from kernels.recipes import MAIN, Recipe
from kernels.task import Task
from kernels.without_gpu import Kind, WithoutGpu
from kernels.without_gpu.host_code import device_only
from kernels.without_gpu.needs import need
from kernels.without_gpu.nvcc import _facts, errors
from kernels.without_gpu.ptx import census, plain_name, sections, usage
from kernels.without_gpu.sources import CudaSource, Sources, cuda_sources

LENGTH = 600_000
ENOUGH_S = 6.0
"""Of this process's own time. The longest takes a fraction of a second; the quadratic forms take minutes."""


def seconds_of(read: Callable[[], Any]) -> float:
    before = time.process_time()
    read()
    return time.process_time() - before


def times(text: str) -> str:
    return text * (LENGTH // len(text))


TEXTS = {
    "comments that nothing ends": times("/* "),
    "raw strings that nothing ends": times('R"a('),
    "raw strings within their delimiters": times('R"'),
    "quotes that are escaped": '"' + times('\\"'),
    "characters that are escaped": "'" + times("\\'"),
    "blocks without a semicolon": times("a{}"),
    "blanks, and blocks": times(" ") + times("a{}"),
    "directives in what is erased": "torch::Tensor f() {\n" + times("#a\n") + "}",
    "macros without their ends": times("#define a "),
    "closing braces": times("}"),
    "words": times("CUDA_"),
    "digits": times("1"),
}


@pytest.mark.parametrize("read", [without_comments, code_alone, device_only], ids=lambda one: str(one.__name__))
@pytest.mark.parametrize("name", TEXTS)
def test_sources_are_read_in_no_time(name: str, read: Callable[[str], str]) -> None:
    assert seconds_of(lambda: read(TEXTS[name])) < ENOUGH_S


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_told_of_a_recipe_is_found_in_no_time(name: str) -> None:
    recipe = Recipe("own", {MAIN: TEXTS[name]})
    assert seconds_of(lambda: of_recipe(recipe)) < ENOUGH_S


SAID = TEXTS | {
    "conversions": times("cvt.rn."),
    "one long conversion": "cvt.r" + times("a."),
    "flushes": times("add.ftz"),
    "products": times("mma."),
    "entries": times(".entry f "),
    "a long name": ".entry _Z" + times("1a"),
    "digits of an entry": "Compiling entry function 'f' for 'sm_90a'" + times("1"),
    "entries that nothing ends": times("Compiling entry function '"),
    "lines of a file": times("x(1"),
    "the assembler": "\n" + times("ptxas error "),
}


@pytest.mark.parametrize("name", SAID)
def test_what_a_compiler_says_is_read_in_no_time(name: str) -> None:
    text = SAID[name]

    def read() -> None:
        for entry, part in sections(text):
            plain_name(entry)
            census(part)
        census(text)
        usage(text)
        errors(text, "c.py")
        plain_name("_ZN" + text)

    assert seconds_of(read) < ENOUGH_S


def some(text: str) -> str:
    return text * (LENGTH // 4 // len(text))


PROGRAMS = {
    "imports of triton": some("import triton\n"),
    "tries": "def forward():\n" + some(" try: 1\n finally: 2\n"),
    "loaders in loaders": "load([" + some("1,") + "'k.cu'])" + ".load(1)" * 800,
    "loaders without a file": "load([" + some("1,") + "])" + ".load(1)" * 800,
    "sources of everything": f"x = 'a' * 2\n{some('f(sources=1)' + chr(10))}",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_looked_through_in_no_time(name: str) -> None:
    tree = ast.parse(PROGRAMS[name])

    def read() -> None:
        need(tree)
        static_findings(tree)
        cuda_sources(tree, "c.py")

    assert seconds_of(read) < ENOUGH_S


def test_sources_are_not_put_together_without_end() -> None:
    doubled = "\n".join(f"a{n + 1} = a{n} + a{n}" for n in range(19))
    text = f"a0 = {'x' * 1000!r}\n{doubled}\nload_inline(cuda_sources=[a19])\nload_inline(cuda_sources=[a3])"
    found = cuda_sources(ast.parse(text), "c.py")
    assert [len(one.text) for one in found.sources] == [8000]
    assert len(found.unknown) == 1
    many = f"A = {'x' * 100_000!r}\nB = [{'A, ' * 5000}]\n" + "load_inline(cuda_sources=B)\n" * 3000
    found = cuda_sources(ast.parse(many), "c.py")
    assert 1 < sum(len(one.text) for one in found.sources) <= 2 << 20
    assert any("more than" in why for why, _ in found.unknown)


def test_no_more_kernels_are_looked_at_than_somebody_would_read() -> None:
    """Each was looked for in all of the text."""
    count = 20_000
    text = "\n".join(f"__global__ void k{number}() {{}} // <<<" for number in range(count))
    log = "".join(
        f"ptxas info : Compiling entry function '_Z{len(name)}{name}v' for 'sm_90a'\nUsed 8 registers\n"
        for name in (f"k{number}" for number in range(count))
    )
    ptx = "".join(f".entry _Z{len(name)}{name}v add.ftz.f32\n" for name in (f"k{number}" for number in range(count)))
    found, progress = WithoutGpu(Kind.cuda), SimpleNamespace(task=Task("own", b""), findings=[])
    done: Any = SimpleNamespace(log=log, ptx=ptx)
    took = seconds_of(lambda: _facts(progress, found, Sources((CudaSource("c.cu", text, 1),)), done))
    assert took < ENOUGH_S
    assert (len(found.kernels), found.kernels[1].line) == (200, 2)
    assert any("19800 of its 20000 kernels" in one for one in found.not_checked)
    rules = {one.rule for one in progress.findings}
    assert rules == {"flushes_denormals", "kernel_never_launched"}


@given(st.text(alphabet="/*\"'\\R()a\n ", max_size=60))
def test_line_for_line_nothing_but_blanks_is_put_in(text: str) -> None:
    for read in (without_comments, code_alone):
        left = read(text)
        assert len(left) == len(text)
        assert all(new in (old, " ") for old, new in zip(text, left, strict=True))
        assert left.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("text", "left", "code"),
    [
        ("a // b\nc", "a     \nc", "a     \nc"),
        ("a /* b\n */ c", "a     \n    c", "a     \n    c"),
        ('f("//x") // y', 'f("//x")     ', "f(     )     "),
        ("a /* open", "a        ", "a        "),
        ('R"x(// " )" )x" // y', 'R"x(// " )" )x"     ', " " * 20),
        ("c = '\"'; // y", "c = '\"';     ", "c =    ;     "),
        (r'"\"//" x // y', r'"\"//" x     ', "       x     "),
        ('"open\nx // y', '"open\nx     ', "     \nx     "),
    ],
)
def test_where_comments_and_strings_are(text: str, left: str, code: str) -> None:
    assert without_comments(text) == left
    assert code_alone(text) == code


@pytest.mark.parametrize(
    ("instruction", "narrowed"),
    [
        ("cvt.rn.bf16x2.f32 %r1, %f1, %f2;", {"bf16": 1}),
        ("cvt.rna.tf32.f32 %r1, %f1;", {"tf32": 1}),
        ("cvt.rn.satfinite.relu.e4m3x2.f32 %r1, %f1, %f2;", {"e4m3": 1}),
        ("cvt.rn.f32.bf16 %f1, %r1;", {}),
        ("cvt.rn.f16.f64 %f1, %r1;", {}),
        ("cvt.rn;", {}),
    ],
)
def test_what_a_conversion_rounds_to(instruction: str, narrowed: dict[str, int]) -> None:
    assert census(instruction).narrowed == narrowed


def test_numbers_that_are_too_long_are_none() -> None:
    assert usage(f"Compiling entry function 'f' for 'sm_90a' Used {'9' * 5000} registers")[0].registers == 0
    assert errors(f"c.py({'9' * 5000}): error: x", "c.py") == []
    assert set(plain_name("_Z" + "9" * 5000)) == {"9"}
