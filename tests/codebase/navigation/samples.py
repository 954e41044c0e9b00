"""Small repositories in every language, what is asked of them, and what is found there."""

LANGUAGES: dict[str, tuple[dict[str, str], list[tuple[str, list[str]]]]] = {
    "typescript": (
        {
            "src/index.ts": 'export * from "./box";\nexport * as tools from "./tools";\n'
            'export { open as start } from "./box";\n',
            "src/box.ts": "export abstract class Box {\n  abstract size(): number;\n"
            "  both() { return this.size() * 2; }\n}\n"
            "export function open() { return parse(); }\nfunction parse() {}\n",
            "src/tools.ts": "export const measure = (b: any) => b.size();\nexport default class Kit {}\n",
            "src/use.tsx": 'import { Box, tools, start } from "./index";\nimport * as all from "./box";\n'
            'import Kit from "./tools";\n'
            "class Big extends Box {\n  size() { return tools.measure(this); }\n"
            "  parse() { start(); all.open(); new Kit(); }\n}\n"
            "export const View = () => <Row/>;\nfunction Row() {}\nfetch();\n",
        },
        [
            ("definition src/use.tsx:5 measure", ["src/tools.ts:1 measure function"]),
            ("callers open", ["src/use.tsx:6 Big.parse call"]),
            ("callers src/box.ts:6", ["src/box.ts:5 open call"]),
            ("callers Box.size", ["src/box.ts:3 Box.both call", "src/tools.ts:1 measure call ?"]),
            ("callers Kit", ["src/use.tsx:6 Big.parse call"]),
            ("callers Row", ["src/use.tsx:8 View call"]),
            ("overrides Box.size", ["src/use.tsx:5 Big.size function"]),
            ("references Box", ["src/use.tsx:1  import", "src/use.tsx:4 Big base"]),
        ],
    ),
    "go": (
        {
            "go.mod": "module example.org/m\n",
            "main.go": 'package main\n\nimport "example.org/m/cart"\n\nfunc main() {\n\tc := cart.New()\n'
            '\tc.Add(1)\n\thelp()\n}\n',
            "help.go": "package main\n\nfunc help() {}\n",
            "cart/cart.go": "package cart\n\ntype Cart struct {\n\tStore\n}\n\nfunc New() *Cart { return &Cart{} }\n",
            "cart/add.go": "package cart\n\nfunc (c *Cart) Add(n int) { help() }\n\nfunc help() {}\n",
            "cart/store.go": "package cart\n\ntype Store struct{}\n",
        },
        [
            ("callers New", ["main.go:6 main call"]),
            ("callers Cart.Add", ["main.go:7 main call ?"]),
            ("callers help.go:3", ["main.go:8 main call"]),
            ("callers cart.add.help", ["cart/add.go:3 Cart.Add call"]),
            ("references Cart", ["cart/add.go:3 Cart.Add use", "cart/cart.go:7 New call"]),
            ("overrides Store", ["cart/cart.go:3 Cart class"]),
        ],
    ),
    "rust": (
        {
            "src/lib.rs": "mod shapes;\nuse shapes::{Draw, Circle};\n"
            "pub fn run() { Circle::new().draw(); shapes::area(); }\n",
            "src/shapes.rs": "pub trait Draw { fn draw(&self); }\npub struct Circle;\n"
            "impl Circle { pub fn new() -> Self { Self::make() } fn make() -> Self { Circle } }\n"
            "impl Draw for Circle { fn draw(&self) { area(); } }\npub fn area() {}\n"
            "mod tests {\n    use super::area;\n    fn t() { area(); helper() }\n    fn helper() {}\n}\n",
        },
        [
            ("callers Circle.new", ["src/lib.rs:3 run call"]),
            (
                "callers area",
                ["src/lib.rs:3 run call", "src/shapes.rs:4 Circle.draw call", "src/shapes.rs:8 tests.t call"],
            ),
            ("callers Circle.make", ["src/shapes.rs:3 Circle.new call"]),
            ("callers tests.helper", ["src/shapes.rs:8 tests.t call"]),
            ("overrides Draw.draw", ["src/shapes.rs:4 Circle.draw function"]),
            ("callers Draw.draw", ["src/lib.rs:3 run call ?"]),
        ],
    ),
    "java": (
        {
            "src/com/a/Store.java": "package com.a;\npublic abstract class Store {\n  abstract int size();\n"
            "  int twice() { return size() * 2; }\n  static Store of() { return null; }\n}\n",
            "src/com/a/Cart.java": "package com.a;\nclass Cart extends Store {\n  int size;\n"
            "  int size() { return this.size; }\n}\n",
            "src/com/b/Use.java": "package com.b;\nimport com.a.Store;\nimport static com.a.Store.of;\n"
            "class Use {\n  void f() { Store.of().twice(); of(); run(Store::of); }\n  void run(Object o) {}\n}\n",
        },
        [
            ("callers Store.of", ["src/com/b/Use.java:5 Use.f call"]),
            ("callers Store.size", ["src/com/a/Store.java:4 Store.twice call"]),
            ("callers Use.run", ["src/com/b/Use.java:5 Use.f call"]),
            ("overrides Store.size", ["src/com/a/Cart.java:4 Cart.size function"]),
            ("references Cart.size", ["src/com/a/Store.java:4 Store.twice call ?"]),
            ("references Store", [
                "src/com/a/Cart.java:2 Cart base", "src/com/a/Store.java:5 Store.of use",
                "src/com/b/Use.java:2  import", "src/com/b/Use.java:3  import", "src/com/b/Use.java:5 Use.f use",
            ]),
        ],
    ),
    "c and c++": (
        {
            "include/box.hpp": "namespace n {\nclass Base { public: virtual int size() { return 0; } };\n"
            "class Box : public Base {\n public:\n  int size();\n  int twice() { return size() * 2; }\n};\n}\n",
            "src/box.cpp": '#include "box.hpp"\nint n::Box::size() { return area(1); }\n',
            "src/area.c": "int area(int x) { return x; }\nint other(struct s *p) { return p->area(1) + p->width; }\n",
        },
        [
            ("callers area", ["src/area.c:2 other call ?", "src/box.cpp:2 n::Box::size call ?"]),
            ("callers n.Box.size", ["include/box.hpp:6 n.Box.twice call"]),
            ("definition n::Box::size", ["src/box.cpp:2 n::Box::size function"]),
            ("overrides n.Base", ["include/box.hpp:3 n.Box class"]),
        ],
    ),
    "ruby": (
        {
            "lib/shop.rb": 'require "shop/cart"\nmodule Shop\n  def self.open\n    Cart.new(1).total\n  end\nend\n',
            "lib/shop/cart.rb": "module Countable\n  def count; end\nend\nclass Cart\n  include Countable\n"
            "  def initialize(x); end\n  def total\n    count()\n    self.tax\n  end\n  def tax; end\nend\n",
        },
        [
            ("callers Cart.tax", ["lib/shop/cart.rb:9 Cart.total call"]),
            ("callers Countable.count", ["lib/shop/cart.rb:8 Cart.total call"]),
            ("callers Cart.total", ["lib/shop.rb:4 Shop.open call ?"]),
            ("overrides Countable", ["lib/shop/cart.rb:4 Cart class"]),
        ],
    ),
    "php": (
        {
            "src/Cart.php": "<?php\nnamespace Shop;\nuse Shop\\Base\\Store;\nuse function Shop\\money;\n"
            "class Cart extends Store {\n"
            "  function total() { $this->tax(); parent::size(); self::make(); return money(); }\n"
            "  static function make() { return new Cart(); }\n}\n",
            "src/Base/Store.php": "<?php\nnamespace Shop\\Base;\nclass Store {\n  function tax() {}\n"
            "  function size() {}\n}\n",
            "src/functions.php": "<?php\nnamespace Shop;\nfunction money() { return Cart::make(); }\n",
        },
        [
            ("callers Store.tax", ["src/Cart.php:6 Cart.total call"]),
            ("callers Store.size", ["src/Cart.php:6 Cart.total call"]),
            ("callers Cart.make", ["src/Cart.php:6 Cart.total call", "src/functions.php:3 money call"]),
            ("callers money", ["src/Cart.php:6 Cart.total call"]),
            ("callers Cart", ["src/Cart.php:7 Cart.make call"]),
        ],
    ),
    "c#": (
        {
            "Shop/Cart.cs": "using Shop.Prices;\nnamespace Shop {\n  class Cart : Store {\n"
            "    int Total() { return Tax.Of(this.Size()) + base.Count(); }\n    int Size() { return 1; }\n  }\n}\n",
            "Shop/Store.cs": "namespace Shop;\nclass Store { public int Count() { return 0; } }\n",
            "Shop/Prices/Tax.cs": "namespace Shop.Prices;\n"
            "static class Tax { public static int Of(int x) { return x; } }\n",
        },
        [
            ("callers Tax.Of", ["Shop/Cart.cs:4 Cart.Total call"]),
            ("callers Cart.Size", ["Shop/Cart.cs:4 Cart.Total call"]),
            ("callers Store.Count", ["Shop/Cart.cs:4 Cart.Total call"]),
            ("overrides Store", ["Shop/Cart.cs:3 Cart class"]),
        ],
    ),
    "classes of variables": (
        {
            "a.py": "class Store:\n    def tax(self): pass\nclass Other:\n    def tax(self): pass\n",
            "b.py": "from a import Store, Other\nimport a\nclass Shop:\n"
            "    def __init__(self, store: 'Store | None'):\n"
            "        self.store = store\n        self.other: Other = make()\n        self.mine = a.Store()\n"
            "    def run(self):\n        self.mine.tax()\n        self.other.tax()\n        self.store.tax()\n"
            "    def go(self, shop: 'Shop', names: list):\n        shop.mine.tax()\n        names.tax()\n"
            "with Store() as s:\n    s.tax()\n",
            "c.go": "package c\ntype Conn struct{}\nfunc (c *Conn) Close() {}\ntype Door struct{}\n"
            "func (d *Door) Close() {}\n"
            "type Server struct { conn *Conn; door Door }\n"
            "func (s *Server) Stop() {\n\ts.conn.Close()\n\ts.door.Close()\n}\n",
            "D.java": "class D {\n  private final E e = new E();\n  void f(G g) {\n    e.go();\n    g.go();\n"
            "    this.e.go();\n"
            "    var h = new G();\n    h.go();\n  }\n}\n",
            "E.java": "class E {\n  void go() {}\n}\n",
            "G.java": "class G {\n  void go() {}\n}\n",
            "h.ts": "class I { go() {} }\nclass J { go() {} }\nclass K {\n  constructor(private i: I) {}\n"
            "  f(j: J) {\n    this.i.go();\n    j.go();\n  }\n}\n",
            "l.rs": "struct M { n: N }\nstruct N;\nstruct O;\nimpl N { fn go(&self) {} }\n"
            "impl O { fn go(&self) {} fn new() -> O { O } }\n"
            "impl M {\n    fn f(&self, o: &O) {\n        self.n.go();\n        o.go();\n"
            "        let p = O::new();\n        p.go();\n    }\n}\n",
        },
        [
            ("callers a.Store.tax", [
                "b.py:9 Shop.run call", "b.py:13 Shop.go call", "b.py:16  call", "b.py:11 Shop.run call ?",
            ]),
            ("callers a.Other.tax", ["b.py:10 Shop.run call", "b.py:11 Shop.run call ?"]),
            ("callers Conn.Close", ["c.go:8 Server.Stop call"]),
            ("callers Door.Close", ["c.go:9 Server.Stop call"]),
            ("callers E.go", ["D.java:4 D.f call", "D.java:6 D.f call"]),
            ("callers G.go", ["D.java:5 D.f call", "D.java:8 D.f call"]),
            ("callers I.go", ["h.ts:6 K.f call"]),
            ("callers J.go", ["h.ts:7 K.f call"]),
            ("callers N.go", ["l.rs:8 M.f call"]),
            ("callers O.go", ["l.rs:9 M.f call", "l.rs:11 M.f call"]),
        ],
    ),
}  # fmt: skip
