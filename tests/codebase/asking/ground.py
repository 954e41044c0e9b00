"""A small repository to ask about, in memory."""

from collections.abc import Mapping
from pathlib import Path

from codebase.asking import Answer, IndexedTree, answer
from codebase.index import BlobCache, build_corpus
from tests.codebase.index.making import MemoryTree

SHOP = {
    "shop/cart.py": '''"""What a customer is about to buy."""

from shop.money import rounded


class Cart:
    """The wares of one customer."""

    def __init__(self):
        self.lines = []

    def total(self, discount):
        """Adds up the lines, takes the discount off and
        rounds the result.
        """
        if not self.lines:
            return None
        return rounded(sum(line.price for line in self.lines) - discount)

    def checkout(
        self,
        payment,
        voucher=None,
    ):
        """Pays for the cart."""
        return payment.charge(self.total(voucher.amount if voucher else 0))
''',
    "shop/money.py": '''"""Amounts of money."""


def rounded(amount):
    # Banks round half up.
    return int(amount * 100 + 0.5) / 100
''',
    "shop/session.py": '''"""Sessions of customers."""

import hmac


class SessionStore:
    """Keeps sessions in cookies."""

    def signed(self, session, secret_key):
        """Signs a session cookie with the secret key."""
        return hmac.new(secret_key, session, "sha256")
''',
    "tests/test_cart.py": """from shop.cart import Cart


def test_total_of_an_empty_cart():
    assert Cart().total(0) is None
""",
    "docs/deploying.md": """# Deploying

## Behind gunicorn

Run the shop behind gunicorn with four workers:

    gunicorn shop:app
""",
    "CHANGES.md": "# Changes\n\n- Kafka consumers commit their offsets, websockets are masked.\n",
    "odd\nname.py": "def kafka_consumer():\n    return 1\n",
}
MORE: Mapping[str, str] = {
    f"shop/part_{number}.py": f'"""Part {number}."""\n\n\ndef part_{number}(value):\n    """Handles part {number}."""\n'
    f"    return value + {number}\n"
    for number in range(30)
}


class Shop(IndexedTree):
    """The shop with its index."""

    def __init__(self, folder: Path, files: Mapping[str, str] = SHOP | dict(MORE)) -> None:
        tree = MemoryTree({path: text.encode() for path, text in files.items()})
        cache = BlobCache(folder / "index.db")
        super().__init__(tree, cache, build_corpus(tree, cache))

    def ask(self, question: str) -> Answer:
        return answer(question, self)


def said(found: Answer) -> list[str]:
    return [f"{claim.text} [{', '.join(map(str, claim.citations))}]" for claim in found.claims]
