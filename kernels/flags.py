"""Which flags of a candidate's the compilers are given. Pure.

An allow-list: what a flag may make a compiler do (load a plugin, run another program, read a file, replace the linker)
is more than a list of forbidden ones would hold (https://gcc.gnu.org/onlinedocs/gcc/Option-Summary.html and
https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/). nvcc hands what it is given on to a shell, so no value has a
character that means something there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kernels.recipes import Recipe

_FAST_MATH = frozenset(
    {
        "-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-fassociative-math", "-freciprocal-math",
        "-ffinite-math-only", "-fno-signed-zeros", "-fcx-limited-range",
    }
)  # fmt: skip
_NAMED = _FAST_MATH | frozenset(
    {
        "-ftree-vectorize", "-fno-tree-vectorize", "-ftree-loop-vectorize", "-ftree-slp-vectorize",
        "-fvect-cost-model=unlimited", "-fopenmp", "-fopenmp-simd", "-pthread", "-fomit-frame-pointer",
        "-funroll-loops", "-funroll-all-loops", "-finline-functions", "-fno-inline", "-fprefetch-loop-arrays",
        "-fstrict-aliasing", "-fno-strict-aliasing", "-fwrapv", "-fno-math-errno", "-fno-trapping-math",
        "-frounding-math", "-ffp-contract=fast", "-ffp-contract=off", "-ffp-contract=on", "-fvisibility=hidden",
        "-fvisibility-inlines-hidden", "-fno-plt", "-fno-semantic-interposition", "-fno-stack-protector", "-fPIC",
        "-fpermissive", "-w", "-pipe", "-ggdb", "-m64",
    }
)  # fmt: skip
_OPTIMISATION = re.compile(r"-O([0-3sg]|fast)?")
_PATTERNS = (
    _OPTIMISATION,
    re.compile(r"-std=(c|gnu)\+\+(14|17|1z|20|2a|23|2b)"),
    re.compile(r"-m(arch|tune)=[a-z0-9-]{2,30}"),
    re.compile(r"-m(no-)?(sse[234]?(\.[12])?|ssse3|avx2?|avx512[a-z0-9]*|avxvnni|fma|f16c|bmi2?|popcnt|lzcnt)"),
    re.compile(r"-mprefer-vector-width=(128|256|512)"),
    re.compile(r"-W(error=)?[a-z][a-z0-9+-]{2,60}"),
    re.compile(r"-g[0-3]?"),
    re.compile(r"-[DU][A-Za-z_][A-Za-z0-9_]{0,60}(=[A-Za-z0-9_.+-]{0,60})?"),
)
_LINK = re.compile(r"-O[0-3]?|-fopenmp|-pthread|-shared|-l(gomp|m|pthread|dl|rt|stdc\+\+)|-s|-g[0-3]?")
_LINK_CUDA = re.compile(r"-l(cudart|cuda|nvrtc|cublas|cublasLt|cufft|curand|cusolver|cusparse)")
_MACROS = frozenset({"TORCH_EXTENSION_NAME", "TORCH_API_INCLUDE_EXTENSION_H"})

# Of nvcc and ptxas without the dashes: one or two are right for this name or that, which they know best themselves.
# Left out on purpose is also -default-stream, by which kernels would run beside what torch waits for.
_NVCC_FAST_MATH = frozenset({"use_fast_math", "ftz=true", "prec-div=false", "prec-sqrt=false"})
_NVCC_NAMED = frozenset(
    {
        "use_fast_math", "lineinfo", "generate-line-info", "expt-relaxed-constexpr", "expt-extended-lambda",
        "extended-lambda", "extra-device-vectorization", "restrict", "resource-usage", "res-usage", "g", "m64", "w",
        "disable-warnings", "Wno-deprecated-gpu-targets", "Wno-deprecated-declarations",
    }
)  # fmt: skip
_ARCH = r"(compute|sm)_[0-9]{2,3}[af]?"
_NVCC_VALUED: Mapping[str, re.Pattern[str]] = {
    name: re.compile(value)
    for names, value in {
        ("arch", "gpu-architecture"): _ARCH,
        ("code", "gpu-code"): rf"{_ARCH}(,{_ARCH}){{0,9}}",
        ("gencode", "generate-code"): rf"arch=compute_[0-9]{{2,3}}[af]?,code=({_ARCH}|\[{_ARCH}(,{_ARCH}){{0,9}}\])",
        ("std",): r"c\+\+(14|17|20)",
        ("O", "optimize"): "[0-4]",
        ("maxrregcount",): "[0-9]{1,3}",
        ("ftz", "prec-div", "prec-sqrt", "fmad"): "true|false",
        ("diag-suppress",): "[0-9]{1,5}(,[0-9]{1,5}){0,19}",
        ("t", "threads"): "[0-9]",
    }.items()
    for name in names
}
_NVCC_FOR_OTHERS = {"Xptxas": "ptxas", "ptxas-options": "ptxas", "Xcompiler": "host", "compiler-options": "host"}
_PTXAS = re.compile(
    r"--?(O|opt-level=)[0-4]|--?(v|verbose|w|disable-warnings|lineinfo|generate-line-info)"
    r"|--?(fmad|allow-expensive-optimizations)(=(true|false))?|--?(maxrregcount|regUsageLevel|register-usage-level)=[0-9]{1,3}"
    r"|--?(dlcm|dscm|def-load-cache|def-store-cache|flcm|fscm|force-load-cache|force-store-cache)=[a-z]{2}"
    r"|--?(warn-spills|warn-on-spills|warn-lmem-usage|warn-on-local-memory-usage|warn-double-usage"
    r"|warn-on-double-precision-use|suppress-stack-size-warning)"
)


def refused(recipe: Recipe) -> str | None:
    """The first flag that the compiler is not given, with its kind; None when all may be."""
    for flag in recipe.cflags:
        if not _compiles(flag):
            return f"the compiler flag {flag[:200]!r}"
    for one in _nvcc(recipe.cuda_cflags):
        if not _compiles_cuda(one):
            return f"the nvcc flag {one.text[:200]!r}"
    for flag in recipe.ldflags:
        if not _LINK.fullmatch(flag) and not (recipe.cuda and _LINK_CUDA.fullmatch(flag)):
            return f"the linker flag {flag[:200]!r}"
    if recipe.include_paths:
        return f"the include path {recipe.include_paths[0][:200]!r}"
    return None


def fast_math(flags: Sequence[str]) -> Iterator[str]:
    """Those under which results are not those of IEEE arithmetic."""
    return (flag for flag in flags if flag in _FAST_MATH)


def fast_math_on_device(flags: Sequence[str]) -> Iterator[str]:
    """The same of nvcc's."""
    for one in _nvcc(flags):
        said = one.name if one.value is None else f"{one.name}={one.value}"
        if said in _NVCC_FAST_MATH or (one.value and _FAST_MATH.intersection(one.value.split(","))):
            yield one.text


