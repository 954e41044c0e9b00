"""The map from a change to its tests, on small repositories of several languages."""

import time
from collections.abc import Mapping

import pytest

from codebase.history import Past, read_past
from codebase.index.blob import read_blob
from codebase.index.corpus import make_corpus
from codebase.index.links import read_links
from codebase.navigation import import_graph
from codebase.testing import Edit, Selection, TestMap, compare, read_diff
from tests.codebase.history.making import commit

SHOP = {
    "shop/__init__.py": "from shop.cart import Cart\n",
    "shop/cart.py": "class Cart:\n    def total(self):\n        return _rounded(1)\n\n    def clear(self):\n"
    "        pass\n\n\ndef _rounded(amount):\n    return amount\n",
    "shop/users.py": "def greet(user):\n    return user\n",
    "shop/orphan.py": "def lonely():\n    return 1\n",
    "tests/conftest.py": "def helper():\n    return 1\n",
    "tests/test_cart.py": "from shop.cart import Cart\n\n\nclass TestCart:\n    def test_total(self):\n"
    "        assert Cart().total() == 1\n\n    def test_nothing(self):\n        pass\n",
    "tests/test_checkout.py": "import shop\n\n\ndef test_clears():\n    shop.Cart().clear()\n",
    "tests/test_users.py": "from shop.users import greet\n\n\ndef test_greets():\n    assert greet('a')\n",
    "other/test_far.py": "def test_far():\n    assert 'orphaned' and 1\n",
}


def mapped(files: Mapping[str, str], past: Past | None = None) -> TestMap:
    corpus = make_corpus((path, read_blob(path, text.encode())) for path, text in files.items())
    links = {path: read_links(path, text.encode()) for path, text in files.items()}
    graph = import_graph(files, links, lambda path: files[path].encode() if path in files else None)
    return TestMap(corpus, links, graph, past)


def edited(path: str, old: str, new: str, files: Mapping[str, str] = SHOP) -> Edit:
    assert old in files[path]
    return compare(path, files[path], files[path].replace(old, new))


def reasons(selection: Selection, path: str) -> set[str]:
    return {why.kind for one in selection.tests if one.path == path for why in one.reasons}


def test_the_test_that_calls_the_changed_method_comes_first() -> None:
    chosen = mapped(SHOP).select([edited("shop/cart.py", "_rounded(1)", "_rounded(2)")])
    first, second = chosen.tests[:2]
    assert (first.path, first.tests[0]) == ("tests/test_cart.py", "TestCart.test_total")
    assert {"calls", "imports", "named after"} <= {why.kind for why in first.reasons}
    assert second.path == "tests/test_checkout.py"
    assert "tests/test_users.py" not in {one.path for one in chosen.tests if one.exercises}
    assert chosen.unexercised == ()


def test_a_method_only_one_test_calls() -> None:
    chosen = mapped(SHOP).select([edited("shop/cart.py", "        pass", "        self.x = 1")])
    told = {str(why) for one in chosen.tests for why in one.reasons}
    assert "calls Cart.clear of shop/cart.py" in told
    (checkout,) = (one for one in chosen.tests if one.path == "tests/test_checkout.py")
    assert checkout.tests == ("test_clears",)


def test_what_no_test_calls_is_looked_for_in_its_callers() -> None:
    chosen = mapped(SHOP).select([edited("shop/cart.py", "return amount", "return round(amount)")])
    told = {str(why) for why in chosen.tests[0].reasons}
    assert "calls total, which calls _rounded, of shop/cart.py" in told
    assert chosen.tests[0].tests == ("TestCart.test_total",)


def test_a_file_no_test_exercises_is_named() -> None:
    chosen = mapped(SHOP).select([edited("shop/orphan.py", "return 1", "return 2")])
    assert chosen.unexercised == ("shop/orphan.py",)
    both = [edited("shop/orphan.py", "1", "2"), edited("shop/users.py", "return user", "return str(user)")]
    chosen = mapped(SHOP).select(both)
    assert chosen.unexercised == ("shop/orphan.py",)
    assert chosen.exercising == {"shop/orphan.py": (), "shop/users.py": ("tests/test_users.py",)}


