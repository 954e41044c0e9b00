"""A file's definitions: what is defined, under which name, on which lines. Whatever cannot be parsed has fewer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codebase.index.grammars import Grammar, loaded

if TYPE_CHECKING:
    from tree_sitter import Node, Query, Tree

Kind = Literal["class", "function"]
PATIENCE_S = 2.0
_DEEPEST = 40
_PIECE = 1 << 16
_NAMES = (
    "identifier",
    "field_identifier",
    "type_identifier",
    "qualified_identifier",
    "destructor_name",
    "operator_name",
)


@dataclass(frozen=True, slots=True)
class Definition:
    """`name` is qualified by what surrounds it: `Class.method`. Lines count from 1, both ends included; with its
    decorators. Bytes count from 0, the last one is not part of it. `parent`: the index of the definition around it, -1
    at the top."""

    kind: Kind
    name: str
    start_line: int
    end_line: int
    start_byte: int
    end_byte: int
    parent: int


def outline(source: bytes, grammar: Grammar) -> list[Definition]:
    """The definitions in the order of their lines; a function within a function is part of it."""
    tree = parsed(source, grammar)
    return definitions(source, tree, grammar) if tree is not None else []


def parsed(source: bytes, grammar: Grammar) -> Tree | None:
    """The syntax tree; None where it is not done within `PATIENCE_S` seconds of processor time."""
    parser, _ = loaded(grammar.name)
    # This thread's own time: on a machine that is busy with something else a healthy file must not seem endless.
    until = time.thread_time() + PATIENCE_S
    try:
        # Only a source that is read piece by piece is parsed with an eye on the clock.
        tree: Tree | None = parser.parse(
            lambda at, _: source[at : at + _PIECE], progress_callback=lambda *_: time.thread_time() > until
        )
    except ValueError:  # what tree-sitter 0.26 raises for a parse that was given up
        tree = None
    if tree is None:
        parser.reset()
    return tree


def definitions(source: bytes, tree: Tree, grammar: Grammar) -> list[Definition]:
    """The same from a tree that is there already."""
    _, query = loaded(grammar.name)
    found = sorted(_found(source, tree, query), key=lambda one: (one[0], -one[1]))
    result: list[Definition] = []
    ends: list[tuple[int, int]] = []  # index and end of the definitions around the present place
    for start, end, first_line, last_line, kind, name in found:
        while ends and start >= ends[-1][1]:
            ends.pop()
        parent = ends[-1][0] if ends else -1
        if parent >= 0 and (result[parent].kind == "function" or len(ends) >= _DEEPEST):
            continue
        qualified = f"{result[parent].name}.{name}" if parent >= 0 else name
        ends.append((len(result), end))
        result.append(Definition(kind, qualified[:500], first_line, last_line, start, end, parent))
    return result


Found = tuple[int, int, int, int, Kind, str]


def _found(source: bytes, tree: Tree, query: Query) -> Iterator[Found]:
    from tree_sitter import QueryCursor

    # Not with a callback for progress: tree-sitter 0.26.1 then ends the whole process with a segmentation fault.
    for _, captures in QueryCursor(query).matches(tree.root_node):
        kind: Kind = "class" if "class" in captures else "function"
        node = captures[kind][0]
        named = captures["name"][0] if "name" in captures else _declared(captures["declarator"][0])
        if named is None:
            continue
        name = _text(source, named)
        if "owner" in captures:
            name = f"{_text(source, captures['owner'][0]).lstrip('*')}.{name}"
        if node.parent is not None and node.parent.type == "decorated_definition":
            node = node.parent
        yield node.start_byte, node.end_byte, node.start_point[0] + 1, node.end_point[0] + 1, kind, name


def _text(source: bytes, node: Node) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _declared(node: Node) -> Node | None:
    """The name inside a C declarator, under its pointers, references and parameters."""
    inside: Node | None = node
    for _ in range(_DEEPEST):
        if inside is None or inside.type in _NAMES:
            return inside
        inside = inside.child_by_field_name("declarator") or next(
            (child for child in inside.named_children if child.type in _NAMES or child.type.endswith("declarator")),
            None,
        )
    return None
