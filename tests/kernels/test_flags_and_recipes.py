"""What a candidate may have compiled, and what names it. Tables and properties; nothing is compiled here."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.compiling import located
from kernels.flags import fast_math, optimised, refused
from kernels.recipes import MAIN, MOST_FILES, MOST_RECIPES, Recipe, from_json, inline, to_json, words


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
        return of.name, dict(of.files), of.cflags, of.ldflags, of.include_paths, of.plain

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
    told = json.dumps([{**whole, "plain": False, "line": None, **wrong}]).encode()
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