def test_changed_new_moved_and_removed_tests() -> None:
    diff = (
        "diff --git a/tests/test_users.py b/tests/test_users.py\n--- a/tests/test_users.py\n"
        "+++ b/tests/test_users.py\n@@ -1 +1 @@\n-a\n+b\n"
        "diff --git a/tests/test_new.py b/tests/test_new.py\nnew file mode 100644\n--- /dev/null\n"
        "+++ b/tests/test_new.py\n@@ -0,0 +1 @@\n+x = 1\n"
        "diff --git a/tests/test_cart.py b/tests/test_basket.py\nrename from tests/test_cart.py\n"
        "rename to tests/test_basket.py\n"
        "diff --git a/tests/test_checkout.py b/tests/test_checkout.py\ndeleted file mode 100644\n"
        "--- a/tests/test_checkout.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "diff --git a/shop/cart.py b/shop/cart.py\n--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -3 +3 @@\n-x\n+y\n"
    )
    chosen = mapped(SHOP).select(read_diff(diff))
    assert [one.path for one in chosen.tests[:3]] == [
        "tests/test_basket.py",
        "tests/test_new.py",
        "tests/test_users.py",
    ]
    assert all("changed" in reasons(chosen, one.path) for one in chosen.tests[:3])
    assert not {"tests/test_cart.py", "tests/test_checkout.py"} & {one.path for one in chosen.tests}


def test_a_new_file_is_found_by_what_it_says() -> None:
    chosen = mapped(SHOP).select([compare("shop/greeting.py", None, "def greet_twice(user):\n    greet(user)\n")])
    assert chosen.tests[0].path == "tests/test_users.py"
    assert reasons(chosen, "tests/test_users.py") == {"shares words"}
    (why,) = chosen.tests[0].reasons
    assert all(word in SHOP["tests/test_users.py"] for word in why.detail.split(", ") if word != "greet_twice")
    assert chosen.unexercised == ("shop/greeting.py",)


def test_conftest_speaks_for_its_folder() -> None:
    chosen = mapped(SHOP).select([edited("tests/conftest.py", "return 1", "return 2")])
    below = {one.path for one in chosen.tests if one.exercises}
    assert below == {"tests/test_cart.py", "tests/test_checkout.py", "tests/test_users.py"}


def test_the_past_is_a_reason_but_says_nothing_is_exercised() -> None:
    log = [commit(f"{number}", "shop/orphan.py", "other/test_far.py") for number in range(4)]
    past = read_past(log, SHOP)
    chosen = mapped(SHOP, past).select([edited("shop/orphan.py", "return 1", "return 2")])
    assert chosen.tests[0].path == "other/test_far.py"
    assert str(chosen.tests[0].reasons[0]) == "changed with shop/orphan.py 4 of 4 times"
    assert chosen.unexercised == ("shop/orphan.py",)


def test_a_file_that_tests_reach_through_others_only_is_not_called_untested() -> None:
    files = {
        "shop/__init__.py": "from shop.facade import sell\n",
        "shop/facade.py": "from shop.inner import _work\n\n\ndef sell(registry):\n    return registry[0](_work)\n",
        "shop/inner.py": "def _work():\n    return 1\n",
        "tests/test_shop.py": "import shop\n\n\ndef test_sells():\n    assert shop\n",
    }
    chosen = mapped(files).select([edited("shop/inner.py", "return 1", "return 2", files)])
    assert reasons(chosen, "tests/test_shop.py") == {"reaches"}
    assert not chosen.tests[0].exercises
    assert (chosen.exercising, chosen.unexercised) == ({"shop/inner.py": ("tests/test_shop.py",)}, ())


def test_a_name_that_no_import_leads_to_is_only_mentioned() -> None:
    files = SHOP | {"other/test_far.py": "def test_far():\n    lonely()\n"}
    chosen = mapped(files).select([edited("shop/orphan.py", "return 1", "return 2")])
    assert "mentions" in reasons(chosen, "other/test_far.py")
    assert not any(one.exercises for one in chosen.tests)
    assert chosen.unexercised == ("shop/orphan.py",)


def test_the_tests_of_a_small_part_of_a_change_are_kept_apart() -> None:
    many = SHOP | {
        f"tests/more/test_{number}.py": "from shop.cart import Cart\n\nCart().total()\n" for number in range(40)
    }
    edits = [
        edited("shop/cart.py", "_rounded(1)", "_rounded(2)" + "\n        # more" * 40),
        edited("shop/users.py", "return user", "return 1"),
    ]
    chosen = mapped(many).select(edits, most=3)
    assert chosen.exercising["shop/users.py"] == ("tests/test_users.py",)


def test_data_speaks_only_where_no_code_changed() -> None:
    files = SHOP | {"shop/orphaned.txt": "orphaned things\n"}
    alone = mapped(files).select([edited("shop/orphaned.txt", "things", "thing", files)])
    assert (alone.tests, alone.unexercised) == ((), ())
    with_code = [
        edited("shop/orphaned.txt", "things", "thing", files),
        edited("shop/users.py", "user)", "user )", files),
    ]
    assert {why.path for one in mapped(files).select(with_code).tests for why in one.reasons} == {"shop/users.py"}


