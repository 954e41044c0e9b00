"""A small source in every language, and what leads from it: imports, calls, bases, documentation, namespaces."""

from dataclasses import dataclass, field

Taken = tuple[int, str, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Sample:
    """`calls` and `bases` with the name of the place they stand in; `docs` by the name of the place."""

    path: str
    source: str
    imports: list[Taken] = field(default_factory=list)
    calls: list[tuple[int, str, str]] = field(default_factory=list)
    bases: list[tuple[str, str]] = field(default_factory=list)
    docs: dict[str, tuple[int, str]] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)


PYTHON = Sample(
    "a.py",
    '''#!/usr/bin/env python
# Copyright somebody.
"""What the file
is for.

More.
"""
import a.b as c, d
from . import x
from ..m import (e as f, g)  # comment
from q import *
@wrap
@app.route("/")
class A(B, m.C, D[int], metaclass=M):
    # no docstring, and not above either
    size = compute()
    def go(self):
        r"""Goes.

        :param x: nothing
        """
        def inner():
            """Not a place."""
            return deep(1)
        self.parts().first.run(inner)
        open(x)[0].close()
        super().go(super(A, self).size)
# Does it.
#
# At length.
@wrap
async def late(): return [step(i) for i in await self.a.b.c()]
handlers["x"]()
''',
    imports=[
        (8, "a.b", (), ("c",)),
        (8, "d", (), ("d",)),
        (9, ".", ("x",), ("x",)),
        (10, "..m", ("e", "g"), ("f", "g")),
        (11, "q", ("*",), ("*",)),
    ],
    calls=[
        (12, "wrap", "A"),
        (13, "app.route", "A"),
        (16, "compute", "A"),
        (24, "deep", "A.go"),
        (25, ".first.run", "A.go"),
        (25, "self.parts", "A.go"),
        (26, ".close", "A.go"),
        (26, "open", "A.go"),
        (27, "super.go", "A.go"),
        (27, "super", "A.go"),
        (27, "super", "A.go"),
        (31, "wrap", "late"),
        (32, "self.a.b.c", "late"),
        (32, "step", "late"),
    ],
    bases=[("A", "B"), ("A", "m.C"), ("A", "D")],
    docs={"": (3, "What the file is for."), "A.go": (18, "Goes."), "late": (28, "Does it.")},
)
_SCRIPT = """// A file about boxes.

import d, { a as b, c } from "./x.js";
import * as ns from 'y';
import "side";
export { p as q } from "./z";
export * from "./w";
const { r, s: t } = require("u"), v = require("v");
export * as all from "./v"; const late = await import("./k");

/**
 * A box.
 * @public
 */
export class A extends m.Base {
  // Opens it.
  open() { super.open(); this.#lid?.lift(); fetch("x").then(done); }
  static make() { return new pkg.A(1); }
}
jest.mock("./x"); // trailing
const f = (x) => `${g(x)}`;
"""
_SCRIPT_IMPORTS: list[Taken] = [
    (3, "./x.js", ("default", "a", "c"), ("d", "b", "c")),
    (4, "y", ("*",), ("ns",)),
    (5, "side", (), ()),
    (6, "./z", ("p",), ("q",)),
    (7, "./w", ("*",), ("*",)),
    (8, "u", ("r", "s"), ("r", "t")),
    (8, "v", ("*",), ("v",)),
    (9, "./v", ("*",), ("all",)),
    (9, "./k", ("*",), ("late",)),
]
_SCRIPT_CALLS = [
    (8, "require", ""),
    (8, "require", ""),
    (17, "super.open", "A.open"),
    (17, "this.#lid.lift", "A.open"),
    (17, "fetch", "A.open"),
    (17, ".then", "A.open"),
    (18, "pkg.A", "A.make"),
    (20, "jest.mock", ""),
    (21, "g", "f"),
]
_SCRIPT_DOCS = {"": (1, "A file about boxes."), "A": (11, "A box."), "A.open": (16, "Opens it.")}
JAVASCRIPT = Sample(
    "a.mjs", _SCRIPT, _SCRIPT_IMPORTS, _SCRIPT_CALLS, [("A", "m.Base")], _SCRIPT_DOCS
)  # fmt: skip
TYPESCRIPT = Sample(
    "a.ts",
    _SCRIPT
    + """import z = require("zz");
import type { T } from "./t";
interface I extends J, K<L> { x(): void }
/** Decorated. */
@Component({ a: make() })
class C implements D, E.F<G> {}
f<T>(1);
""",
    [*_SCRIPT_IMPORTS, (22, "zz", ("*",), ("z",)), (23, "./t", ("T",), ("T",))],
    [*_SCRIPT_CALLS, (26, "Component", "C"), (26, "make", "C"), (28, "f", "")],
    [("A", "m.Base"), ("I", "J"), ("I", "K"), ("C", "D"), ("C", "E.F")],
    {**_SCRIPT_DOCS, "C": (25, "Decorated.")},
)
TSX = Sample(
    "a.tsx",
    "export const View = (p: P) => <ui.Box on={() => go(p)}><div/><Item/></ui.Box>;\n",
    calls=[(1, "ui.Box", "View"), (1, "go", "View"), (1, "Item", "View")],
)
GO = Sample(
    "a.go",
    """// Copyright 2020 somebody.

// Package a does things.
package a

import (
	"net/http"
	x "example.org/x/v2"
	"example.org/y/v3"
	. "dot"
)

// Server serves.
// It serves well.
//
// Really.
type Server struct {
	Base
	*p.Other
	List[int]
	f int
}
type Both interface { io.Reader; Writer; M(); ~int | string }

// Close ends it.
func (s *Server) Close() error {
	go s.conn.Close()
	defer func() { done() }()
	http.Get(New(Options{1}))
	Map[int, string](f)
	return (*s).err()
}
""",
    imports=[
        (7, "net/http", (), ("http",)),
        (8, "example.org/x/v2", (), ("x",)),
        (9, "example.org/y/v3", (), ("y",)),
        (10, "dot", (), (".",)),
    ],
    calls=[
        (27, "s.conn.Close", "Server.Close"),
        (28, "done", "Server.Close"),
        (29, "http.Get", "Server.Close"),
        (29, "New", "Server.Close"),
        (29, "Options", "Server.Close"),
        (30, "Map", "Server.Close"),
        (31, ".err", "Server.Close"),
    ],
    bases=[("Server", "Base"), ("Server", "p.Other"), ("Server", "List"), ("Both", "io.Reader"), ("Both", "Writer")],
    docs={
        "": (3, "Package a does things."),
        "Server": (13, "Server serves. It serves well."),
        "Server.Close": (25, "Close ends it."),
    },
    packages=["a"],
)
RUST = Sample(
    "a.rs",
    """//! What the crate is for.
use a::b as c;
use crate::x::{y, z::{w, self}, v as u, t::*};
pub mod m;
extern crate foo;

/// A point.
#[derive(Debug)]
pub struct Point { x: i32 }

impl<T> fmt::Display for Point {
    /// Writes it.
    #[inline]
    fn fmt(&self) -> R { write!(f, "{}", self.show(1)) }
}
trait Draw: Shape + c::Sized { fn draw(&self); }
fn f() {
    a::b::c().z();
    g::<T>(Self::new());
    let p = Point { x: 1 };
    assert_eq!(total(2), Point::at(3));
}
""",
    imports=[
        (2, "a::b", (), ("c",)),
        (3, "crate::x", ("y",), ("y",)),
        (3, "crate::x::z", ("w",), ("w",)),
        (3, "crate::x::z", (), ("z",)),
        (3, "crate::x", ("v",), ("u",)),
        (3, "crate::x::t", ("*",), ("*",)),
        (4, "self::m", (), ("m",)),
        (5, "foo", (), ("foo",)),
    ],
    calls=[
        (14, "write", "Point.fmt"),
        (14, "show", "Point.fmt"),
        (18, ".z", "f"),
        (18, "a.b.c", "f"),
        (19, "g", "f"),
        (19, "Self.new", "f"),
        (20, "Point", "f"),
        (21, "assert_eq", "f"),
        (21, "total", "f"),
        (21, "at", "f"),
    ],
    bases=[("Point", "fmt.Display"), ("Draw", "Shape"), ("Draw", "c.Sized")],
    docs={"": (1, "What the crate is for."), "Point": (7, "A point."), "Point.fmt": (12, "Writes it.")},
)
JAVA = Sample(
    "A.java",
    """package a.b;
import java.util.List;
import static a.B.c;
import a.*;

/**
 * A thing.
 *
 * <p>More.
 */
@Entity
class A<T> extends b.Base<T> implements C, D<E> {
  /** Does {@code it}. */
  @Override void f() {
    this.g(); new X<Y>(h()); a.b().c(); super.f();
    list.map(Foo::bar);
  }
}
interface I extends J, K {}
""",
    imports=[(2, "java.util.List", (), ("List",)), (3, "a.B.c", (), ("c",)), (4, "a", ("*",), ("*",))],
    calls=[
        (15, "this.g", "A.f"),
        (15, "X", "A.f"),
        (15, "h", "A.f"),
        (15, ".c", "A.f"),
        (15, "a.b", "A.f"),
        (15, "super.f", "A.f"),
        (16, "list.map", "A.f"),
        (16, "Foo.bar", "A.f"),
    ],
    bases=[("A", "b.Base"), ("A", "C"), ("A", "D"), ("I", "J"), ("I", "K")],
    docs={"A": (6, "A thing."), "A.f": (13, "Does {@code it}.")},
    packages=["a.b"],
)
C = Sample(
    "a.c",
    """/* SPDX-License-Identifier: MIT */
#include "a/b.h"
#include <c.h>

/*
 * Finds it.
 */
static int *find(struct table *t) {
  return t->ops->find(t, hash(1)) + s.get() + (*fp)(2);
}
""",
    imports=[(2, "a/b.h", (), ()), (3, "c.h", (), ())],
    calls=[(9, "t.ops.find", "find"), (9, "hash", "find"), (9, "s.get", "find")],
    docs={"find": (5, "Finds it.")},
)
CPP = Sample(
    "a.cpp",
    """#include <vector>
namespace x {
/// A box of T.
template <class T>
class Box : public Base, private n::List<int> {
  int f() { this->g(); n::h<int>(2); a.b(); return new Part(1)->size(); }
};
}
int x::Box::twice() { return std::max(1, ::two()); }
""",
    imports=[(1, "vector", (), ())],
    calls=[
        (6, "this.g", "x.Box.f"),
        (6, "n.h", "x.Box.f"),
        (6, "a.b", "x.Box.f"),
        (6, "Part", "x.Box.f"),
        (6, ".size", "x.Box.f"),
        (9, "std.max", "x::Box::twice"),
        (9, "two", "x::Box::twice"),
    ],
    bases=[("x.Box", "Base"), ("x.Box", "n.List")],
    docs={"x.Box": (3, "A box of T.")},
)
RUBY = Sample(
    "a.rb",
    """# frozen_string_literal: true

# A shop.
require "a/b"
require_relative "c"
require_relative "../d"
autoload :X, "x"
class A < M::B
  include C, D
  extend E::F
  # Goes.
  def go!(x)
    g(1); a.b { |y| y.c }; self.h; Foo.new(1); x&.close
    Kernel.require "no"
  end
end
""",
    imports=[(4, "a/b", (), ()), (5, "./c", (), ()), (6, "../d", (), ()), (7, "x", ("X",), ("X",))],
    calls=[
        (4, "require", ""),
        (5, "require_relative", ""),
        (6, "require_relative", ""),
        (7, "autoload", ""),
        (9, "include", "A"),
        (10, "extend", "A"),
        (13, "g", "A.go!"),
        (13, "a.b", "A.go!"),
        (13, "y.c", "A.go!"),
        (13, "self.h", "A.go!"),
        (13, "Foo.new", "A.go!"),
        (13, "x.close", "A.go!"),
        (14, "Kernel.require", "A.go!"),
    ],
    bases=[("A", "M.B"), ("A", "C"), ("A", "D"), ("A", "E.F")],
    docs={"": (3, "A shop."), "A.go!": (11, "Goes.")},
)
PHP = Sample(
    "a.php",
    """<?php
namespace A\\B;
use C\\D as E;
use F\\{G, H as I};
use function J\\k;
require __DIR__ . "/x.php";
require_once($dir . 'no.php');
include_once "y.php";

/**
 * A thing.
 */
class A extends Base implements C, \\D\\E {
  use T, U;
  // Goes.
  public function f() {
    g(); $this->h(); self::i(); new X\\Y(1); $a->b()->c(); \\n\\f(); $a?->d();
  }
}
interface I extends J {}
""",
    imports=[
        (3, "C\\D", (), ("E",)),
        (4, "F\\G", (), ("G",)),
        (4, "F\\H", (), ("I",)),
        (5, "J\\k", (), ("k",)),
        (6, "./x.php", (), ()),
        (7, "no.php", (), ()),
        (8, "y.php", (), ()),
    ],
    calls=[
        (17, "g", "A.f"),
        (17, "this.h", "A.f"),
        (17, "self.i", "A.f"),
        (17, "X.Y", "A.f"),
        (17, ".c", "A.f"),
        (17, "a.b", "A.f"),
        (17, "n.f", "A.f"),
        (17, "a.d", "A.f"),
    ],
    bases=[("A", "Base"), ("A", "C"), ("A", "D.E"), ("A", "T"), ("A", "U"), ("I", "J")],
    docs={"A": (10, "A thing."), "A.f": (15, "Goes.")},
    packages=["A\\B"],
)
CSHARP = Sample(
    "A.cs",
    """using A.B;
using static C.D;
using E = F.G;
namespace N.M {
  /// <summary>
  /// A thing.
  /// </summary>
  class A : Base, n.C<T> {
    // Goes.
    void Go() { g(); this.h(); a.b().c(); new X.Y(1); foo?.bar(); T<int>(); base.Go(); }
  }
  record R(int x) : S(x);
}
""",
    imports=[(1, "A.B", ("*",), ("*",)), (2, "C.D", ("*",), ("*",)), (3, "F.G", (), ("E",))],
    calls=[
        (10, "g", "A.Go"),
        (10, "this.h", "A.Go"),
        (10, ".c", "A.Go"),
        (10, "a.b", "A.Go"),
        (10, "X.Y", "A.Go"),
        (10, "foo.bar", "A.Go"),
        (10, "T", "A.Go"),
        (10, "base.Go", "A.Go"),
    ],
    bases=[("A", "Base"), ("A", "n.C"), ("R", "S")],
    docs={"A": (5, "A thing."), "A.Go": (9, "Goes.")},
    packages=["N.M"],
)
SAMPLES = {
    "Python": PYTHON,
    "JavaScript": JAVASCRIPT,
    "TypeScript": TYPESCRIPT,
    "TSX": TSX,
    "Go": GO,
    "Rust": RUST,
    "Java": JAVA,
    "C": C,
    "C++": CPP,
    "Ruby": RUBY,
    "PHP": PHP,
    "C#": CSHARP,
}
