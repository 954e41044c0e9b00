"""The first paragraph of what documents a definition: of a docstring, or of the comment above it. Pure."""

from __future__ import annotations

import re

_LONGEST = 1_000
_MOST_LINES = 200
_QUOTED = re.compile(r"""^[a-zA-Z]{0,3}(\"\"\"|'''|"|')(.*?)(\1)?$""", re.DOTALL)
_MARKS = re.compile(r"(?:/\*+!?|//+!?|#+!?|\*(?!/))[ \t]?")
_TAG = re.compile(r"</?(?:summary|remarks|para|p|see|c|code|inheritdoc)\b[^<>]*>")
_DIRECTIVE = re.compile(
    r"@\w+|:\w+[^:]*:|\\(?:param|return|brief)"
    r"|frozen_string_literal|-\*-|(?:en)?coding[:=]|(?:go|lint|eslint|type|noqa|pylint)\b.?:"
)
_LICENCE = re.compile(r"copyright|licen[cs]e|spdx|all rights reserved|vim:|^#!", re.IGNORECASE)


def of_docstring(literal: str) -> str:
    """A Python string literal's first paragraph, on one line; empty where there is none."""
    inside = _QUOTED.match(literal)
    return _paragraph(inside[2].split("\n")) if inside else ""


def of_comment(text: str) -> str:
    """A comment's first paragraph, on one line, without its marks; empty where it holds none for people."""
    return _paragraph([_unmarked(line) for line in text.split("\n", _MOST_LINES)[:_MOST_LINES]])


def _unmarked(line: str) -> str:
    said = line.strip()[:_LONGEST]
    if said.endswith("*/"):
        said = said.removesuffix("*/").rstrip("*")
    marks = _MARKS.match(said)
    return said[marks.end() :] if marks else said


def is_legal(text: str) -> bool:
    """Whether a comment is about the file's licence or an editor's settings and not about its content."""
    return bool(_LICENCE.search(text[:2_000]))


def _paragraph(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines[:_MOST_LINES]:
        said = _TAG.sub("", line[:_LONGEST]).strip()
        if not said.strip("-=*#/ ") or _DIRECTIVE.match(said):
            if kept:
                break
            continue
        kept.append(said)
    return " ".join(kept)[:_LONGEST]
