"""Answers from the code alone: what is said, what carries it, and what is honestly not there."""

from pathlib import Path

import pytest

from codebase.asking import ENOUGH, cover, read_question
from codebase.asking.deciding import is_product, is_prose
from codebase.asking.statements import plain_name
from codebase.citations import Shown, Verdict, check
from tests.codebase.asking.ground import MORE, SHOP, Shop, said


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_where_something_is_done(shop: Shop) -> None:
    found = shop.ask("Where is the session cookie signed?")
    assert found.found
    assert not found.reason
    assert said(found)[:2] == [
        "`SessionStore.signed` is defined as `def signed(self, session, secret_key)`. "
        "[shop/session.py:9, shop/session.py:6]",
        'It is documented as "Signs a session cookie with the secret key." [shop/session.py:10]',
    ]
    assert any("hmac.new" in one for one in said(found)) or len(found.claims) >= 2


def test_how_something_is_done_leads_to_what_is_called(shop: Shop) -> None:
    lines = said(shop.ask("How is the total of a cart rounded with a discount?"))
    assert any(line.startswith("`Cart.total` is defined as `def total(self, discount)`.") for line in lines)
    assert (
        "`Cart.total` calls `rounded`: `return rounded(sum(line.price for line in self.lines) - discount)`. "
        "[shop/cart.py:18, shop/cart.py:12, shop/cart.py:6]"
    ) in lines
    assert "`rounded` is defined as `def rounded(amount)`. [shop/money.py:4]" in lines


def test_a_sentence_of_documentation_may_go_over_lines(shop: Shop) -> None:
    lines = said(shop.ask("How is the total of a cart rounded with a discount?"))
    assert any('"Adds up the lines, takes the discount off and rounds the result."' in line for line in lines)
    assert any("[shop/cart.py:13-14]" in line for line in lines)


def test_a_head_may_go_over_lines(shop: Shop) -> None:
    lines = said(shop.ask("How is the cart's checkout paid with a voucher?"))
    assert any(
        "`Cart.checkout` is defined as `def checkout( self, payment, voucher=None, )`. [shop/cart.py:20-24" in line
        for line in lines
    )


def test_who_calls(shop: Shop) -> None:
    lines = said(shop.ask("Who calls total?"))
    assert lines[0].startswith("`Cart.total` is defined as")
    assert any(line.startswith("`Cart.checkout` calls `total`:") for line in lines)
    assert lines[-1].startswith("`test_total_of_an_empty_cart` calls `total`:"), "tests come last"


def test_who_calls_a_method_of_a_class(tmp_path: Path) -> None:
    """Of namesakes the one that is named; product code first, and the calls that surely mean it."""
    bills = """
class Bill:
    def total(self):
        return 7

    def printed(self):
        return str(self.total())


def posted(bill):
    return bill.total()
"""
    lines = said(Shop(tmp_path, SHOP | dict(MORE) | {"shop/bill.py": bills}).ask("Who calls Bill.total?"))
    assert [line.partition(" [")[0] for line in lines[:3]] == [
        "`Bill.total` is defined as `def total(self)`.",
        "`Bill.printed` calls `total`: `return str(self.total())`.",
        "`posted` calls `total`: `return bill.total()`.",
    ]
    assert not any(line.startswith("`Cart.total` is defined") for line in lines)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("Where is the Kafka consumer?", "Kafka"),
        ("How are websockets masked?", "websockets"),
        ("Who calls propagate_update?", "propagate_update"),
        ("How is a Docker image pushed?", "Docker"),
        ("Where is the session replicated to Redis?", "Redis"),
    ],
)
def test_what_is_not_there_is_not_found(shop: Shop, question: str, named: str) -> None:
    """The list of changes has some of these words, and so has a file nobody could cite."""
    found = shop.ask(question)
    assert not found.found
    assert named in found.reason


def test_words_that_stand_apart_are_no_answer(shop: Shop) -> None:
    """Each word stands somewhere in the code, all of them nowhere near each other."""
    found = shop.ask("How is the hmac of banks deployed to cents?")
    assert not found.found


@pytest.mark.parametrize("question", ["?", "How is it?", "и", "..."])
def test_a_question_about_nothing_says_so(shop: Shop, question: str) -> None:
    found = shop.ask(question)
    assert not found.found
    assert found.reason


def test_documents_answer_what_code_does_not(shop: Shop) -> None:
    found = shop.ask("How do I run it behind gunicorn workers?")
    assert found.found
    assert all(claim.citations[0].path == "docs/deploying.md" for claim in found.claims)
    assert "`docs/deploying.md` reads `Run the shop behind gunicorn with four workers:`. [docs/deploying.md:5]" in said(
        found
    )


def test_not_found_names_the_closest_places(shop: Shop) -> None:
    found = shop.ask("Where is the session cookie encrypted with AES by Fernet?")
    assert not found.found
    assert all("\n" not in place.path for place in found.places)


def test_every_claim_can_be_checked_again(shop: Shop) -> None:
    """What is published stands as well when it is read as an author's text."""
    found = shop.ask("How is the total of a cart rounded with a discount?")
    shown = Shown([one for claim in found.claims for one in claim.citations], shop.contents.lines)
    for claim in found.claims:
        if '"' in "".join(piece.text for piece in claim.pieces):
            continue
        (again,) = check(f"{claim.text.rstrip('.')} [{', '.join(map(str, claim.citations))}].", shown)
        assert (again.verdict, again.reason) == (Verdict.supported, "")


def test_the_decision_is_a_share_of_what_is_asked(shop: Shop) -> None:
    assert cover(shop.corpus, read_question("session cookie secret key")).best == 1.0
    nothing = cover(shop.corpus, read_question("Kafka Redis"))
    assert (nothing.best, nothing.missing) == (0.0, ("Kafka", "Redis"))
    half = cover(shop.corpus, read_question("signed session in Redis on Kafka"))
    assert 0 < half.best < ENOUGH
    assert half.missing == ("Redis", "Kafka")


def test_an_empty_repository_has_no_answers(tmp_path: Path) -> None:
    empty = Shop(tmp_path, {})
    found = empty.ask("Where is the session cookie signed?")
    assert (found.found, found.places) == (False, ())


@pytest.mark.parametrize(
    ("path", "product", "prose"),
    [
        ("src/app.py", True, False),
        ("src/app.vue", True, False),
        ("tests/test_app.py", False, False),
        ("docs/conf.py", False, False),
        ("docs/app.md", False, True),
        ("README.rst", False, True),
        ("CHANGELOG.md", False, False),
        ("docs/whats-new.rst", False, False),
        ("LICENSE.txt", False, False),
        ("third_party/x.c", False, False),
        ("package.json", False, False),
    ],
)
def test_what_counts_as_the_product(path: str, product: bool, prose: bool) -> None:
    assert (is_product(path), is_prose(path)) == (product, prose)


def test_names_lose_their_types() -> None:
    assert plain_name("Match<'a, Vec<T>>.new") == "Match.new"
    assert plain_name("a < b") == "a < b"


def test_contents_that_went_away_cost_statements_and_nothing_else(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    other = Shop(tmp_path / "other", dict.fromkeys(SHOP, ""))
    found = shop.ask("Where is the session cookie signed?")
    shop.contents = other.contents
    gone = shop.ask("Where is the session cookie signed?")
    assert found.found
    assert not gone.found
