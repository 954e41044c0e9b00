"""Indexes of commits on one host, with real mirrors: built once, kept within bounds, each commit with its own tree."""

import gc
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codebase.index import Corpus, building
from repositories import Mirror, Remote, RevisionUnknown
from tests.cli.ground import git, make_repository, put
from workers import indexes as module
from workers.indexes import Indexes, size_of
from workers.local_source import mirror_path

CODE = {"lion.py": "def lion():\n    return roar()\n", "docs/zoo.md": "# Zoo\n"}


class Zoo:
    """A repository, its mirror and the indexes of a host."""

    def __init__(self, folder: Path) -> None:
        self.directory = make_repository(folder / "zoo", dict(CODE))
        self.mirror = Mirror.open(mirror_path(folder / "mirrors", str(self.directory)), Remote(str(self.directory)))
        self.indexes = Indexes(folder / "indexes", max_bytes=1 << 30)
        self.folder = folder

    def commit(self, files: dict[str, str]) -> str:
        put(self.directory, dict(files))
        git(self.directory, "add", ".")
        git(self.directory, "commit", "-qm", "More")
        self.mirror.fetch()
        return self.head

    @property
    def head(self) -> str:
        return git(self.directory, "rev-parse", "HEAD")

    def symbols(self, sha: str, text: str) -> list[str]:
        finder = self.indexes.begin(self.mirror.path, sha).result(timeout=30)
        return [hit.symbol for hit in finder.find(text, top=5) if hit.symbol]


@pytest.fixture
def zoo(tmp_path: Path) -> Iterator[Zoo]:
    made = Zoo(tmp_path)
    yield made
    made.indexes.close()


def test_each_commit_has_its_own_tree(zoo: Zoo) -> None:
    """A task sees its base commit, whatever was pushed since."""
    first = zoo.head
    second = zoo.commit({"lion.py": "def tiger():\n    return roar()\n"})
    assert zoo.symbols(first, "who can roar") == ["lion"]
    assert zoo.symbols(second, "who can roar") == ["tiger"]
    finder = zoo.indexes.begin(zoo.mirror.path, first).result(timeout=30)
    (excerpt,) = finder.excerpts(finder.find("roar", top=1), "roar", lines=[5])
    assert excerpt.lines[0] == (1, "def lion():")


