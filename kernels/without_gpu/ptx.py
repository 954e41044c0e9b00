"""What a compiler's output says of a kernel: its entries, at which precision it computes, and what it uses of a device.
Pure.

PTX tells an intent, before ptxas has optimised it, and nothing of libraries that are called: none of it convicts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kernels.findings import Finding, Tier

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ENTRY = re.compile(r"\.entry\s+([\w$]+)")
_MATRIX = re.compile(r"\b((?:wgmma\.mma_async|wmma\.mma|tcgen05\.mma|mma)\.[\w.:]+)")
_NARROWED = re.compile(r"\bcvt\.r\w+(?:\.\w+)*?\.(?P<kind>tf32|bf16|f16|e4m3|e5m2)(?:x2|x4)?\.f32\b")
_FLUSHED = re.compile(r"\b\w+(?:\.\w+)*\.ftz\.\w+")
# From the narrowest: an instruction's own type is the narrowest it names, its sums are wider.
_WIDTHS: Mapping[str, float] = {
    "e4m3": 2.0**-4, "e5m2": 2.0**-3, "bf16": 2.0**-9, "f16": 2.0**-11, "tf32": 2.0**-11,
}  # fmt: skip
"""By how much rounding to each moves a number at most, relative to it: half a unit in the last place."""
_DECLARED: Mapping[str, frozenset[str]] = {
    "float16": frozenset({"f16"}),
    "bfloat16": frozenset({"bf16"}),
    "float8_e4m3fn": frozenset({"e4m3"}),
    "float8_e5m2": frozenset({"e5m2"}),
}
_WORDS = {"tf32": "tf32", "f16": "half precision", "bf16": "bfloat16", "e4m3": "8-bit floats", "e5m2": "8-bit floats"}


@dataclass(frozen=True, slots=True)
class Census:
    """How often each precision below single is multiplied matrices in, and rounded to; how many instructions flush
    denormals to zero."""

    matrices: Mapping[str, int]
    narrowed: Mapping[str, int]
    flushed: int


def entries(ptx: str) -> list[str]:
    """The names of the kernels, mangled as they stand, in order."""
    return _ENTRY.findall(_COMMENT.sub("", ptx))


def sections(ptx: str) -> list[tuple[str, str]]:
    """Each kernel's name and the text from there to the next one's."""
    parts = _ENTRY.split(_COMMENT.sub("", ptx))
    return list(zip(parts[1::2], parts[2::2], strict=True))


def census(ptx: str) -> Census:
    text = _COMMENT.sub("", ptx)
    matrices: Counter[str] = Counter()
    for instruction in _MATRIX.findall(text):
        parts = re.split(r"[.:]", instruction)
        kind = next((one for one in _WIDTHS if one in parts), None)
        if kind is not None:
            matrices[kind] += 1
    narrowed = Counter(match["kind"] for match in _NARROWED.finditer(text))
    return Census(matrices, narrowed, len(_FLUSHED.findall(text)))


def findings(found: Census, kernel: str, declared: Sequence[str], floor: float, line: int | None) -> Iterator[Finding]:
    """What a reader should know. `declared`: the dtypes of the task's outputs; `floor`: the relative error that the
    task allows, above which a precision is one that it allows."""
    own = frozenset().union(*(_DECLARED.get(one, frozenset()) for one in declared)) if declared else frozenset()
    for kind, count in found.matrices.items():
        if kind in own:
            continue
        tier = Tier.telemetry if _WIDTHS[kind] <= floor or (own and kind == "tf32") else Tier.support
        times = f"{count} matrix instruction{'s' if count > 1 else ''}"
        yield Finding("computes_narrower", tier, f"the kernel {kernel} computes in {_WORDS[kind]} ({times})", line)
    for kind, count in found.narrowed.items():
        if kind not in own and kind not in found.matrices:
            times = f"{count} place{'s' if count > 1 else ''}"
            text = f"the kernel {kernel} rounds single precision to {_WORDS[kind]} in {times}"
            yield Finding("rounds_narrower", Tier.telemetry, text, line)
    if found.flushed:
        text = f"the kernel {kernel} flushes denormals to zero ({found.flushed} instructions)"
        yield Finding("flushes_denormals", Tier.telemetry, text, line)


@dataclass(frozen=True, slots=True)
class Usage:
    """What ptxas says of one entry, bytes and registers a thread. `shared`: known when it is compiled."""

    entry: str
    target: str
    registers: int
    spill_stores: int
    spill_loads: int
    shared: int


_COMPILING = re.compile(r"Compiling entry function '([^']+)' for '(\w+)'")
_SPILLS = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")


def usage(log: str) -> list[Usage]:
    """Of every entry in the output of `ptxas -v` (CUDA 13.0), in order. What it does not say is 0."""
    found = []
    parts = _COMPILING.split(log)
    for entry, target, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        used, spills, shared = _USED.search(text), _SPILLS.search(text), _SHARED.search(text)
        found.append(
            Usage(
                entry, target, int(used[1]) if used else 0,
                int(spills[1]) if spills else 0, int(spills[2]) if spills else 0, int(shared[1]) if shared else 0,
            )
        )  # fmt: skip
    return found


def plain_name(entry: str) -> str:
    """The function's own name in an Itanium-mangled one, `f` of `_ZN1a1fIfEvPT_`; the same where it is not mangled."""
    rest = re.sub(r"^_Z(?:L|N[rVK]*)?", "", entry)
    if rest == entry:
        return entry
    found = ""
    while (length := re.match(r"L?(\d+)", rest)) is not None:
        end = length.end() + int(length[1])
        name, rest = rest[length.end() : end], rest[end:]
        found = name or found
        if not entry.startswith("_ZN"):
            break
    return found or entry
