"""What a candidate may have compiled, and what names it. Tables and properties; nothing is compiled here."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.compiling import located
from kernels.flags import fast_math, fast_math_on_device, libraries, optimised, refused
from kernels.recipes import CUDA, MAIN, MOST_FILES, MOST_RECIPES, Recipe, from_json, inline, to_json, words


def recipe(**changed: Any) -> Recipe:
    return Recipe(**{"name": "made", "files": {MAIN: "int x;"}, **changed})


@pytest.mark.parametrize(
    "flag",
    [
        "-O", "-O0", "-O2", "-O3", "-Os", "-Ofast", "-std=c++17", "-std=gnu++20", "-march=native", "-march=x86-64-v3",
        "-mtune=native", "-mavx2", "-mfma", "-mavx512f", "-mno-avx512f", "-msse4.2", "-mprefer-vector-width=256",
        "-ffast-math", "-fopenmp", "-fopenmp-simd", "-funroll-loops", "-fno-math-errno", "-Wall", "-Wno-unused",
        "-Werror=return-type", "-w", "-g", "-g0", "-DTILE=64", "-DNDEBUG", "-UNDEBUG", "-pthread",
    ],
)  # fmt: skip
def test_flags_that_kernels_use_are_given(flag: str) -> None:
    assert refused(recipe(cflags=(flag,))) is None


@pytest.mark.parametrize(
    "flag",
    [
        "-fplugin=/tmp/x.so", "-fplugin-arg-x-y", "-wrapper", "-wrapper,sh", "-B/tmp", "-B", "@/tmp/flags",
        "-specs=/tmp/s", "--specs=/tmp/s", "-I/tmp", "-I", "-isystem", "-iquote", "-include", "/etc/passwd", "-imacros",
        "-idirafter", "-Wl,-z,now", "-Wa,--x", "-Wp,-MD,/tmp/x", "-Xlinker", "-Xassembler", "-Xpreprocessor", "-x",
        "-o", "-o/tmp/x", "-c", "-E", "-S", "-M", "-MD", "-MF", "-save-temps", "-dumpdir", "-fdump-tree-all",
        "-aux-info", "-fprofile-use=/tmp/x", "-fprofile-generate", "-flto", "-fuse-ld=gold", "-no-integrated-cpp",
        "-ldl", "-L/tmp", "-static", "-nostdlib", "-rdynamic", "other.cpp", "", " ", "-O2\n-fplugin=x", "-DX=$(id)",
        "-DX=`id`", "-D", "-DX=\"a\"", "-DTORCH_EXTENSION_NAME=other", "-UTORCH_API_INCLUDE_EXTENSION_H", "-O4", "-O22",
        "-march=native -fplugin=x", "--param=x", "-fsanitize=address", "-finstrument-functions", "-fcallgraph-info",
    ],
)  # fmt: skip
def test_flags_that_make_a_compiler_do_more_are_refused_by_name(flag: str) -> None:
    reason = refused(recipe(cflags=("-O2", flag)))
    assert reason is not None
    assert repr(flag) in reason


@pytest.mark.parametrize(
    ("flag", "given"),
    [
        ("-fopenmp", True), ("-lgomp", True), ("-lm", True), ("-lpthread", True), ("-ldl", True),
        ("-lopenblas", False), ("-L/tmp", False), ("-Wl,-rpath,/tmp", False), ("-Wl,-init,run", False),
        ("-T/tmp/script", False), ("-fuse-ld=/tmp/x", False), ("/tmp/x.so", False), ("-l:x.so", False),
        ("@/tmp/x", False), ("-specs=x", False), ("-fplugin=x", False), ("-static", False),
    ],
)  # fmt: skip
def test_the_linker_is_given_little(flag: str, given: bool) -> None:
    reason = refused(recipe(ldflags=(flag,)))
    assert (reason is None) == given
    assert given or (reason is not None and "linker" in reason)


@pytest.mark.parametrize(
    "flags",
    [
        ["-O3"], ["-O", "2"], ["--optimize=3"], ["-std=c++17"], ["--std", "c++20"], ["--use_fast_math"],
        ["-use_fast_math"], ["-lineinfo"], ["--generate-line-info"], ["--expt-relaxed-constexpr"],
        ["--expt-extended-lambda"], ["--extended-lambda"], ["-arch=sm_90a"], ["--gpu-architecture", "compute_80"],
        ["-gencode", "arch=compute_90a,code=sm_90a"], ["-gencode=arch=compute_90,code=[sm_90,compute_90]"],
        ["-arch=compute_90", "-code=sm_90,compute_90"], ["-maxrregcount=64"], ["--maxrregcount", "128"],
        ["-Xptxas", "-O3,-v"], ["-Xptxas=-dlcm=ca"], ["--ptxas-options=-v"], ["--ptxas-options", "--warn-on-spills"],
        ["-Xptxas", "--allow-expensive-optimizations=true"], ["-Xcompiler", "-fPIC,-O3"], ["-Xcompiler=-fopenmp"],
        ["--compiler-options", "-march=native"], ["-DBLOCK=64"], ["-U__CUDA_NO_HALF_OPERATORS__"], ["-ftz=true"],
        ["--fmad=false"], ["--prec-div", "false"], ["-diag-suppress=177,20012"], ["--threads", "4"], ["-w"], ["-g"],
        ["--restrict"], ["--extra-device-vectorization"], ["--resource-usage"], ["-Wno-deprecated-gpu-targets"],
    ],
)  # fmt: skip
def test_flags_that_cuda_kernels_use_are_given(flags: list[str]) -> None:
    assert refused(recipe(cuda_cflags=("-O3", *flags, "-lineinfo"))) is None


@pytest.mark.parametrize(
    "flag",
    [
        "-ccbin=/tmp/x", "--compiler-bindir=/tmp", "-Xlinker=-x", "--linker-options=-x", "--pre-include=/etc/passwd",
        "-include", "--run", "-run", "--options-file=/tmp/x", "@/tmp/x", "-L/tmp", "-L", "--library-path=/tmp", "-lx",
        "-I/tmp", "-isystem=/tmp", "-o", "-odir=/tmp", "-x", "--keep", "--keep-dir=/tmp", "-save-temps", "-dryrun",
        "-E", "-ptx", "-cubin", "-M", "-MF", "-dc", "-dlink", "-lib", "-link", "-rdc=true", "-dlto", "-ldir=/tmp",
        "-target-dir=x", "-noprof", "-use-local-env", "-time=/tmp/x", "-Xarchive=x", "-Xnvlink=-x", "-Xcudafe=--x",
        "-default-stream=per-thread", "--forward-unknown-to-host-compiler", "-fplugin=/tmp/x", "-jobserver",
        "-fdevice-time-trace=/tmp/x", "--qpp-config=x", "-hls=gen-lcs", "-sanitize=x", "-cudart=static", "-arbin=x",
        "-arch=native", "-arch=all", "-arch=sm_90;id", "-arch=$(id)", "-gencode", "-gencode=sm_90", "-code=x",
        "-Xptxas", "-Xptxas=", "-Xptxas=-v,--output-file=/tmp/x", "-Xptxas=--options-file=/tmp/x", "-Xptxas=-v;id",
        "--ptxas-options=--input-as-string=x", "-Xptxas=-arch=sm_90", "-Xptxas=x.ptx", "-Xcompiler=-O2,-B/tmp",
        "-Xcompiler=-O2;id", "-Xcompiler=-Wl,-init,run", "-Xcompiler=-DTORCH_EXTENSION_NAME=x", "-Xcompiler",
        "-DTORCH_EXTENSION_NAME=x", "-DX=`id`", "--define-macro=X", "-maxrregcount=x", "-Ofast", "-O9", "other.cu", "",
        "-", "--", "---O3", "-std=c++17;id", "-O3\n", "-fPIC", "-w=x", "-O3 -ccbin",
    ],
)  # fmt: skip
def test_flags_that_make_nvcc_do_more_are_refused_by_name(flag: str) -> None:
    assert refused(recipe(cuda_cflags=("-O3", flag))) == f"the nvcc flag {flag!r}"


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ("-ccbin /tmp/x", "-ccbin"),
        ("-Xlinker -init", "-Xlinker"),
        ("-optf /tmp/x", "-optf"),
        ("-D X", "-D"),
        ("-gencode arch=compute_90,code=sm_90;id", "-gencode arch=compute_90,code=sm_90;id"),
        ("-gencode -O3", "-gencode -O3"),
        ("-Xptxas -o,/tmp/x", "-Xptxas -o,/tmp/x"),
        ("-Xcompiler -fplugin=/tmp/x", "-Xcompiler -fplugin=/tmp/x"),
        ("--std -ccbin", "--std -ccbin"),
    ],
)
def test_what_stands_behind_a_flag_of_nvccs_is_looked_at_too(flags: str, named: str) -> None:
    assert refused(recipe(cuda_cflags=tuple(flags.split()))) == f"the nvcc flag {named!r}"


@given(st.lists(st.text(max_size=12) | st.sampled_from(["-arch", "-Xptxas", "-Xcompiler", "-gencode", "-O", "--std"])))
def test_nothing_that_a_shell_reads_comes_to_nvcc(flags: list[str]) -> None:
    if refused(recipe(cuda_cflags=tuple(flags))) is None:
        assert all(one and re.fullmatch(r"[A-Za-z0-9_.,=+\[\]-]*", one) for one in flags)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("-O3", "-lineinfo", "--ftz=false", "-fmad=true"), []),
        (("-O3", "--use_fast_math"), ["--use_fast_math"]),
        (("-use_fast_math", "-prec-div=false"), ["-use_fast_math", "-prec-div=false"]),
        (("--prec-sqrt", "false", "-ftz", "true"), ["--prec-sqrt false", "-ftz true"]),
        (("-Xcompiler", "-O3,-ffast-math"), ["-Xcompiler -O3,-ffast-math"]),
    ],
)
def test_what_nvcc_does_to_numbers_is_told(flags: tuple[str, ...], told: list[str]) -> None:
    assert list(fast_math_on_device(flags)) == told


def test_cudas_own_libraries_are_linked_with_what_is_for_a_device_alone() -> None:
    for flag in ("-lcudart", "-lcublas", "-lcublasLt"):
        assert refused(recipe(ldflags=(flag,))) == f"the linker flag {flag!r}"
        assert refused(recipe(ldflags=(flag,), with_cuda=True)) is None
        assert refused(recipe(ldflags=(flag,), files={CUDA: ""})) is None
    assert refused(recipe(ldflags=("-lcublas;x",), with_cuda=True)) is not None
    assert list(libraries(("-lcudart", "-lcublas", "-lm"))) == ["-lcublas"]


def test_no_folder_of_the_candidates_is_searched() -> None:
    assert refused(recipe(include_paths=("/tmp",))) == "the include path '/tmp'"


@given(st.text(max_size=30), st.sampled_from(["-fplugin", "-wrapper", "-B", "@", "-specs", "-I", "-Wl,", "-x", "-o"]))
def test_nothing_that_begins_as_a_forbidden_flag_is_given(rest: str, start: str) -> None:
    assert refused(recipe(cflags=(start + rest,))) is not None


@pytest.mark.parametrize(
    ("flags", "optimises", "fast"),
    [
        ((), False, []),
        (("-O0",), False, []),
        (("-O3", "-O0"), False, []),
        (("-O0", "-O2"), True, []),
        (("-Ofast",), True, ["-Ofast"]),
        (("-O3", "-ffast-math"), True, ["-ffast-math"]),
    ],
)
def test_what_flags_do_to_numbers_and_speed_is_told(flags: tuple[str, ...], optimises: bool, fast: list[str]) -> None:
    assert optimised(flags) == optimises
    assert list(fast_math(flags)) == fast


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True)
RECIPES = st.builds(
    Recipe,
    name=NAMES,
    files=st.dictionaries(NAMES.map("{}.h".format), st.text(max_size=40), max_size=3).map(
        lambda others: {MAIN: "int x;", **others}
    ),
    cflags=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    cuda_cflags=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    with_cuda=st.booleans(),
    ldflags=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    plain=st.booleans(),
    functions=st.lists(NAMES, max_size=3).map(tuple),
    line=st.none() | st.integers(1, 1000),
)


@given(st.lists(RECIPES, max_size=MOST_RECIPES))
def test_recipes_arrive_as_they_were(recipes: list[Recipe]) -> None:
    found = from_json(to_json(recipes))
    assert found == recipes
    assert [(one.key, one.line) for one in found] == [(one.key, one.line) for one in recipes]


@given(RECIPES, RECIPES)
def test_a_key_is_all_that_the_compiler_is_given(one: Recipe, other: Recipe) -> None:
    def given_to_the_compiler(of: Recipe) -> tuple[Any, ...]:
        flags = of.cflags, of.cuda_cflags, of.ldflags, of.include_paths
        return of.name, dict(of.files), flags, of.with_cuda, of.plain

    assert (one.key == other.key) == (given_to_the_compiler(one) == given_to_the_compiler(other))


def test_each_part_of_a_recipe_changes_its_key_and_what_is_told_of_it_does_not() -> None:
    plain = recipe()
    others = [
        recipe(name="other"),
        recipe(files={MAIN: "int x; "}),
        recipe(files={"other.cpp": "int x;"}),
        recipe(files={MAIN: "int x;", "a.h": ""}),
        recipe(cflags=("-O2",)),
        recipe(ldflags=("-O2",)),
        recipe(cuda_cflags=("-O2",)),
        recipe(with_cuda=True),
        recipe(files={"other.cu": "int x;"}),
        recipe(cflags=("-O2", "-w")),
        recipe(cflags=("-O2 -w",)),
        recipe(include_paths=("-O2",)),
        recipe(plain=True),
    ]
    assert len({one.key for one in (plain, *others)}) == len(others) + 1
    assert recipe(line=3).key == recipe(functions=("f",)).key == plain.key


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a-b"},
        {"name": "../x"},
        {"name": "x" * 101},
        {"files": {}},
        {"files": {"only.h": ""}},
        {"files": {"only.cuh": ""}},
        {"files": {"../x.cu": ""}},
        {"files": {"../main.cpp": ""}},
        {"files": {"/etc/x.cpp": ""}},
        {"files": {"-o.cpp": ""}},
        {"files": {"@x.cpp": ""}},
        {"files": {"x.so": "", MAIN: ""}},
        {"files": {MAIN: "x" * (3 << 20)}},
        {"files": {f"f{number}.cpp": "" for number in range(MOST_FILES + 1)}},
    ],
)
def test_what_cannot_be_a_recipe(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cannot be|C\+\+ file|at most"):
        recipe(**wrong)
    whole = {"name": "made", "files": {MAIN: ""}, "cflags": [], "ldflags": [], "include_paths": [], "functions": []}
    device = {"cuda_cflags": [], "with_cuda": False}
    told = json.dumps([{**whole, **device, "plain": False, "line": None, **wrong}]).encode()
    with pytest.raises(ValueError, match=r"cannot be|C\+\+ file|at most"):
        from_json(told)


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda one: st.lists(one, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "files", "cflags", "plain", "line"]), one, max_size=4), max_leaves=8,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_whatever_a_box_says_is_recipes_or_refused(data: bytes) -> None:
    try:
        found = from_json(data)
    except ValueError:
        return
    assert all(isinstance(one, Recipe) for one in found)


def test_too_many_and_too_deep_are_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        from_json(to_json([recipe()] * (MOST_RECIPES + 1)))
    with pytest.raises(ValueError, match=r"nested|recipe|JSON|extensions"):
        from_json(b"[" * 100_000)


def test_load_inline_makes_the_file_that_torch_makes() -> None:
    files, functions = inline("made", ["int f();", "int g();"], ["f", "g"])
    assert functions == ("f", "g")
    assert files[MAIN].splitlines() == [
        "#include <torch/extension.h>",
        "int f();",
        "int g();",
        "PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {",
        'm.def("f", torch::wrap_pybind_function(f), "f");',
        'm.def("g", torch::wrap_pybind_function(g), "g");',
        "}",
    ]
    plain, functions = inline("made", "int f();", {"f": "what it does"}, handled=False, headers=False)
    assert plain[MAIN].splitlines()[0] == "int f();"
    assert 'm.def("f", f, "what it does");' in plain[MAIN]
    assert inline("made", "int f();", None) == ({MAIN: "#include <torch/extension.h>\nint f();"}, ())
    with pytest.raises(ValueError, match="functions"):
        inline("made", "", 3)
    with pytest.raises(TypeError, match="text"):
        inline("made", [b"int f();"], None)


def test_load_inline_makes_the_cuda_file_that_torch_makes() -> None:
    files, functions = inline("made", "int f();", ["f"], cuda_sources=["int f() { return 3; }", "// end"])
    assert functions == ("f",)
    assert files[CUDA].splitlines() == [
        "#include <torch/types.h>", "#include <cuda.h>", "#include <cuda_runtime.h>", "int f() { return 3; }", "// end",
    ]  # fmt: skip
    assert files[MAIN] == inline("made", "int f();", ["f"])[0][MAIN], "functions are bound in C++"
    assert inline("made", "", None, cuda_sources="int x;", headers=False)[0] == {MAIN: "", CUDA: "int x;"}
    assert list(inline("made", "", None, cuda_sources=[])[0]) == list(inline("made", "", None, cuda_sources="")[0])
    assert CUDA not in inline("made", "", None, cuda_sources="")[0]
    with pytest.raises(TypeError, match="text"):
        inline("made", "", None, cuda_sources=[b"int x;"])
    built = Recipe("made", files)
    assert (built.units, built.cuda_units, built.cuda) == ([MAIN], [CUDA], True)
    assert not recipe().cuda
    assert recipe(with_cuda=True).cuda


def test_flags_are_words_however_they_are_written() -> None:
    assert words(None) == ()
    assert words("-O2") == ("-O2",)
    assert words(["-O3 -march=native", "-DX='1'"]) == ("-O3", "-march=native", "-DX=1")
    with pytest.raises(TypeError, match="text"):
        words([3])


def test_an_error_gets_the_candidates_line_where_it_stands_there_once() -> None:
    source = b'CODE = """\nint f() {\n  return missing;\n}\nint same;\nint same;\n"""\n'
    made = Recipe("made", {MAIN: "#include <torch/extension.h>\nint f() {\n  return missing;\n}\nint same;\nint same;"})
    told, first = located(
        ["main.cpp:3:10: error: 'missing' was not declared in this scope", "main.cpp:6:5: error: redefinition"],
        made,
        source,
    )
    assert told[0].startswith("line 3: main.cpp:3:10: error")
    assert told[1].startswith("main.cpp:6:5")
    assert first == 3
    assert located(["torch/all.h:3:1: error: x", "cc1plus: out of memory"], made, source)[1] is None
    assert located(["main.cpp:99:1: error: x", "main.cpp:1:1: error: x"], made, source)[1] is None
    cuda = Recipe("made", {"cuda.cu": made.files[MAIN]})
    for said in ("cuda.cu(3): error: x", "cuda.cu(3): catastrophic error: x", "cuda.cu:3:10: fatal error: x"):
        assert located([said], cuda, source) == ([f"line 3: {said}"], 3)
    assert located(["cuda.cu(99): error: x", "ptxas x.ptx, line 3; error   : x"], cuda, source)[1] is None
