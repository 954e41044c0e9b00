"""Names as they are asked for and as they stand in code, and what each language lets a bare one mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEPARATORS = re.compile(r"\.|::|->|#|\\")
_TYPES = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"(?<![\w$])[^\W\d][\w$]*[!?]?")
_JOINT = r"\s*(?:\?\.|&\.|\?->|->|::|\.|\\)\s*"
_CHAIN = re.compile(rf"(?:[\w$@]+{_JOINT})*[\w$]+[!?]?$")
_SUPER = re.compile(r"\bsuper\([^()]*\)")
_LOOK_BACK = 200
SELF = frozenset({"self", "cls", "this", "Self", "static", "@"})
SUPER = frozenset({"super", "base", "parent"})
# A bare name in these is a method of the class around it as well.
IMPLICIT_SELF = frozenset({"Java", "C#", "C++", "Ruby"})
# A bare name in these is defined in the file or its package, or imported, or local.
EXPLICIT = frozenset({"Python", "JavaScript", "TypeScript", "TSX", "Go", "Rust"})
CONSTRUCTORS = frozenset({"__init__", "__new__", "constructor", "__construct", "initialize"})
_FAMILIES = {"TypeScript": "script", "TSX": "script", "JavaScript": "script", "C": "c", "C++": "c"}


def parts_of(name: str) -> tuple[str, ...]:
    """`a::b->c` and `a.b.c` as their parts, without the types they are given; at least one, whatever the name is."""
    found = [part.strip("*&() ") for part in _SEPARATORS.split(_TYPES.sub("", name))]
    return tuple(part for part in found if part) or (name,)


def family(language: str) -> str:
    """What languages that call each other share."""
    return _FAMILIES.get(language, language)


def words_in(line: str) -> Iterator[tuple[int, int]]:
    """Where the identifiers of a line begin and end."""
    for found in _WORD.finditer(line):
        yield found.span()


def chain_before(text: str, end: int) -> str:
    """The dotted name that ends at `end`, with what it is called on; a dot first where that has no name."""
    before = _SUPER.sub("super", text[max(0, end - _LOOK_BACK) : end])
    found = _CHAIN.search(before)
    if found is None:
        return ""
    name = ".".join(parts_of(found[0]))
    unnamed = re.search(rf"[)\]}}\"'`>]{_JOINT}$", before[: found.start()]) is not None
    return f".{name}" if unnamed else name
