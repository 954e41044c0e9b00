"""Definitions in every language of the table: names, spans, what is inside of what."""

import time

import pytest

from codebase.index.grammars import GRAMMARS, grammar_for
from codebase.index.outline import PATIENCE_S, outline

Found = list[tuple[str, str, int, int]]
SAMPLES: dict[str, tuple[str, str, Found]] = {
    "Python": (
        "a.py",
        "import os\n\n@wrap\ndef free(x):\n    def inner(): pass\n    return x\n\n\nclass Outer:\n    '''Doc.'''\n"
        "    class Inner:\n        async def method(self): ...\n    def last(self):\n        return 1\n",
        [
            ("function", "free", 3, 6),
            ("class", "Outer", 9, 14),
            ("class", "Outer.Inner", 11, 12),
            ("function", "Outer.Inner.method", 12, 12),
            ("function", "Outer.last", 13, 14),
        ],
    ),
    "JavaScript": (
        "a.mjs",
        "export function one() {}\nconst two = async (x) => x;\nclass Box {\n  open() {}\n  static make() {}\n}\n"
        "module.exports.three = function () {};\nconst table = { four: () => 4 };\n",
        [
            ("function", "one", 1, 1),
            ("function", "two", 2, 2),
            ("class", "Box", 3, 6),
            ("function", "Box.open", 4, 4),
            ("function", "Box.make", 5, 5),
            ("function", "three", 7, 7),
            ("function", "four", 8, 8),
        ],
    ),
    "TypeScript": (
        "a.ts",
        "interface Shape { area(): number }\nenum Colour { Red }\ntype Id = string;\nabstract class Base {\n"
        "  abstract size(): number;\n  grow(): void {}\n}\nnamespace inner { export function f() {} }\n",
        [
            ("class", "Shape", 1, 1),
            ("class", "Colour", 2, 2),
            ("class", "Id", 3, 3),
            ("class", "Base", 4, 7),
            ("function", "Base.size", 5, 5),
            ("function", "Base.grow", 6, 6),
            ("class", "inner", 8, 8),
            ("function", "inner.f", 8, 8),
        ],
    ),
    "TSX": ("a.tsx", "export const View = (p: P) => <div>{p.x}</div>;\n", [("function", "View", 1, 1)]),
    "Go": (
        "a.go",
        "package a\n\ntype Server struct{}\n\nfunc (s *Server) Close() error { return nil }\n"
        "func New() *Server { return nil }\n",
        [("class", "Server", 3, 3), ("function", "Server.Close", 5, 5), ("function", "New", 6, 6)],
    ),
    "Rust": (
        "a.rs",
        "struct Point { x: i32 }\nimpl Point {\n    fn new() -> Self { Point { x: 0 } }\n}\n"
        "trait Draw { fn draw(&self); }\n"
        "macro_rules! say { () => {} }\nmod deep { pub fn f() {} }\n",
        [
            ("class", "Point", 1, 1),
            ("class", "Point", 2, 4),
            ("function", "Point.new", 3, 3),
            ("class", "Draw", 5, 5),
            ("function", "Draw.draw", 5, 5),
            ("function", "say", 6, 6),
            ("class", "deep", 7, 7),
            ("function", "deep.f", 7, 7),
        ],
    ),
    "Java": (
        "A.java",
        "class A {\n  A() {}\n  int size() { return 0; }\n  enum E { X }\n}\ninterface I { void go(); }\n",
        [
            ("class", "A", 1, 5),
            ("function", "A.A", 2, 2),
            ("function", "A.size", 3, 3),
            ("class", "A.E", 4, 4),
            ("class", "I", 6, 6),
            ("function", "I.go", 6, 6),
        ],
    ),
    "C": (
        "a.c",
        "struct point { int x; };\n#define TWICE(x) ((x)*2)\nstatic int *find(int key)\n{\n  return 0;\n}\n"
        "int main(void) { return 0; }\n",
        [
            ("class", "point", 1, 1),
            ("function", "TWICE", 2, 3),
            ("function", "find", 3, 6),
            ("function", "main", 7, 7),
        ],
    ),
    "C++": (
        "a.cpp",
        "namespace n {\nclass Box {\n public:\n  Box();\n  int size() const { return 1; }\n};\n}\n"
        "int n::Box::twice(int x) { return 2 * x; }\n",
        [
            ("class", "n", 1, 7),
            ("class", "n.Box", 2, 6),
            ("function", "n.Box.size", 5, 5),
            ("function", "n::Box::twice", 8, 8),
        ],
    ),
    "Ruby": (
        "a.rb",
        "module M\n  class A\n    def go!(x)\n      x\n    end\n    def self.make; end\n  end\nend\n",
        [
            ("class", "M", 1, 8),
            ("class", "M.A", 2, 7),
            ("function", "M.A.go!", 3, 5),
            ("function", "M.A.make", 6, 6),
        ],
    ),
    "PHP": (
        "a.php",
        "<?php\nfunction f() {}\nclass A {\n  public function g() {}\n}\ntrait T {}\n",
        [("function", "f", 2, 2), ("class", "A", 3, 5), ("function", "A.g", 4, 4), ("class", "T", 6, 6)],
    ),
    "C#": (
        "A.cs",
        "class A {\n  int Size { get; set; }\n  void Go() {}\n}\nrecord R(int X);\n",
        [("class", "A", 1, 4), ("function", "A.Size", 2, 2), ("function", "A.Go", 3, 3), ("class", "R", 5, 5)],
    ),
}


def test_every_language_has_a_sample() -> None:
    assert set(SAMPLES) == {grammar.name for grammar in GRAMMARS}


@pytest.mark.parametrize("language", SAMPLES)
def test_definitions(language: str) -> None:
    path, source, expected = SAMPLES[language]
    grammar = grammar_for(path)
    assert grammar is not None
    assert grammar.name == language
    found = [(one.kind, one.name, one.start_line, one.end_line) for one in outline(source.encode(), grammar)]
    assert found == expected


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"def",
        b"def f(:\n    return\nclass",
        b"\xff\xfe def f(): pass",
        b"print 'python 2'\ndef old():\n    exec 'x'\n",
        b"(" * 50_000,
        b"class A:\n" + b"".join(b" " * depth + b"class A:\n" for depth in range(1, 900)),
    ],
    ids=["empty", "word", "broken", "no text", "python 2", "brackets", "nested"],
)
def test_what_is_no_good_python_costs_nothing_but_definitions(source: bytes) -> None:
    grammar = grammar_for("a.py")
    assert grammar is not None
    began = time.monotonic()
    found = outline(source, grammar)
    assert time.monotonic() - began < PATIENCE_S + 30
    assert len(found) < 1000
    assert all(len(one.name) <= 500 for one in found)


def test_other_endings_have_no_grammar() -> None:
    assert grammar_for("README.md") is None
    assert grammar_for("Makefile") is None
