"""Which flags of a candidate's the compiler is given. Pure.

An allow-list: what a flag may make a compiler do (load a plugin, run another program, read a file, replace the linker)
is more than a list of forbidden ones would hold (https://gcc.gnu.org/onlinedocs/gcc/Option-Summary.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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
_MACROS = frozenset({"TORCH_EXTENSION_NAME", "TORCH_API_INCLUDE_EXTENSION_H"})


def refused(recipe: Recipe) -> str | None:
    """The first flag that the compiler is not given, with its kind; None when all may be."""
    for flag in recipe.cflags:
        if not _compiles(flag):
            return f"the compiler flag {flag[:200]!r}"
    for flag in recipe.ldflags:
        if not _LINK.fullmatch(flag):
            return f"the linker flag {flag[:200]!r}"
    if recipe.include_paths:
        return f"the include path {recipe.include_paths[0][:200]!r}"
    return None


def fast_math(flags: Sequence[str]) -> Iterator[str]:
    """Those under which results are not those of IEEE arithmetic."""
    return (flag for flag in flags if flag in _FAST_MATH)


def optimised(flags: Sequence[str]) -> bool:
    """Whether the compiler optimises at all: torch gives g++ no -O of its own."""
    levels = [flag for flag in flags if _OPTIMISATION.fullmatch(flag)]
    return bool(levels) and levels[-1] != "-O0"


def _compiles(flag: str) -> bool:
    if flag[:2] in ("-D", "-U") and flag[2:].partition("=")[0] in _MACROS:
        return False
    return flag in _NAMED or any(pattern.fullmatch(flag) for pattern in _PATTERNS)
