"""What leads from one file to others: imports, calls, bases, and what documents its definitions.

Worked out once for a blob, like its places and with them in mind, but only when somebody asks: search does without.
"""

from __future__ import annotations

import json
import re
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from codebase.index.blob import MOST_PLACES, legible
from codebase.index.building import Progress, gather
from codebase.index.cache import BlobCache, Kept
from codebase.index.doc_text import is_legal, of_comment, of_docstring
from codebase.index.grammars import Grammar, grammar_for, loaded
from codebase.index.import_forms import forms
from codebase.index.link_queries import LINK_QUERIES
from codebase.index.outline import Definition, definitions, parsed
from codebase.index.tree import File, Tree
from codebase.index.type_names import class_named

if TYPE_CHECKING:
    from tree_sitter import Node, Query

VERSION = 2
_LONGEST_CALLEE = 300
_LONGEST_COMMENT = 200
_MIXED_IN = frozenset({"include", "extend", "prepend"})
_JOINTS = re.compile(r"\?\.|&\.|\?->|->|\.\*|::|\\|:(?=\w)")
_SUPER = re.compile(r"\bsuper\([^()]*\)\.")
_TAIL = re.compile(r"(?:[\w$@#]+\.)*[\w$@#]+[!?]?$")
_BEFORE_THE_CODE = frozenset(
    {"php_tag", "hash_bang_line", "package_clause", "package_declaration", "namespace_definition", "text", "<?php"}
)


@dataclass(frozen=True, slots=True)
class Import:
    """`module` as written, without quotes (codebase.index.import_forms says what is said alike). `names` taken from it,
    "*" for all; `known`: what each of them, or else the module itself, is called in this file."""

    line: int
    module: str
    names: tuple[str, ...]
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """`name`: the callee's last parts, joined by dots: `self.parse`, `mod.func`; a dot first where what it is called on
    has no name: `.close`. `place`: the index in Blob.names of the definition around it, 0 for the file."""

    line: int
    name: str
    place: int


@dataclass(frozen=True, slots=True)
class Links:
    """`bases`: the place of a class and the name of what it inherits, implements, embeds or mixes in. `docs`: by place
    the first line and the first paragraph of its docstring or of the comment directly above. `packages`: namespaces the
    file says it belongs to. `types`: a place, a variable (`cart`) or a field (`self.cart`, in every language) in it,
    and the class it is declared or made with."""

    imports: list[Import] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    bases: list[tuple[int, str]] = field(default_factory=list)
    docs: dict[int, tuple[int, str]] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    types: list[tuple[int, str, str]] = field(default_factory=list)


def links_of(
    tree: Tree,
    files: Sequence[File],
    cache: BlobCache,
    *,
    processes: int = 0,
    progress: Progress = lambda done, of: None,
) -> dict[str, Links]:
    """What leads from `files` of `tree`, by path; only of those in a language of codebase.index.grammars."""
    known = [file for file in files if grammar_for(file.path) is not None]
    return gather(LINKS, tree, known, cache, processes=processes, progress=progress)


def read_links(path: str, source: bytes) -> Links:
    """A file's links. `path` only says the language; its places are those of `read_blob`."""
    grammar = grammar_for(path)
    if grammar is None or not legible(source):
        return Links()
    tree = parsed(source, grammar)
    if tree is None:
        return Links()
    reading = _Reading(source, grammar, definitions(source, tree, grammar)[:MOST_PLACES])
    reading.read(tree.root_node)
    return reading.links


