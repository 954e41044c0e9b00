"""`forgehand navigate` as people and scripts call it."""

from pathlib import Path

import pytest

from tests.cli.ground import Forgehand, git, make_repository, put

FILES = {
    "shop/__init__.py": "",
    "shop/cart.py": "from shop.base import Store\n\n\nclass Cart(Store):\n    def total(self):\n"
    "        return self.tax() + len([])\n",
    "shop/base.py": "class Store:\n    def tax(self):\n        return 1\n\n    def total(self):\n        return 0\n",
    "use.py": "from shop.cart import Cart\n\nprint(Cart().total())\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop", dict(FILES))


@pytest.mark.parametrize(
    ("arguments", "places"),
    [
        (["definition", "Cart.total"], [("shop/cart.py", 5, 6, "Cart.total", "function", "exact")]),
        (["definition", "use.py:3:Cart"], [("shop/cart.py", 4, 6, "Cart", "class", "exact")]),
        (["definition", "shop/cart.py:6"], [("shop/base.py", 2, 3, "Store.tax", "function", "exact")]),
        (["references", "Store"], [("shop/cart.py", 1, 1, "", "import", "exact"), ("shop/cart.py", 4, 4, "Cart", "base",
                                                                                  "exact")]),
        (["callers", "Store.tax"], [("shop/cart.py", 6, 6, "Cart.total", "call", "exact")]),
        (["callers", "shop/base.py:2"], [("shop/cart.py", 6, 6, "Cart.total", "call", "exact")]),
        (["overrides", "Store.total"], [("shop/cart.py", 5, 6, "Cart.total", "function", "exact")]),
        (["callers", "Cart.total"], [("use.py", 3, 3, "", "call", "by_name")]),
    ],
)  # fmt: skip
def test_places_as_json(
    arguments: list[str], places: list[tuple[str, int, int, str, str, str]], forgehand: Forgehand, repository: Path
) -> None:
    ran = forgehand("navigate", *arguments, "--repo", str(repository), "--json")
    assert ran.status == 0, ran.err
    keys = ("path", "start_line", "end_line", "symbol", "kind", "certainty")
    assert [tuple(one[key] for key in keys) for one in ran.document["places"]] == places
    assert set(ran.document) == {"places", "left_out", "outside"}
    assert set(ran.document["places"][0]) == {*keys, "text", "scope"}


def test_people_are_told_how_sure_it_is_and_what_is_left_out(forgehand: Forgehand, repository: Path) -> None:
    ran = forgehand("navigate", "callees", "Cart.total", "--repo", str(repository))
    assert ran.status == 0, ran.err
    assert "shop/base.py:2-3  function Store.tax  (exact: base class)\n    def tax(self):" in ran.out
    assert "Not of this repository: len" in ran.out
    ran = forgehand("navigate", "references", "Store", "--repo", str(repository), "--top", "1")
    assert "1 more are left out" in ran.out
    ran = forgehand("navigate", "callers", "Cart.total", "--repo", str(repository))
    assert "use.py:3  call  (by name)" in ran.out


def test_an_outline_and_a_map(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    ran = forgehand("navigate", "outline", "shop/base.py", "--repo", str(repository), "--json")
    assert [one["symbol"] for one in ran.document["places"]] == ["Store", "Store.tax", "Store.total"]
    ran = forgehand("navigate", "map", "--repo", str(repository), "--tokens", "100")
    assert (ran.status, ran.out.splitlines()[0]) == (0, "shop/base.py:"), ran.err
    ran = forgehand("navigate", "map", "--repo", str(repository), "--json")
    assert "class Cart(Store):" in ran.document["map"]
    (tmp_path / "empty").mkdir()
    ran = forgehand("navigate", "map", "--repo", str(tmp_path / "empty"))
    assert (ran.status, "nothing to draw" in ran.out) == (1, True)


def test_a_commit_and_a_plain_folder(forgehand: Forgehand, repository: Path, tmp_path: Path) -> None:
    put(repository, {"shop/cart.py": "def alone(): pass\n"})
    git(repository, "commit", "-qam", "Change")
    for rev, status in (("HEAD", 2), ("HEAD~1", 0)):
        ran = forgehand("navigate", "definition", "Cart", "--repo", str(repository), "--rev", rev)
        assert ran.status == status, ran.err
    put(tmp_path / "plain", {"odd \x1b[31m.py": "def red(): pass\n"})
    ran = forgehand("navigate", "definition", "red", "--repo", str(tmp_path / "plain"))
    assert (ran.status, "\x1b" in ran.out) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["definition", "no_such", "--repo", "{repo}"], 2, "nothing of that name"),
        (["callers", "no_such", "--repo", "{repo}"], 2, "no function or class"),
        (["outline", "no.py", "--repo", "{repo}"], 2, "no such file"),
        (["definition", "use.py:99", "--repo", "{repo}"], 2, "no such line"),
        (["definition", "use.py:0", "--repo", "{repo}"], 2, "PATH:LINE"),
        (["definition", "use.py:x", "--repo", "{repo}"], 2, "PATH:LINE"),
        (["definition", "use.py:1:a:b", "--repo", "{repo}"], 2, "PATH:LINE"),
        (["definition", " ", "--repo", "{repo}"], 2, "no name"),
        (["definition", "Cart", "--repo", "/no/such"], 2, "no such folder"),
        (["definition", "Cart", "--repo", "{repo}", "--rev", "nowhere"], 2, "nowhere"),
        (["overrides", "Cart.total", "--repo", "{repo}", "--rev", "HEAD"], 0, "Store.total"),
        (["callers", "Cart.__init__", "--repo", "{repo}"], 2, "no function or class"),
        (["callees", "Store.tax", "--repo", "{repo}"], 1, "Nothing"),
    ],
)
def test_what_cannot_be_answered(
    arguments: list[str], status: int, said: str, forgehand: Forgehand, repository: Path
) -> None:
    ran = forgehand("navigate", *(one.format(repo=repository) for one in arguments))
    assert ran.status == status, ran.err
    assert said in ran.out + ran.err
    assert "Traceback" not in ran.err