def test_those_who_ask_together_wait_for_one(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[str] = []
    real = building.build_corpus

    def slowly(*args: Any, **named: Any) -> Corpus:
        builds.append("one")
        time.sleep(0.2)  # so that all have asked before it is there
        return real(*args, **named)

    monkeypatch.setattr(module, "build_corpus", slowly)
    futures = [zoo.indexes.begin(zoo.mirror.path, zoo.head) for _ in range(5)]
    finders = {id(future.result(timeout=30)) for future in futures}
    assert (len(finders), len(builds)) == (1, 1)
    assert id(zoo.indexes.begin(zoo.mirror.path, zoo.head).result(timeout=0)) in finders


def test_a_small_repository_does_not_wait_for_a_large_one(zoo: Zoo, tmp_path: Path) -> None:
    """What parses is shared batch by batch."""
    files = {f"big{n}.py": "".join(f"def f{m}():\n    return a{m} + b{n}\n" for m in range(800)) for n in range(60)}
    large = make_repository(tmp_path / "large", dict(files))
    mirror = Mirror.open(mirror_path(tmp_path / "mirrors", str(large)), Remote(str(large)))
    slow = zoo.indexes.begin(mirror.path, git(large, "rev-parse", "HEAD"))
    time.sleep(0.3)  # so that it has every process
    quick = zoo.indexes.begin(zoo.mirror.path, zoo.head)
    quick.result(timeout=60)
    assert not slow.done()


def test_another_process_reads_what_this_one_kept(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo.symbols(zoo.head, "roar")
    monkeypatch.setattr(building, "parse_all", None)
    other = Indexes(zoo.folder / "indexes", max_bytes=1 << 30)
    finder = other.begin(zoo.mirror.path, zoo.head).result(timeout=30)
    assert [hit.symbol for hit in finder.find("roar", top=1)] == ["lion"]


def test_what_cannot_be_built_is_told_and_tried_again(zoo: Zoo) -> None:
    with pytest.raises(RevisionUnknown):
        zoo.indexes.begin(zoo.mirror.path, "0" * 40).result(timeout=30)
    path = zoo.indexes.path(zoo.mirror.path)
    path.mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        zoo.indexes.begin(zoo.mirror.path, zoo.head).result(timeout=30)
    path.rmdir()
    assert zoo.symbols(zoo.head, "roar") == ["lion"]


def test_memory_is_bounded(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 2)
    shas = [zoo.head, *[zoo.commit({"n.py": f"def f{n}(): pass\n"}) for n in range(3)]]
    for sha in shas:
        zoo.symbols(sha, "roar")
    assert [sha for _, sha in zoo.indexes._ready] == shas[-2:]
    monkeypatch.setattr(module, "_KEPT_BYTES", 0)
    zoo.symbols(shas[0], "roar")
    assert [sha for _, sha in zoo.indexes._ready] == [shas[0]], "the newest is kept however large it is"
    zoo.indexes.let_go(unused_s=3600)
    assert len(zoo.indexes._ready) == 1
    zoo.indexes.let_go(unused_s=-1)
    assert not zoo.indexes._ready


def test_a_corpus_knows_about_how_large_it_is(zoo: Zoo) -> None:
    small = zoo.indexes.begin(zoo.mirror.path, zoo.head).result(timeout=30)
    sha = zoo.commit({"big.py": "".join(f"def f{n}():\n    return a{n} + b{n}\n" for n in range(1000))})
    large = zoo.indexes.begin(zoo.mirror.path, sha).result(timeout=30)
    assert size_of(small.corpus) < 10_000 < 50_000 < size_of(large.corpus) < 1_000_000


def test_disk_is_bounded_and_the_index_in_use_stays(zoo: Zoo, tmp_path: Path) -> None:
    zoo.symbols(zoo.head, "roar")
    mine = zoo.indexes.path(zoo.mirror.path)
    for number, name in enumerate(("old.db", "older.db")):
        path = mine.with_name(name)
        path.write_bytes(b"x" * 100_000)
        Path(f"{path}-wal").write_bytes(b"x")
        for one in (path, Path(f"{path}-wal")):
            os.utime(one, (1_000_000 - number, 1_000_000 - number))
    tight = Indexes(mine.parent, max_bytes=200_000)
    sha = zoo.commit({"n.py": "def f(): pass\n"})
    tight.begin(zoo.mirror.path, sha).result(timeout=30)
    assert {path.name for path in mine.parent.glob("*.db*")} >= {mine.name, "old.db", "old.db-wal"}
    assert not list(mine.parent.glob("older.db*"))
    none = Indexes(mine.parent, max_bytes=0)
    none.begin(zoo.mirror.path, zoo.head).result(timeout=30)
    assert [path.name for path in mine.parent.glob("*.db")] == [mine.name]


def test_where_it_lies(tmp_path: Path) -> None:
    indexes = Indexes(tmp_path, max_bytes=1)
    assert indexes.path(Path("/s/mirrors/github/17.git")) == tmp_path / "github-17.db"
    assert indexes.path(Path("/s/mirrors/local/0123abc.git")) == tmp_path / "0123abc.db"


def test_one_that_ends_does_not_finish_what_it_began(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def going_on(done: int, of: int) -> None:
        begun.set()
        assert zoo.indexes._closing.wait(10)
        Indexes._go_on(zoo.indexes, done, of)

    monkeypatch.setattr(zoo.indexes, "_go_on", going_on)
    future = zoo.indexes.begin(zoo.mirror.path, zoo.head)
    assert begun.wait(30)
    zoo.indexes.close()
    assert isinstance(future.exception(timeout=10), module._Closing)


def test_one_navigator_moves_about_a_commit_for_as_long_as_somebody_searches_it(zoo: Zoo) -> None:
    sha = zoo.commit({"keeper.py": "from lion import lion\n\n\ndef feed():\n    return lion()\n"})
    finder = zoo.indexes.begin(zoo.mirror.path, sha).result(timeout=30)
    navigator = zoo.indexes.navigator(zoo.mirror.path, finder)
    assert zoo.indexes.navigator(zoo.mirror.path, finder) is navigator
    assert [(place.path, place.start_line) for place in navigator.callers("lion").places] == [("keeper.py", 5)]
    zoo.indexes.let_go(unused_s=-1)
    assert navigator.definition("feed").places[0].path == "keeper.py", "who has it goes on"
    cache = navigator._commit._cache
    del finder, navigator
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError):
        cache.rows()


def test_a_refresh_keeps_nothing_in_memory_and_is_known_after(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not zoo.indexes.knows(zoo.mirror.path, zoo.head)
    assert not zoo.indexes.path(zoo.mirror.path).exists(), "asking makes nothing"
    assert zoo.indexes.refresh(zoo.mirror.path, zoo.head) < 30
    assert zoo.indexes.knows(zoo.mirror.path, zoo.head)
    assert not zoo.indexes._ready
    monkeypatch.setattr(building, "parse_all", None)
    assert zoo.symbols(zoo.head, "roar") == ["lion"]
