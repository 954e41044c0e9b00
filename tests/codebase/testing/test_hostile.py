"""Trees and changes that nobody means well with: every one has an answer, within its bounds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from codebase.testing import Edit, commands_for, compare
from codebase.testing.mapping import MOST_TESTS
from tests.codebase.testing.test_mapping import SHOP, edited, mapped

KNOWN = mapped(SHOP)
_paths = some.sampled_from([*SHOP, "", "/", "..", "a\nb.py", "tests/test_\udcff.py", "-rf.py", "x" * 300 + ".py"])
_runs = some.lists(some.tuples(some.integers(-5, 10**9), some.integers(-5, 10**9)), max_size=5).map(tuple)
_edits = some.builds(Edit, _paths, some.none() | _paths, _runs, some.text(max_size=60), some.integers(0, 10**9))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(some.lists(_edits, max_size=6))
def test_any_edit_has_an_answer(edits: list[Edit]) -> None:
    chosen = KNOWN.select(edits)
    assert len(chosen.tests) <= MOST_TESTS
    assert [one.score for one in chosen.tests] == sorted((one.score for one in chosen.tests), reverse=True)
    assert chosen.left_out >= 0
    assert set(chosen.unexercised) <= {edit.path for edit in edits}
    assert all(one.reasons for one in chosen.tests)
    for one in chosen.tests:
        assert all(str(why) for why in one.reasons)
    commands_for(chosen.tests, [])


@settings(deadline=None, max_examples=40)
@given(some.sampled_from(sorted(SHOP)), some.text(max_size=80))
def test_any_new_content_has_an_answer(path: str, text: str) -> None:
    assert KNOWN.select([compare(path, SHOP[path], text)]).left_out >= 0


@pytest.mark.parametrize(
    "text",
    [
        "def " * 10_000, "class A(" * 5_000, "\x00" * 1_000, "def \u202eevil():\n", "x" * 100_000, "\r\r\n" * 500,
        "def total(" + "a," * 20_000,
    ],
)  # fmt: skip
def test_texts_that_are_no_code(text: str) -> None:
    chosen = KNOWN.select([compare("shop/cart.py", SHOP["shop/cart.py"], text)])
    assert chosen.tests[0].path in ("tests/test_cart.py", "tests/test_checkout.py")


def test_a_tree_without_tests_and_tests_without_a_tree() -> None:
    code = {path: text for path, text in SHOP.items() if not path.startswith(("tests/", "other/"))}
    edit = edited("shop/cart.py", "_rounded(1)", "_rounded(2)")
    chosen = mapped(code).select([edit])
    assert (chosen.tests, chosen.unexercised) == ((), ("shop/cart.py",))
    tests = {path: text for path, text in SHOP.items() if path.startswith("tests/")}
    assert mapped(tests).select([edit]).exercising.keys() == {"shop/cart.py"}


def test_names_of_files_that_are_taken_apart_carefully() -> None:
    odd = {
        "src/a\nb.py": "def odd():\n    return 1\n",
        "tests/test_a\nb.py": "def test_odd():\n    odd()\n",
        "tests/test_\udcff.py": "def test_x():\n    odd()\n",
        "tests/test_'; rm -rf.py": "def test_y():\n    odd()\n",
    }
    chosen = mapped(odd).select([compare("src/a\nb.py", odd["src/a\nb.py"], "def odd():\n    return 2\n")])
    assert {one.path for one in chosen.tests} == set(odd) - {"src/a\nb.py"}
    (command,) = commands_for(chosen.tests, [])
    assert command.count(".py") == 1


def test_files_that_import_each_other_in_a_circle() -> None:
    circle = {
        f"pkg/m{number}.py": f"from pkg.m{(number + 1) % 5} import f\n\n\ndef f():\n    return 1\n"
        for number in range(5)
    }
    circle |= {"pkg/__init__.py": "", "tests/test_m0.py": "from pkg.m0 import f\n\n\ndef test_f():\n    assert f()\n"}
    chosen = mapped(circle).select([compare("pkg/m2.py", circle["pkg/m2.py"], circle["pkg/m2.py"].replace("1", "2"))])
    assert chosen.tests[0].path == "tests/test_m0.py"
    assert chosen.unexercised == ()


def test_tests_are_not_gone_through_to_reach_others() -> None:
    files = SHOP | {"tests/test_users.py": SHOP["tests/test_users.py"] + "from tests import test_cart\n",
                    "tests/__init__.py": ""}  # fmt: skip
    chosen = mapped(files).select([edited("shop/cart.py", "_rounded(1)", "_rounded(2)")])
    users = [one for one in chosen.tests if one.path == "tests/test_users.py"]
    assert not any(why.kind in ("imports", "reaches") for one in users for why in one.reasons)