class _Reading:
    def __init__(self, source: bytes, grammar: Grammar, found: Sequence[Definition]) -> None:
        self._source, self._grammar, self._found = source, grammar, found
        self._starts = [one.start_byte for one in found]
        self._number = {one.start_byte: number for number, one in reversed(list(enumerate(found, start=1)))}
        self._comments: dict[int, tuple[int, str]] = {}
        self._above: dict[int, int] = {}
        self.links = Links()

    def read(self, root: Node) -> None:
        from tree_sitter import QueryCursor

        links = self.links
        # Not with a callback for progress: see outline.py.
        for _, captures in QueryCursor(_query(self._grammar.name)).matches(root):
            if "callee" in captures:
                node = captures["callee"][0]
                first = captures["receiver"][0] if "receiver" in captures else node
                self._call(first.start_byte, node)
            elif "base" in captures:
                self._base(captures["base"][0], captures["mixing"][0] if "mixing" in captures else None)
            elif "import" in captures:
                node = captures["import"][0]
                line = node.start_point[0] + 1
                links.imports.extend(Import(line, *form) for form in forms(node, self._text))
            elif "comment" in captures:
                self._comment(captures["comment"][0])
            elif "doc" in captures:
                self._docstring(captures["of"][0], captures["doc"][0])
            elif "above" in captures:
                node = captures["above"][0]
                self._above[node.end_point[0] + 1] = node.start_point[0] + 1
            elif "type" in captures:
                self._type(captures)
            elif "package" in captures:
                links.packages.append(self._text(captures["package"][0]))
        self._comments_above()
        if 0 not in links.docs:
            self._comment_of_file(root)
        links.imports.sort(key=lambda one: one.line)
        links.calls.sort(key=lambda one: one.line)

    def _call(self, start: int, node: Node) -> None:
        name = self._tail(start, node.end_byte)
        if not name or (node.parent is not None and node.parent.type.startswith("jsx") and name.islower()):
            return
        self.links.calls.append(Call(node.end_point[0] + 1, name, self._place(start)))

    def _base(self, node: Node, mixing: Node | None) -> None:
        place = self._place(node.start_byte)
        name = self._tail(node.start_byte, node.end_byte)
        if not place or not name or self._found[place - 1].kind != "class":
            return
        if mixing is None or self._text(mixing) in _MIXED_IN:
            self.links.bases.append((place, name.lstrip(".")))

    def _type(self, captures: dict[str, list[Node]]) -> None:
        node = captures["field" if "field" in captures else "variable"][0]
        made = captures["new"][0] if "new" in captures else None
        name = class_named(self._text(captures["type"][0]))
        if not name or (made is not None and self._text(made) != "new"):
            return
        place = self._place(node.start_byte)
        if node.parent is not None and self._number.get(node.parent.start_byte) == place:
            place = self._found[place - 1].parent + 1 if place else 0  # a property, itself a definition of its class
        variable = self._tail(node.start_byte, node.end_byte)
        head, _, rest = variable.rpartition(".")
        of_class = place > 0 and self._found[place - 1].kind == "class"
        if "field" in captures or head in ("self", "this", "cls") or (not head and (of_class or rest.startswith("@"))):
            self.links.types.append((place, f"self.{rest}", name))
        elif not head and rest:
            self.links.types.append((place, rest, name))

    def _docstring(self, around: Node, literal: Node) -> None:
        if around.parent is not None and around.parent.type == "decorated_definition":
            around = around.parent
        place = 0 if around.parent is None else self._number.get(around.start_byte)
        said = of_docstring(self._text(literal))
        if place is not None and said:
            self.links.docs[place] = literal.start_point[0] + 1, said

    def _comment(self, node: Node) -> None:
        """Kept by its last line, unless there is code before it."""
        start = node.start_byte - node.start_point[1]
        if not self._source[start : node.start_byte].strip():
            last = node.end_point[0] + (node.end_point[1] > 0)
            self._comments[last] = node.start_point[0] + 1, self._text(node)

    def _comments_above(self) -> None:
        for number, one in enumerate(self._found, start=1):
            shares = one.parent >= 0 and self._found[one.parent].start_line == one.start_line
            if number in self.links.docs or shares:
                continue
            line, said = one.start_line - 1, list[str]()
            while len(said) < _LONGEST_COMMENT:
                if line in self._above:
                    line = self._above[line] - 1
                elif line in self._comments:
                    first, text = self._comments[line]
                    said.append(text)
                    line = first - 1
                else:
                    break
            paragraph = of_comment("\n".join(reversed(said)))
            if paragraph:
                self.links.docs[number] = line + 1, paragraph

    def _comment_of_file(self, root: Node) -> None:
        """The first comment before all code that says what the file is for, not whose it is."""
        taken = {line for place, (line, _) in self.links.docs.items() if place}
        blocks: list[list[Node]] = []
        for child in root.children:
            if "comment" in child.type:
                if blocks and child.start_point[0] <= blocks[-1][-1].end_point[0] + 1:
                    blocks[-1].append(child)
                else:
                    blocks.append([child])
            elif child.type not in _BEFORE_THE_CODE:
                break
        for block in blocks:
            text = "\n".join(self._text(node) for node in block)
            line = block[0].start_point[0] + 1
            paragraph = of_comment(text)
            if paragraph and line not in taken and not is_legal(text):
                self.links.docs[0] = line, paragraph
                return

    def _place(self, at: int) -> int:
        """The innermost definition around a byte; 0 for the file."""
        index = bisect_right(self._starts, at) - 1
        while index >= 0 and self._found[index].end_byte <= at:
            index = self._found[index].parent
        return index + 1

    def _text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _tail(self, start: int, end: int) -> str:
        """The last parts of a name, in whatever way the language joins them."""
        raw = self._source[max(start, end - _LONGEST_CALLEE) : end].decode("utf-8", "replace")
        text = _JOINTS.sub(".", _without_types("".join(raw.split()), self._grammar.name == "Go"))
        text = _SUPER.sub("super.", text)
        if self._grammar.name == "PHP":
            text = text.replace("$", "").lstrip(".")
        found = _TAIL.search(text)
        if found is None:
            return ""
        return "." + found[0] if found.start() > 1 and text[found.start() - 1] == "." else found[0]


