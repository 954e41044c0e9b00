"""Where a name stands in a file as a name: not in a comment, not in a string. Pure; run where files are parsed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from codebase.index.blob import legible
from codebase.index.grammars import grammar_for
from codebase.index.outline import parsed
from codebase.navigation.names import chain_before

if TYPE_CHECKING:
    from tree_sitter import Node

MOST = 2_000
_NO_NAMES = ("comment", "string", "char_literal", "text", "regex", "heredoc", "template_literal")
_ARGUMENT_NAMES = ("keyword_argument", "named_argument", "pair")
_IMPORTS = ("import", "use_declaration", "using_directive", "preproc_include", "namespace_use")
_HEIGHT = 8
_CALLED = re.compile(rb"!?\s*(?:::)?(?:<[^<>()]*>)?\s*\(")
Occurrence = tuple[int, str, str]
"""The line, from 1; the name with what it is called on: `self.parse`, or `.parse` of what has no name; and what is done
with it there: "call", "import" or "use"."""


def pattern_of(names: Sequence[str]) -> re.Pattern[bytes]:
    """Matches each of these identifiers, wherever it stands for itself."""
    either = b"|".join(re.escape(name.encode("utf-8", "surrogateescape")) for name in names)
    return re.compile(rb"(?<![\w$])(?:" + either + rb")(?![\w$])")


def find_occurrences(names: tuple[str, ...], path: str, source: bytes) -> bytes:
    """JSON of the occurrences of identifiers, at most `MOST`; for codebase.index.parsing, with the names filled in. A
    name that only labels an argument or a key is none."""
    grammar = grammar_for(path)
    found: list[Occurrence] = []
    if grammar is not None and legible(source):
        hits = list(islice(pattern_of(names).finditer(source), MOST))
        tree = parsed(source, grammar) if hits else None
        for hit in hits if tree is not None else ():
            node = tree.root_node.descendant_for_byte_range(hit.start(), hit.end()) if tree else None
            if node is None or not _is_name(node):
                continue
            start = max(0, hit.start() - 400)
            before = source[start : hit.end()].decode("utf-8", "replace")
            found.append((node.start_point[0] + 1, chain_before(before, len(before)), _kind(node, source, hit)))
    return json.dumps(found).encode("ascii")


def read_occurrences(packed: bytes) -> list[Occurrence]:
    """What `find_occurrences` found."""
    return [(line, chain, kind) for line, chain, kind in json.loads(packed)]


def _is_name(node: Node) -> bool:
    if any(word in node.type for word in _NO_NAMES):
        return False
    around = node.parent
    if around is None or around.type not in _ARGUMENT_NAMES:
        return True
    label = around.child_by_field_name("name") or around.child_by_field_name("key")
    return label is None or label.id != node.id


def _kind(node: Node, source: bytes, hit: re.Match[bytes]) -> str:
    if _in_import(node):
        return "import"
    around = node.parent
    refers = around is not None and around.type == "method_reference" and around.children[-1].id == node.id
    return "call" if refers or _CALLED.match(source, hit.end(), hit.end() + 200) else "use"


def _in_import(node: Node) -> bool:
    around: Node | None = node
    for _ in range(_HEIGHT):
        if around is None:
            return False
        if around.type.startswith(_IMPORTS) or (
            around.type == "export_statement" and around.child_by_field_name("source") is not None
        ):
            return True
        around = around.parent
    return False
