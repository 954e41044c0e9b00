"""Which definitions are for others to use, by what each language says about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codebase.index.blob import Blob
from codebase.index.grammars import grammar_for

_EXPORT = re.compile(r"\bexport\b|\bmodule\.exports\b|\bexports\.")
_PUB = re.compile(r"\bpub\b(?!\s*\()")


@dataclass(frozen=True, slots=True)
class Name:
    """A public definition at the top of a file. `place`: its index in the file's blob."""

    name: str
    kind: str
    path: str
    start: int
    end: int
    place: int


def public_names(path: str, blob: Blob, lines: Sequence[str]) -> list[Name]:
    """The public definitions of a file that stand in no other, in the order of its lines."""
    grammar = grammar_for(path)
    if grammar is None:
        return []
    found: dict[str, Name] = {}
    for place, (name, kind) in enumerate(zip(blob.names, blob.kinds, strict=True)):
        if place == 0 or "." in name or name in found:
            continue
        start, end = (int(line) for line in blob.spans[place])
        if _is_public(grammar.name, name, _head(lines, start, end)):
            found[name] = Name(name, kind, path, start, end, place)
    return list(found.values())


def _head(lines: Sequence[str], start: int, end: int) -> str:
    """The lines on which a definition says what it is: a decorator or an attribute may stand before them."""
    first = max(0, start - 1)
    return "\n".join(lines[first : min(end, first + 4)])


def _is_public(language: str, name: str, head: str) -> bool:
    if name.startswith(("_", "test_", "Test")) or name in ("main", "tests"):
        return False
    first = head.split("\n", 1)[0]
    if language == "Go":
        return name[:1].isupper()
    if language == "Rust":
        return any(_PUB.search(line) for line in head.split("\n") if not line.lstrip().startswith("//")) or bool(
            re.match(r"\s*macro_rules!", first)
        )
    if language in ("TypeScript", "TSX"):
        return bool(_EXPORT.search(first))
    if language in ("Java", "C#"):
        return "public" in head.split("{", 1)[0]
    if language in ("C", "C++"):
        return not re.match(r"\s*(static|inline static)\b", first)
    return name.replace("_", "").isalnum()
