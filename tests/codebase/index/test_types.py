"""Which class a variable or a field has where its declaration or what it is made from says so."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.index.blob import read_blob
from codebase.index.links import read_links
from codebase.index.type_names import class_named

SAMPLES: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "a.py": (
        "x = A()\nclass C:\n    y: B\n    def f(self, p: 'P | None', q: list[int] = []):\n        self.z = m.Z(1)\n"
        "        v: Optional[V] = None\n        with W() as w: pass\n        a.b.c = D()\n        i, j = E()\n",
        [("", "x", "A"), ("C", "self.y", "B"), ("C.f", "p", "P"), ("C.f", "q", "list"), ("C.f", "self.z", "m.Z"),
         ("C.f", "v", "V"), ("C.f", "w", "W")],
    ),
    "a.js": (
        "class A { x = new X(); f() { const y = new Y(); this.z = new Z(); exports.q = new Q(); } }\n",
        [("A", "self.x", "X"), ("A.f", "y", "Y"), ("A.f", "self.z", "Z")],
    ),
    "a.ts": (
        "class C { private a: A; b = new B();\n constructor(private c: C1, d?: D) { this.e = new E(); }\n"
        " f() { const f: F<X> = g(); let h = new m.H(); let i: I[]; let j: (x: J) => K; } }\n",
        [("C", "self.a", "A"), ("C", "self.b", "B"), ("C.constructor", "self.c", "C1"), ("C.constructor", "c", "C1"),
         ("C.constructor", "d", "D"), ("C.constructor", "self.e", "E"), ("C.f", "f", "F"), ("C.f", "h", "m.H"),
         ("C.f", "x", "J")],
    ),
    "a.go": (
        "package a\ntype S struct { conn *net.Conn; l []int }\n"
        "func (s *S) F(a, b A) { x := &X{}; y := Y{1}; var z Z }\n",
        [("S", "self.conn", "net.Conn"), ("S.F", "s", "S"), ("S.F", "a", "A"), ("S.F", "b", "A"), ("S.F", "x", "X"),
         ("S.F", "y", "Y"), ("S.F", "z", "Z")],
    ),
    "a.rs": (
        "struct S { a: Box<dyn A>, b: Vec<B> }\n"
        "impl S { fn f(&self, p: &mut P<T>) { let x = X::new(); let y: Y = g(); let mut z = Z { a: 1 }; } }\n",
        [("S", "self.a", "A"), ("S", "self.b", "Vec"), ("S.f", "p", "P"), ("S.f", "x", "X"), ("S.f", "y", "Y"),
         ("S.f", "z", "Z")],
    ),
    "A.java": (
        "class A { private final B b = null; List<C> c; D[] d;\n"
        "  void f(E e) { G g = h(); var i = new I<J>(); for (K k : ks) {} } }\n",
        [("A", "self.b", "B"), ("A", "self.c", "List"), ("A.f", "e", "E"), ("A.f", "g", "G"), ("A.f", "i", "I"),
         ("A.f", "k", "K")],
    ),
    "a.cpp": (
        "class A { B b; C* c; std::unique_ptr<D> d;\n"
        "  void f(const E& e, F *f) { G g; H* h = new H(); n::I i(1); auto& j = k; } };\n",
        [("A", "self.b", "B"), ("A", "self.c", "C"), ("A", "self.d", "D"), ("A.f", "e", "E"), ("A.f", "f", "F"),
         ("A.f", "g", "G"), ("A.f", "h", "H"), ("A.f", "i", "n.I")],
    ),
    "a.rb": (
        "class A\n def f\n  @x = X.new(1)\n  y = M::Y.new\n  z = Z.make\n end\nend\n",
        [("A.f", "self.@x", "X"), ("A.f", "y", "M.Y")],
    ),
    "a.php": (
        "<?php class A { private ?B $b;\n"
        " function __construct(private C $c, D|null $d) { $this->e = new E(); $f = new \\F\\G(); } }\n",
        [("A", "self.b", "B"), ("A.__construct", "self.c", "C"), ("A.__construct", "d", "D"),
         ("A.__construct", "self.e", "E"), ("A.__construct", "f", "F.G")],
    ),
    "A.cs": (
        "class A { B b; C Prop { get; set; } void F(D d, List<E> e) { G g = h(); var i = new I(); } }\n",
        [("A", "self.b", "B"), ("A", "self.Prop", "C"), ("A.F", "d", "D"), ("A.F", "e", "List"), ("A.F", "g", "G"),
         ("A.F", "i", "I")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", SAMPLES)
def test_classes_of_variables_and_fields(path: str) -> None:
    source, expected = SAMPLES[path]
    names = read_blob(path, source.encode()).names
    found = [(names[place], variable, name) for place, variable, name in read_links(path, source.encode()).types]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Cart", "Cart"),
        ('Optional["Cart"]', "Cart"),
        ("'shop.Cart | None'", "shop.Cart"),
        ("typing.Annotated[Cart, 1, 2]", "Cart"),
        ("*shop.Cart", "shop.Cart"),
        ("&'a mut Cart<'a, T>", "Cart"),
        ("Box<dyn Draw>", "Draw"),
        ("std::shared_ptr<n::Cart>", "n.Cart"),
        ("\\Shop\\Cart", "Shop.Cart"),
        ("Cart | undefined", "Cart"),
        ("Cart?", "Cart"),
        ("list[Cart]", "list"),
        ("Cart[]", ""),
        ("Cart | Store", ""),
        ("[]Cart", ""),
        ("(x: Cart) => Store", ""),
        ("{ a: Cart }", ""),
        ("var", ""),
        ("None", ""),
        ("", ""),
        ("x" * 400, ""),
    ],
)
def test_the_one_class_a_type_names(text: str, name: str) -> None:
    assert class_named(text) == name


@given(st.text(max_size=400))
def test_any_text_names_a_class_or_none(text: str) -> None:
    assert not set(class_named(text)) & set(" <>[]|*&\"'")


@pytest.mark.parametrize("piece", ["Optional[", "|", "<", "*", "a.", "Box<", "' ", "mut "])
def test_no_type_takes_long(piece: str) -> None:
    began = time.monotonic()
    class_named((piece * 300)[:300])
    assert time.monotonic() - began < 1