def _without_types(text: str, square: bool) -> str:
    """A name without the types it is given: `f` for `f::<T>` and `f<T>`, in Go for `f[T]`."""
    opens, closes = ("[", "]") if square else ("<", ">")
    if not text.endswith(closes) or text.endswith("->"):
        return text
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == closes) - (text[at] == opens)
        if depth == 0:
            return text[:at].removesuffix("::")
    return text


@cache
def _query(name: str) -> Query:
    import tree_sitter

    parser, _ = loaded(name)
    if parser.language is None:
        raise KeyError(name)
    return tree_sitter.Query(parser.language, LINK_QUERIES[name])


def pack_links(path: str, source: bytes) -> bytes:
    """A file's links as bytes for a database."""
    links = read_links(path, source)
    data = [
        VERSION,
        [(one.line, one.module, one.names, one.known) for one in links.imports],
        [(one.line, one.name, one.place) for one in links.calls],
        links.bases,
        list(links.docs.items()),
        links.packages,
        links.types,
    ]
    body = json.dumps(data, separators=(",", ":")).encode("ascii")
    return zlib.compress(zlib.crc32(body).to_bytes(4, "little") + body, level=1)


def unpack_links(packed: bytes) -> Links:
    """What `pack_links` made. ValueError when the bytes are damaged or of another version."""
    try:
        data = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        raise ValueError("the checksum differs")
    version, *values = json.loads(data[4:])
    if version != VERSION:
        raise ValueError("another version")
    imports, calls, bases, docs, packages, types = values
    return Links(
        [Import(line, module, tuple(names), tuple(known)) for line, module, names, known in imports],
        [Call(*call) for call in calls],
        [(place, name) for place, name in bases],
        {place: (line, text) for place, (line, text) in docs},
        packages,
        [(place, variable, name) for place, variable, name in types],
    )


LINKS = Kept("links", pack_links, unpack_links)
