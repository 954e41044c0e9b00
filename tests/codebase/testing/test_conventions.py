"""Which files are tests, in the habits of many languages, and whose."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from codebase.testing.conventions import is_support, is_test, likeness, subject


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_cart.py", "cart_test.py", "app/tests.py", "cart_test.go", "src/cart.test.ts", "src/cart.spec.tsx",
        "src/__tests__/cart.js", "cypress/cart.cy.ts", "spec/cart_spec.rb", "test/cart_test.rb", "tests/cart.rs",
        "src/tests.rs", "src/test/java/shop/CartTest.java", "src/test/java/shop/CartIT.java", "shop/TestCart.java",
        "Shop.Tests/CartTests.cs", "tests/CartTest.php", "test/cart.c", "test_cart.cc", "cart-test.js",
        "testing/test_config.py", "tests/test_utils.py", "src/test/kotlin/CartSpec.kt", "tests/test_a\nb.py",
    ],
)  # fmt: skip
def test_these_are_tests(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/cart.py", "tests/conftest.py", "tests/__init__.py", "tests/helpers.py", "latest.py", "src/contest.go",
        "testing.go", "src/Contest.java", "src/Latest.java", "README.md", "tests/data/cart.json", "test/helpers.js",
        "spec/spec_helper.rb", "tests/common/mod.rs", "src/protest.ts", "src/testimonials.rs", "",
    ],
)  # fmt: skip
def test_these_are_none(path: str) -> None:
    assert not is_test(path)


def test_what_helps_tests() -> None:
    assert is_support("tests/conftest.py")
    assert is_support("test/helpers.js")
    assert not is_support("tests/test_cart.py")
    assert not is_support("src/cart.py")


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("tests/test_cart.py", "cart"), ("cart_test.go", "cart"), ("src/cart.spec.tsx", "cart"),
        ("CartTest.java", "cart"), ("TestCart.java", "cart"), ("ShoppingCartTests.cs", "shoppingcart"),
        ("shopping_cart.py", "shoppingcart"), ("src/cart/__init__.py", "cart"), ("src/cart/index.ts", "cart"),
        ("src/cart/mod.rs", "cart"), ("spec/cart_spec.rb", "cart"), ("a.b.test.js", "ab"), ("__init__.py", "init"),
        ("cart-test.js", "cart"), ("cart.cy.ts", "cart"),
    ],
)  # fmt: skip
def test_what_a_file_is_about(path: str, about: str) -> None:
    assert subject(path) == about


@pytest.mark.parametrize(
    ("better", "worse", "path"),
    [
        ("tests/test_cart.py", "tests/test_cart_discounts.py", "src/shop/cart.py"),
        ("tests/test_cart_discounts.py", "tests/test_user.py", "src/shop/cart.py"),
        ("tests/shop/test_views.py", "tests/admin/test_views.py", "src/shop/views.py"),
        ("src/shop/views.test.ts", "src/admin/views.test.ts", "src/shop/views.ts"),
        ("tests/test_plot.py", "tests/test_io.py", "pkg/plot/axes.py"),
        ("src/test/java/shop/CartTest.java", "src/test/java/shop/UserTest.java", "src/main/java/shop/Cart.java"),
    ],
)
def test_the_likelier_test(better: str, worse: str, path: str) -> None:
    assert likeness(better, path) > likeness(worse, path)


def test_nothing_in_common_is_nothing() -> None:
    assert likeness("tests/test_user.py", "src/cart.py") == 0
    assert likeness("tests/test_a.py", "src/ab.py") == 0


@given(some.text(max_size=60), some.text(max_size=60))
def test_any_path_has_an_answer(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) <= 1
    is_test(one)
    subject(one)