@pytest.mark.parametrize(
    ("files", "path", "old", "first"),
    [
        (
            {
                "go.mod": "module ex.org/shop\n",
                "cart/cart.go": "package cart\n\nfunc Total() int {\n\treturn 1\n}\n",
                "cart/cart_test.go": "package cart\n\nfunc TestTotal(t *testing.T) {\n\tTotal()\n}\n",
                "user/user_test.go": "package user\n\nfunc TestUser(t *testing.T) {\n\tName()\n}\n",
            },
            "cart/cart.go", "return 1", "cart/cart_test.go",
        ),
        (
            {
                "src/cart.ts": "export function total() {\n  return 1;\n}\n",
                "src/cart.test.ts": "import { total } from './cart';\ntest('x', () => { total(); });\n",
                "src/user.test.ts": "import { name } from './user';\ntest('y', () => { name(); });\n",
            },
            "src/cart.ts", "return 1", "src/cart.test.ts",
        ),
        (
            {
                "src/main/java/shop/Cart.java": "package shop;\n\nclass Cart {\n  int total() {\n    return 1;\n"
                "  }\n}\n",
                "src/test/java/shop/CartTest.java": "package shop;\n\nclass CartTest {\n  void sums() {\n"
                "    new Cart().total();\n  }\n}\n",
                "src/test/java/shop/UserTest.java": "package shop;\n\nclass UserTest {\n  void x() {\n  }\n}\n",
            },
            "src/main/java/shop/Cart.java", "return 1", "src/test/java/shop/CartTest.java",
        ),
        (
            {
                "Cargo.toml": '[package]\nname = "shop"\nversion = "1.0.0"\n',
                "src/lib.rs": "pub mod cart;\n",
                "src/cart.rs": "pub fn total() -> i32 {\n    1\n}\n",
                "tests/cart.rs": "use shop::cart::total;\n\n#[test]\nfn sums() {\n    total();\n}\n",
                "tests/user.rs": "#[test]\nfn user() {\n    name();\n}\n",
            },
            "src/cart.rs", "    1\n", "tests/cart.rs",
        ),
        (
            {
                "lib/cart.rb": "class Cart\n  def total\n    1\n  end\nend\n",
                "spec/cart_spec.rb": "require 'cart'\n\ndescribe Cart do\n  it { Cart.new.total }\nend\n",
                "spec/user_spec.rb": "describe User do\n  it { User.new.name }\nend\n",
            },
            "lib/cart.rb", "    1\n", "spec/cart_spec.rb",
        ),
    ],
)  # fmt: skip
def test_other_languages(files: dict[str, str], path: str, old: str, first: str) -> None:
    chosen = mapped(files).select([edited(path, old, old.replace("1", "2"), files)])
    assert chosen.tests[0].path == first
    assert "calls" in reasons(chosen, first)
    assert chosen.unexercised == ()


def test_bounds_and_nothing_at_all() -> None:
    many = SHOP | {
        f"tests/more/test_{number}.py": "from shop.cart import Cart\n\nCart().total()\n" for number in range(90)
    }
    edit = edited("shop/cart.py", "_rounded(1)", "_rounded(2)")
    chosen = mapped(many).select([edit], most=5)
    assert (len(chosen.tests), chosen.left_out) == (5, 87)
    assert all(len(one.reasons) <= 6 and len(one.tests) <= 12 for one in chosen.tests)
    assert mapped(SHOP).select([]) == Selection(())
    assert mapped({}).select([edit]).unexercised == ("shop/cart.py",)


def test_the_same_change_gives_the_same_answer() -> None:
    edits = [edited("shop/cart.py", "return amount", "return round(amount)"), edited("shop/users.py", "user", "u")]
    assert mapped(SHOP).select(edits) == mapped(dict(reversed(SHOP.items()))).select(edits)


def test_a_new_test_that_names_the_changed_code_exercises_it() -> None:
    edits = [
        edited("shop/orphan.py", "return 1", "return 2"),
        compare("tests/test_orphan_new.py", None, "from shop.orphan import lonely\n\nassert lonely() == 2\n"),
    ]
    chosen = mapped(SHOP).select(edits)
    assert chosen.unexercised == ()
    assert chosen.exercising == {"shop/orphan.py": ("tests/test_orphan_new.py",)}


def test_a_change_of_everything_in_a_large_repository_ends_soon() -> None:
    code = {f"src/m{number}.py": f"def f{number}():\n    return g{number}()\n" * 20 for number in range(200)}
    tests = {
        f"tests/test_m{number}.py": f"from src.m{number % 200} import x\n\nf{number % 7}()\n" for number in range(3_000)
    }
    known = mapped(code | tests)
    edits = [compare(path, text, text.replace("return", "yield")) for path, text in {**code, **tests}.items()]
    began = time.process_time()
    chosen = known.select(edits)
    assert time.process_time() - began < 15
    assert (len(chosen.tests), len(chosen.exercising)) == (30, 100)
