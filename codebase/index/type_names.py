"""The one class a declared type names, without what is around it: `Cart` for `Optional["Cart"]`, for `*Cart`. Pure."""

from __future__ import annotations

import re

_LONGEST = 300
_NOTHING = frozenset({"None", "null", "undefined", "nil"})
_INFERRED = frozenset({"var", "auto", "let", "dynamic", "any", "Any", "object", "Object"})
# What only wraps a value: its methods are called through it.
_WRAPPED = re.compile(
    r"(?:[\w.]+(?:\.|::))?(?:Optional|Annotated|ClassVar|Final|Readonly|Box|Rc|Arc|unique_ptr|shared_ptr)\s*[\[<](.+)[\]>]"
)
_BEFORE = re.compile(r"(?:[&*?:\s]|'\w+\s|(?:mut|const|dyn|impl|final|readonly|struct|class|unsigned)\s)+")
_NAME = re.compile(r"\\?([^\W\d][\w$]*(?:(?:\.|::|\\)[^\W\d][\w$]*)*)\s*(.?.?)")


def class_named(text: str) -> str:
    """The name with its parts joined by dots; empty for a collection, a choice of several, a function's type."""
    if len(text) > _LONGEST:
        return ""
    said = " ".join(text.split()).strip("\"' ")
    for _ in range(4):
        choices = [one for one in _split(said, "|") if one not in _NOTHING]
        if len(choices) != 1:
            return ""
        said = choices[0].strip("\"' ")
        before = _BEFORE.match(said)
        said = said[before.end() :] if before else said
        wrapped = _WRAPPED.fullmatch(said)
        if wrapped is None:
            break
        said = _split(wrapped[1], ",")[0]
    found = _NAME.match(said)
    if found is None or found[1] in _INFERRED or found[2] == "[]" or (found[2] and found[2][0] not in "<[?!"):
        return ""
    return re.sub(r"::|\\", ".", found[1])


def _split(text: str, sign: str) -> list[str]:
    """Parts of a type at a sign that stands outside of all brackets; at least one."""
    parts, depth, start = list[str](), 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "[<({") - (letter in "]>)}")
        if letter == sign and depth <= 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]