def libraries(flags: Sequence[str]) -> Iterator[str]:
    """Of CUDA's, those that compute by themselves."""
    return (flag for flag in flags if _LINK_CUDA.fullmatch(flag) and flag not in ("-lcudart", "-lcuda", "-lnvrtc"))


def optimised(flags: Sequence[str]) -> bool:
    """Whether the compiler optimises at all: torch gives g++ no -O of its own."""
    levels = [flag for flag in flags if _OPTIMISATION.fullmatch(flag)]
    return bool(levels) and levels[-1] != "-O0"


def _compiles(flag: str) -> bool:
    if flag[:2] in ("-D", "-U") and flag[2:].partition("=")[0] in _MACROS:
        return False
    return flag in _NAMED or any(pattern.fullmatch(flag) for pattern in _PATTERNS)


@dataclass(frozen=True, slots=True)
class _Said:
    """A flag of nvcc's. `name`: without its dashes; `value`: after a sign or in the next word."""

    name: str
    value: str | None
    text: str


def _nvcc(flags: Sequence[str]) -> Iterator[_Said]:
    words = iter(flags)
    for word in words:
        dashes = len(word) - len(word.removeprefix("-").removeprefix("-"))
        name, sign, value = word[dashes:].partition("=")
        if not dashes:
            yield _Said("", None, word)
        elif sign:
            yield _Said(name, value, word)
        elif name in _NVCC_VALUED or name in _NVCC_FOR_OTHERS:
            following = next(words, None)
            yield _Said(name, following, word if following is None else f"{word} {following}")
        elif dashes == 1 and name[:1] == "O":
            yield _Said("O", name[1:], word)
        else:
            yield _Said(name, None, word)


def _compiles_cuda(flag: _Said) -> bool:
    if flag.text[:2] in ("-D", "-U"):
        return _compiles(flag.text)
    if flag.value is None:
        return flag.name in _NVCC_NAMED
    if flag.name in _NVCC_VALUED:
        return _NVCC_VALUED[flag.name].fullmatch(flag.value) is not None
    match _NVCC_FOR_OTHERS.get(flag.name):
        case "ptxas":
            return all(_PTXAS.fullmatch(one) for one in flag.value.split(","))
        case "host":
            return all(_compiles(one) for one in flag.value.split(","))
    return False
