"""Where a name leads, on repositories so small that anybody can say where it should."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codebase.index import BlobCache, build_corpus
from codebase.navigation import Navigator, NotThere, navigator
from tests.codebase.index.making import MemoryTree
from tests.codebase.navigation.making import navigator_of, told
from tests.codebase.navigation.samples import LANGUAGES

SHOP = {
    "shop/__init__.py": "from .cart import Cart\nfrom . import prices as money\n",
    "shop/cart.py": """from shop import prices
from .base import Store, LIMIT
import json

class Cart(Store):
    def __init__(self):
        super().__init__()
    def total(self):
        \"\"\"Not total() here, nor in 'total'.\"\"\"
        return prices.add(self.items()) + self.tax(total=1)
    def items(self):
        return json.loads(self.raw)

def total():
    local = Cart()
    return local.total()
""",
    "shop/base.py": """LIMIT = 10
class Store:
    def __init__(self):
        pass
    def tax(self, total):
        return self.items()
    def items(self):
        raise NotImplementedError
""",
    "shop/prices.py": "def add(values):\n    return sum(values)\n",
    "tests/test_cart.py": """import shop
import shop.cart
from shop import Cart as C, money

def test_total():
    assert C().total() == 0
    assert shop.Cart().total() == shop.cart.total()
    money.add([])
    total = 1
    return total
