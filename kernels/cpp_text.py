"""C++, CUDA and PTX as text: where their comments and strings are. Pure.

Such text is a candidate's own, so every pattern takes time that grows with the text and no faster: what is left open
ends with its line or with the text, and is not looked for again from each later place.
"""

from __future__ import annotations

import re

COMMENT = r"//[^\n]*|/\*.*?(?:\*/|\Z)"
# A raw string's delimiter has at most 16 characters ([lex.string]); a character's longest escape is \U0010ffff.
LITERAL = (
    r'R"(?P<tag>[^()\\\s]{0,16})\(.*?(?:\)(?P=tag)"|\Z)'
    r'|"(?:\\.|[^"\\\n])*+"?'
    r"|'(?:\\.|[^'\\\n]){1,10}'"
)
"""Strings and characters. For `re.DOTALL`, as `COMMENT`."""
_PARTS = re.compile(f"(?P<comment>{COMMENT})|{LITERAL}", re.DOTALL)
_ANY = re.compile(r"[^\n]")


def without_comments(text: str) -> str:
    """The same lines, with blanks in the place of comments."""
    return _PARTS.sub(lambda one: one[0] if one["comment"] is None else blank(one[0]), text)


def code_alone(text: str) -> str:
    """The same lines, with blanks in the place of comments and of what stands in quotes."""
    return _PARTS.sub(lambda one: blank(one[0]), text)


def blank(text: str) -> str:
    """As many blanks, on the same lines."""
    return _ANY.sub(" ", text)
