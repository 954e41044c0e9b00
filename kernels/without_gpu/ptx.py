"""What a compiler's output says of a kernel: its entries, at which precision it computes, and what it uses of a device.
Pure.

PTX tells an intent, before ptxas has optimised it, and nothing of libraries that are called: none of it convicts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kernels.cpp_text import without_comments
from kernels.findings import Finding, Tier

_ENTRY = re.compile(r"\.entry\s+([\w$]+)")
_MATRIX = re.compile(r"\b((?:wgmma\.mma_async|wmma\.mma|tcgen05\.mma|mma)\.[\w.:]+)")
_CONVERSION = re.compile(r"\bcvt\.r[\w.]*")
_PACKED = re.compile(r"(tf32|bf16|f16|e4m3|e5m2)(?:x2|x4)?")
_FLUSHED = re.compile(r"(?<=\.)ftz(?=\.)")
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


def sections(ptx: str) -> list[tuple[str, str]]:
    """Each kernel's name and the text from there to the next one's."""
    parts = _ENTRY.split(without_comments(ptx))
    return list(zip(parts[1::2], parts[2::2], strict=True))


def census(ptx: str) -> Census:
    text = without_comments(ptx)
    matrices: Counter[str] = Counter()
    for instruction in _MATRIX.findall(text):
        parts = re.split(r"[.:]", instruction)
        kind = next((one for one in _WIDTHS if one in parts), None)
        if kind is not None:
            matrices[kind] += 1
    narrowed = Counter(kind for one in _CONVERSION.findall(text) if (kind := _narrowed(one)) is not None)
    return Census(matrices, narrowed, len(_FLUSHED.findall(text)))


def _narrowed(instruction: str) -> str | None:
    """To what a conversion such as cvt.rn.relu.bf16x2.f32 rounds single precision."""
    *_, to, source = instruction.split(".")
    found = _PACKED.fullmatch(to)
    return found[1] if found and source == "f32" else None


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
# So many digits, and none before: names may hold long runs of them, which would be read again from each.
_NUMBER = r"(?<!\d)(\d{1,12})"
_SPILLS = re.compile(rf"{_NUMBER} bytes spill stores, (\d{{1,12}}) bytes spill loads")
_USED = re.compile(rf"Used {_NUMBER} registers")
_SHARED = re.compile(rf"{_NUMBER} bytes smem")
_PREFIX = re.compile(r"_Z(?:L|N[rVK]*)?")
_LENGTH = re.compile(r"L?(\d{1,9})")


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
    prefix = _PREFIX.match(entry)
    if prefix is None:
        return entry
    found, at = "", prefix.end()
    while (length := _LENGTH.match(entry, at)) is not None:
        at = length.end() + int(length[1])
        found = entry[length.end() : at] or found
        if not entry.startswith("_ZN"):
            break
    return found or entry
