"""A CUDA source without its host functions: what of it the device is given, for when the rest needs headers that are
not here. Pure.

Bodies of functions that are neither `__global__` nor `__device__` become blank, line for line, and so do declarations
that speak of torch; types, constants, templates and macros stay.
"""

from __future__ import annotations

import re

from kernels.cpp_text import COMMENT, LITERAL, blank

_SKIPPED = re.compile(rf"{COMMENT}|{LITERAL}|(?P<directive>^[ \t]*#(?:[^\n\\]|\\.)*+)", re.DOTALL | re.MULTILINE)
_DESCENDED = re.compile(r'\s*(?:(?:inline\s+)?namespace\b|extern\s*""?\s*$)')
_TYPE = re.compile(r"\b(?:class|struct|union|enum)\b")
_TEMPLATE = re.compile(r"\A\s*template\s*<[^{]*?>\s*")
_DEVICE = re.compile(r"\b(?:__global__|__device__|constexpr|\w*HOST_DEVICE\w*|\w*(?:DEVICE|CUDA)_(?:INLINE|FUNC\w*))\b")
"""Said of a function by CUDA, or by the macros that usually stand for it."""
_TORCH = re.compile(r"\b(?:torch|at|c10|py|pybind11)\s*::|\b(?:TORCH|PYBIND11|AT)_\w+")


def device_only(text: str) -> str:
    """The same number of lines."""
    plain = _SKIPPED.sub(_blank, text)  # nothing in comments, strings or directives can be taken for a brace
    kept = list(text)
    # `read`: up to where the declaration that began at `start` is known to have no parenthesis.
    start = read = at = 0
    while at < len(plain):
        sign = plain[at]
        if sign == ";":
            if _TORCH.search(plain, start, at) and not _DEVICE.search(plain, start, at):
                _erase(kept, plain, start, at + 1)
            start = read = at + 1
        elif sign == "{":
            if read == start and _DESCENDED.match(plain, start, at):
                start = read = at + 1
            else:
                end = _closing(plain, at)
                if plain.find("(", read, at) >= 0:
                    header = plain[start:at]
                    if not _DEVICE.search(header) and not _TYPE.match(_TEMPLATE.sub("", header).lstrip()):
                        _erase(kept, plain, start, end)
                    start = end
                read = end
                at = end - 1
        elif sign == "}":
            start = read = at + 1
        at += 1
    return "".join(kept)


def _blank(match: re.Match[str]) -> str:
    found = match[0]
    if found == '"C"':
        return '"" '
    if len(found) >= 2 and found[0] == found[-1] == '"':
        return f'"{blank(found[1:-1])}"'
    return blank(found)


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
    at = 0
    for one in _SKIPPED.finditer(text):
        if one["directive"] is not None:
            kept[start + at : start + one.start()] = blank(text[at : one.start()])
            at = one.end()
    kept[start + at : end] = blank(text[at:])
