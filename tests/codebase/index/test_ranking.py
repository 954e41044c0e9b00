"""What comes first, on small repositories where anybody can say what should."""

import pytest

from codebase.index import search, search_files
from codebase.index.ranking import resolve
from tests.codebase.index.making import corpus_of

FILES = {
    "shop/cart.py": "class Cart:\n    def add(self, item):\n        self.items.append(item)\n\n"
    "    def total_price(self):\n        return sum(item.price for item in self.items)\n",
    "shop/mail.py": "def send_receipt(order):\n    server.connect()\n    server.send(order.address)\n",
    "shop/stock.py": "def reserve(item, number):\n    if number > available(item):\n        raise OutOfStock\n\n\n"
    "def available(item):\n    return warehouse.count(item)\n",
    "tests/test_cart.py": "def test_total_price():\n    assert Cart().total_price() == 0\n",
    "docs/cart.md": "# The cart\nThe cart has a total price of its items.\n",
    "README.md": "Sells things.\n",
}
CORPUS = corpus_of(FILES)


@pytest.mark.parametrize(
    ("issue", "path", "symbol"),
    [
        ("The total price of a cart is wrong", "shop/cart.py", "Cart.total_price"),
        ("Receipts are not sent", "shop/mail.py", "send_receipt"),
        ("OutOfStock although the warehouse has it", "shop/stock.py", "reserve"),
        ('It breaks\n\n  File "/venv/lib/shop/stock.py", line 6, in available\n', "shop/stock.py", "available"),
        ("It breaks\n\nSomewhere in `shop.mail.send_receipt`", "shop/mail.py", "send_receipt"),
        ("It breaks\n\nSee shop/mail.py for where", "shop/mail.py", ""),
    ],
)
def test_the_place_that_is_meant_comes_first(issue: str, path: str, symbol: str) -> None:
    first = search(CORPUS, issue, top=3)[0]
    assert first.path == path
    if symbol:
        assert first.symbol == symbol
    assert search_files(CORPUS, issue, top=1)[0][0] == path


def test_tests_and_documents_come_after_the_code() -> None:
    found = [path for path, _ in search_files(CORPUS, "total price of the cart")]
    assert found.index("shop/cart.py") < min(found.index("tests/test_cart.py"), found.index("docs/cart.md"))


def test_scores_fall_and_lines_are_there() -> None:
    hits = search(CORPUS, "the cart and the stock and the mail", top=50)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert 1 <= hit.start_line <= hit.end_line <= FILES[hit.path].count("\n")


@pytest.mark.parametrize("text", ["zzz qqq", "the of and", "", "\x00", "=" * 100])
def test_nothing_is_found_where_nothing_fits(text: str) -> None:
    assert search(CORPUS, text) == []


def test_an_empty_repository_has_no_places() -> None:
    assert search(corpus_of({}), "anything") == []
    assert search(corpus_of({"a.py": ""}), "anything") == []


def test_the_same_question_has_the_same_answer() -> None:
    assert search(CORPUS, "cart item") == search(corpus_of(dict(reversed(FILES.items()))), "cart item")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("/usr/lib/python3/site-packages/shop/cart.py", "shop/cart.py"),
        ("shop\\cart.py", "shop/cart.py"),
        ("cart.py", "shop/cart.py"),
        ("a/README.md", "README.md"),
        ("other/nothing.py", None),
    ],
)
def test_paths_of_reports(asked: str, found: str | None) -> None:
    number = resolve(CORPUS, asked)
    assert (None if number is None else CORPUS.paths[number]) == found


def test_a_path_that_fits_two_files_is_none() -> None:
    corpus = corpus_of({"a/util.py": "x = 1\n", "b/util.py": "x = 2\n"})
    assert resolve(corpus, "util.py") is None
    assert resolve(corpus, "c/util.py") is None
    assert resolve(corpus, "b/util.py") is not None
