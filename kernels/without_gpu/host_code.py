"""A CUDA source without its host functions: what of it the device is given, for when the rest needs headers that are
not here. Pure.

Bodies of functions that are neither `__global__` nor `__device__` become blank, line for line, and so do declarations
that speak of torch; types, constants, templates and macros stay.
"""

from __future__ import annotations

import re

_SKIPPED = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    r"|^[ \t]*#(?:[^\n\\]|\\\n|\\.)*",
    re.DOTALL | re.MULTILINE,
)
_DESCENDED = re.compile(r'\s*(?:(?:inline\s+)?namespace\b|extern\s*""?\s*$)')
_TYPE = re.compile(r"\b(?:class|struct|union|enum)\b")
_DEVICE = re.compile(r"\b(?:__global__|__device__|constexpr|\w*HOST_DEVICE\w*|\w*(?:DEVICE|CUDA)_(?:INLINE|FUNC\w*))\b")
"""Said of a function by CUDA, or by the macros that usually stand for it."""
_TORCH = re.compile(r"\b(?:torch|at|c10|py|pybind11)\s*::|\b(?:TORCH|PYBIND11|AT)_\w+")


def device_only(text: str) -> str:
    """The same number of lines."""
    plain = _SKIPPED.sub(_blank, text)  # nothing in comments, strings or directives can be taken for a brace
    kept = list(text)
    start = at = 0
    while at < len(plain):
        sign = plain[at]
        if sign == ";":
            if _TORCH.search(plain[start:at]) and not _DEVICE.search(plain[start:at]):
                _erase(kept, plain, start, at + 1)
            start = at + 1
        elif sign == "{":
            header = plain[start:at]
            if _DESCENDED.match(header):
                start = at + 1
            else:
                end = _closing(plain, at)
                function = "(" in header and not _DEVICE.search(header)
                if function and not _TYPE.match(re.sub(r"^\s*template\s*<[^{]*?>\s*", "", header).lstrip()):
                    _erase(kept, plain, start, end)
                    start = end
                elif function or "(" in header:
                    start = end
                at = end - 1
        elif sign == "}":
            start = at + 1
        at += 1
    return "".join(kept)


def _blank(match: re.Match[str]) -> str:
    found = match[0]
    if found.startswith('"') and len(found) >= 2:
        return '"' + re.sub(r"[^\n]", " ", found[1:-1]) + '"' if found != '"C"' else '"" '
    return re.sub(r"[^\n]", " ", found)


def _closing(plain: str, at: int) -> int:
    """Behind the brace that closes the one at `at`; the end where none does."""
    depth = 0
    for place in range(at, len(plain)):
        depth += (plain[place] == "{") - (plain[place] == "}")
        if depth == 0:
            return place + 1
    return len(plain)


def _erase(kept: list[str], plain: str, start: int, end: int) -> None:
    """All but line ends and preprocessor directives, which may open what closes elsewhere."""
    text = "".join(kept[start:end])
    spared = [
        (one.start() + start, one.end() + start) for one in _SKIPPED.finditer(text) if one[0].lstrip().startswith("#")
    ]
    for place in range(start, end):
        if kept[place] != "\n" and not any(begin <= place < stop for begin, stop in spared):
            kept[place] = " "
