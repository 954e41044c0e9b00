"""The cache of a repository is bounded by what its recent commits hold, whatever was searched before."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codebase.index import BlobCache, Tree, build_corpus, forgetting
from codebase.index.building import BLOBS, keys_of
from codebase.index.forgetting import forget_old
from tests.codebase.index.making import MemoryTree


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlobCache:
    monkeypatch.setattr(forgetting, "_ROOM", 10)
    return BlobCache(tmp_path / "index.db")


def commits(number: int, files: int = 5) -> dict[str, MemoryTree]:
    """Each with one file that all share and others of its own."""
    return {
        f"c{one}": MemoryTree(
            {"same.py": b"same = 1\n"} | {f"f{n}.py": f"a{one} = {n}\n".encode() for n in range(files - 1)}
        )
        for one in range(number)
    }


def use(cache: BlobCache, name: str, tree: Tree, tree_of: Callable[[str], Tree | None], now: float) -> int:
    build_corpus(tree, cache, processes=1)
    return forget_old(cache, name, tree_of, now=now)


def test_it_stays_bounded_and_keeps_what_was_used_last(cache: BlobCache) -> None:
    trees = commits(60)
    for now, (name, tree) in enumerate(trees.items()):
        use(cache, name, tree, trees.get, float(now))
        assert cache.rows() <= 4 * 5 + 10
    reads = [tree.reads for tree in trees.values()]
    for name in ("c59", "c58"):
        build_corpus(trees[name], cache, processes=1)
    assert [tree.reads for tree in trees.values()] == reads, "the last two were forgotten"
    assert len(cache.noted()) <= 50


def test_a_commit_used_again_is_recent(cache: BlobCache) -> None:
    trees = commits(20)
    for now, (name, tree) in enumerate(trees.items()):
        use(cache, name, tree, trees.get, float(now))
        use(cache, "c0", trees["c0"], trees.get, now + 0.5)
    assert trees["c0"].reads == 5
    assert cache.noted()[0] == "c0"


def test_nothing_is_forgotten_while_there_is_room(cache: BlobCache) -> None:
    trees = commits(3)
    asked: list[str] = []

    def tree_of(name: str) -> Tree | None:
        asked.append(name)
        return trees.get(name)

    first = list(trees.items())[:2]
    assert [use(cache, name, tree, tree_of, 1.0) for name, tree in first] == [0, 0]
    assert asked == [], "looking is cheap"


def test_commits_that_are_gone_are_passed_over(cache: BlobCache) -> None:
    trees = commits(12)
    there: dict[str, MemoryTree] = {}
    for now, (name, tree) in enumerate(trees.items()):
        there.clear()
        there[name] = tree
        use(cache, name, tree, there.get, float(now))
    rows = set(cache.load(BLOBS, sorted(keys_of(trees["c11"]))))
    assert rows == keys_of(trees["c11"])


def test_a_database_that_cannot_be_written_costs_nothing_else(cache: BlobCache) -> None:
    trees = commits(12)
    for tree in trees.values():
        build_corpus(tree, cache, processes=1)
    rows = cache.rows()
    cache._database.execute("PRAGMA query_only=ON")
    assert forget_old(cache, "c0", trees.get, now=1.0) == 0
    assert cache.rows() == rows
    cache._database.execute("PRAGMA query_only=OFF")
    assert forget_old(cache, "c0", trees.get, now=1.0) > 0


def test_a_cache_of_before_there_were_commits_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    first = BlobCache(path)
    tree = MemoryTree({"a.py": b"def alpha(): pass\n"})
    build_corpus(tree, first)
    with first._database as database:
        database.execute("DROP TABLE commits")
    first.close()
    second = BlobCache(path)
    assert second.noted() == []
    build_corpus(tree, second)
    assert tree.reads == 1
    second.close()
