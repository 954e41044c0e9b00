"""Tests chosen for a tree that grows while it is asked about."""

import threading
from pathlib import Path

import pytest

from codebase.commands import TestCommand
from codebase.history import read_past
from codebase.index import BlobCache, Contents, build_corpus
from codebase.source import Evidence
from codebase.testing import Choice, Chooser, Selection, TestMap, build_map, npm_script
from tests.codebase.history.making import commit
from tests.codebase.index.making import MemoryTree
from tests.codebase.testing.test_mapping import SHOP

NEW_CART = SHOP["shop/cart.py"].replace("_rounded(1)", "_rounded(2)").encode()


@pytest.fixture
def tree() -> MemoryTree:
    return MemoryTree({path: text.encode() for path, text in SHOP.items()} | {"logo.png": b"\0\1"})


def made(tree: MemoryTree, folder: Path) -> TestMap:
    cache = BlobCache(folder / "index.db")
    try:
        past = read_past([commit("1", "shop/cart.py", "tests/test_cart.py")], SHOP)
        return build_map(build_corpus(tree, cache), tree, Contents(tree), cache, past)
    finally:
        cache.close()


def test_a_change_and_what_runs_its_tests(tree: MemoryTree, tmp_path: Path) -> None:
    commands = [TestCommand("uv run pytest", "pytest", Evidence("x", 1))]
    chooser = Chooser(Contents(tree), lambda: made(tree, tmp_path), commands)
    assert not chooser.ready
    choice = chooser.choose({"shop/cart.py": NEW_CART}, wait_s=60)
    assert choice is not None
    assert choice.selection.tests[0].path == "tests/test_cart.py"
    assert choice.commands[0].startswith("uv run pytest ")
    assert chooser.ready


def test_what_says_nothing(tree: MemoryTree, tmp_path: Path) -> None:
    chooser = Chooser(Contents(tree), lambda: made(tree, tmp_path))
    same = SHOP["shop/cart.py"].encode()
    nothing = {"shop/cart.py": same, "logo.png": b"\0\2", "big.py": b"#" * (2 << 20), "gone.py": None}
    choice = chooser.choose(nothing, wait_s=60)
    assert choice == Choice(Selection(()), ())


def test_new_removed_and_undecodable_files(tree: MemoryTree, tmp_path: Path) -> None:
    chooser = Chooser(Contents(tree), lambda: made(tree, tmp_path))
    changes = {"tests/test_users.py": None, "tests/test_new.py": b"x = '\xff'\n", "shop/users.py": b"\xff\n"}
    choice = chooser.choose(changes, wait_s=60)
    assert choice is not None
    assert choice.selection.tests[0].path == "tests/test_new.py"
    assert "tests/test_users.py" not in {one.path for one in choice.selection.tests}


def test_nobody_waits_longer_than_they_want(tree: MemoryTree, tmp_path: Path) -> None:
    gate = threading.Event()

    def slowly() -> TestMap:
        assert gate.wait(60)
        return made(tree, tmp_path)

    chooser = Chooser(Contents(tree), slowly)
    assert chooser.choose({"shop/cart.py": NEW_CART}, wait_s=0.0) is None
    gate.set()
    assert chooser.choose({"shop/cart.py": NEW_CART}, wait_s=60) is not None


def test_a_map_that_cannot_be_made_is_none(tree: MemoryTree) -> None:
    def broken() -> TestMap:
        raise OSError("the disk is full")

    chooser = Chooser(Contents(tree), broken)
    assert chooser.choose({"shop/cart.py": NEW_CART}, wait_s=60) is None
    assert not chooser.ready
    assert str(chooser.failure) == "the disk is full"


@pytest.mark.parametrize(
    ("package", "script"),
    [
        (b'{"scripts": {"test": "jest"}}', "jest"), (b"{}", ""), (b"[]", ""), (b"\xff", ""), (None, ""),
        (b'{"scripts": null}', ""), (b"[" * 100_000, ""),
    ],
)  # fmt: skip
def test_what_package_json_runs(package: bytes | None, script: str) -> None:
    assert npm_script(package) == script