""",
}


@pytest.fixture
def shop(tmp_path: Path) -> Navigator:
    return navigator_of(SHOP, tmp_path)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Cart", ["shop/cart.py:5 Cart class"]),
        ("Cart.total", ["shop/cart.py:8 Cart.total function"]),
        ("total", ["shop/cart.py:8 Cart.total function ?", "shop/cart.py:14 total function ?"]),
        ("shop.cart.total", ["shop/cart.py:14 total function"]),
        ("Cart.tax", ["shop/base.py:5 Store.tax function"]),
        ("shop::prices::add", ["shop/prices.py:1 add function"]),
        ("LIMIT", ["shop/base.py:1  variable ?"]),
        ("cart", ["shop/cart.py:5 Cart class ?"]),
    ],
)
def test_definitions_by_name(shop: Navigator, asked: str, found: list[str]) -> None:
    assert told(shop.definition(asked)) == found


@pytest.mark.parametrize(
    ("path", "line", "name", "found", "scope"),
    [
        ("shop/cart.py", 10, "add", ["shop/prices.py:1 add function"], "imports"),
        ("shop/cart.py", 10, "items", ["shop/cart.py:11 Cart.items function"], "class"),
        ("shop/cart.py", 10, "tax", ["shop/base.py:5 Store.tax function"], "base class"),
        ("shop/cart.py", 7, "__init__", ["shop/base.py:3 Store.__init__ function"], "super"),
        ("shop/cart.py", 15, "Cart", ["shop/cart.py:5 Cart class"], "same file"),
        ("shop/cart.py", 16, "total", ["shop/cart.py:8 Cart.total function"], "type"),
        ("shop/base.py", 6, "items", ["shop/base.py:7 Store.items function"], "class"),
        ("tests/test_cart.py", 6, "C", ["shop/cart.py:5 Cart class"], "imports"),
        ("tests/test_cart.py", 7, "Cart", ["shop/cart.py:5 Cart class"], "imports"),
        ("tests/test_cart.py", 8, "add", ["shop/prices.py:1 add function"], "imports"),
    ],
)  # fmt: skip
def test_definitions_by_what_is_around(
    shop: Navigator, path: str, line: int, name: str, found: list[str], scope: str
) -> None:
    answer = shop.definition(name, path=path, line=line)
    assert told(answer) == found
    assert {one.scope for one in answer.places} == {scope}


def test_all_that_a_line_surely_means(shop: Navigator) -> None:
    assert told(shop.definition(path="shop/cart.py", line=10)) == [
        "shop/prices.py:1 add function", "shop/cart.py:11 Cart.items function", "shop/base.py:5 Store.tax function",
    ]  # fmt: skip


def test_uses_are_told_from_other_things_of_that_name(shop: Navigator) -> None:
    assert told(shop.references("shop.cart.total")) == ["tests/test_cart.py:7 test_total call"]
    assert told(shop.references("Cart.total")) == [
        "shop/cart.py:16 total call",
        "tests/test_cart.py:6 test_total call ?",
        "tests/test_cart.py:7 test_total call ?",
    ]
    assert told(shop.references("Cart")) == [
        "shop/__init__.py:1  import",
        "shop/cart.py:15 total call",
        "tests/test_cart.py:3  import",
        "tests/test_cart.py:6 test_total call",
        "tests/test_cart.py:7 test_total call",
    ]
    assert told(shop.references("Store")) == ["shop/cart.py:2  import", "shop/cart.py:5 Cart base"]


def test_callers_and_callees(shop: Navigator) -> None:
    assert told(shop.callers("Store.tax")) == ["shop/cart.py:10 Cart.total call"]
    assert told(shop.callers("Cart.__init__")) == [
        "shop/cart.py:15 total call",
        "tests/test_cart.py:6 test_total call",
        "tests/test_cart.py:7 test_total call",
    ]
    assert told(shop.callers("Cart.items")) == ["shop/cart.py:10 Cart.total call", "shop/base.py:6 Store.tax call ?"]
    callees = shop.callees("Cart.total")
    assert told(callees) == [
        "shop/prices.py:1 add function", "shop/cart.py:11 Cart.items function", "shop/base.py:5 Store.tax function",
    ]  # fmt: skip
    assert shop.callees("Cart.items").outside == ("json.loads",)
    assert told(shop.callees(path="shop/base.py", line=6)) == ["shop/base.py:7 Store.items function"]


def test_overrides_both_ways(shop: Navigator) -> None:
    assert [(one.symbol, one.scope) for one in shop.overrides("Store.items").places] == [("Cart.items", "subclass")]
    assert [(one.symbol, one.scope) for one in shop.overrides("Cart.items").places] == [("Store.items", "base")]
    assert [(one.symbol, one.scope) for one in shop.overrides("Store").places] == [("Cart", "subclass")]
    assert shop.overrides("shop.cart.total").places == ()


def test_outlines_and_search(shop: Navigator) -> None:
    outline = shop.outline("shop/base.py")
    assert told(outline) == [
        "shop/base.py:2 Store class", "shop/base.py:3 Store.__init__ function",
        "shop/base.py:5 Store.tax function", "shop/base.py:7 Store.items function",
    ]  # fmt: skip
    assert [one.text for one in outline.places][2] == "def tax(self, total):"
    assert shop.search("add prices", top=1).places[0].symbol == "add"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda shop: shop.definition("nothing_like_it"), "nothing of that name"),
        (lambda shop: shop.definition("  "), "no name"),
        (lambda shop: shop.references("nothing_like_it"), "no function or class"),
        (lambda shop: shop.callers("LIMIT"), "no function or class"),
        (lambda shop: shop.outline("shop"), "no such file"),
        (lambda shop: shop.definition("x", path="no.py", line=1), "no such file"),
        (lambda shop: shop.definition("x", path="shop/base.py", line=99), "no such line"),
        (lambda shop: shop.callees(path="shop/base.py", line=1), "no definition stands there"),
    ],
)
def test_what_is_not_there_is_said(shop: Navigator, ask: Callable[[Navigator], object], said: str) -> None:
    with pytest.raises(NotThere, match=said):
        ask(shop)


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages(language: str, tmp_path: Path) -> None:
    files, questions = LANGUAGES[language]
    shop = navigator_of(files, tmp_path)
    for asked, expected in questions:
        what, target, *name = asked.split(" ")
        path, _, line = target.rpartition(":")
        method = getattr(shop, what)
        found = method("".join(name), path=path, line=int(line)) if line.isdigit() else method(target)
        assert told(found) == expected, asked


def test_many_definitions_are_bounded_and_counted(tmp_path: Path) -> None:
    files = {f"m{number}.py": "class A:\n    def run(self): self.stop()\n" for number in range(80)}
    shop = navigator_of({**files, "use.py": "def f(x):\n    x.run()\n"}, tmp_path)
    answer = shop.definition("run")
    assert (len(answer.places), answer.left_out) == (navigator.MOST, 80 - navigator.MOST)
    few = shop.definition("run", path="use.py", line=2, most=3)
    assert (len(few.places), few.left_out) == (3, 77)
    assert shop.callers("m3.A.run").left_out == 0


def test_a_name_the_index_has_no_term_for_is_found_all_the_same(tmp_path: Path) -> None:
    long = "a" * 150
    files = {"a.py": f"def x(): pass\ndef {long}(): pass\n", "b.py": f"from a import x, {long}\nx()\n{long}()\n"}
    shop = navigator_of(files, tmp_path)
    assert told(shop.callers("x")) == ["b.py:2  call"]
    assert told(shop.callers(long)) == ["b.py:3  call"]


def test_odd_files_cost_only_themselves(tmp_path: Path) -> None:
    files = {
        **SHOP,
        "bad.py": "def (:\n  from\n",
        "loop.py": "from loop import loop\nfrom loop2 import b\nclass A(B): pass\nclass B(A):\n"
        "    def f(self): super().g()\n",
        "loop2.py": "from loop import b\nfrom loop import *\nb()\n",
        "sur\udcffrogate.py": "from shop import Cart\nCart()\n",
        "new\nline.py": "from shop import Cart\nCart()\n",
        "empty.py": "",
        "binary.py": "\x00Cart()\n",
        "comment.py": "# Cart()\n\"Cart()\"\n'''Cart()'''\nf\"{Cart()}\"\n",
    }
    shop = navigator_of(files, tmp_path)
    found = told(shop.references("Cart"))
    assert {"sur\udcffrogate.py:2  call", "new\nline.py:2  call"} <= set(found)
    assert not [one for one in found if one.startswith(("comment.py", "binary.py"))], (
        "a name nobody imported is another"
    )
    assert told(shop.overrides("loop.A")) == ["loop.py:4 B class"]
    assert told(shop.callees("loop.B.f")) == []
    assert told(shop.definition("b", path="loop2.py", line=3)) == ["loop.py:1  file"], "the file it is said to be in"


def test_only_files_with_the_name_are_parsed(tmp_path: Path) -> None:
    tree = MemoryTree({path: text.encode() for path, text in SHOP.items()})
    cache = BlobCache(tmp_path / "index.db")
    corpus = build_corpus(tree, cache, processes=1)
    before = tree.reads
    shop = Navigator(tree, cache, corpus)
    assert told(shop.references("add")) == ["shop/cart.py:10 Cart.total call", "tests/test_cart.py:8 test_total call"]
    assert tree.reads - before <= 8


def test_a_name_in_very_many_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(navigator, "MOST_PARSED", 2)
    files = {f"use{number}.py": "from a import run\nrun()\nkept = run\n" for number in range(4)}
    shop = navigator_of({"a.py": "def run(): pass\n", **files}, tmp_path)
    found = told(shop.references("run"))
    assert [one for one in found if one.endswith("call")] == [f"use{number}.py:2  call" for number in range(4)]
    assert [one for one in found if one.endswith("use")] == ["use0.py:3  use"], "a.py and use0.py were parsed"


def test_a_damaged_cache_changes_no_answer(tmp_path: Path) -> None:
    first = navigator_of(SHOP, tmp_path)
    expected = told(first.callers("Store.tax"))
    cache = BlobCache(tmp_path / "index.db")
    with cache._database as database:
        database.execute("UPDATE links SET data = x'00ff'")
        database.execute("UPDATE blobs SET data = x'00ff'")
    cache.close()
    assert told(navigator_of(SHOP, tmp_path).callers("Store.tax")) == expected


def test_several_threads_may_ask_at_once(shop: Navigator) -> None:
    questions = [lambda: told(shop.references("Cart")), lambda: told(shop.callees("Cart.total")),
                 lambda: told(shop.overrides("Store")), lambda: shop.map(tokens=200)] * 4  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        together = [one.result() for one in [pool.submit(question) for question in questions]]
    assert together == [question() for question in questions]
