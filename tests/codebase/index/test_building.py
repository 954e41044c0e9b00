"""From trees to corpora: what is read once, what is noticed, and what hostile files cost."""

import os
import time
from pathlib import Path

import pytest

from codebase.index import BlobCache, FolderTree, Tree, build_corpus, keep_up, search
from codebase.index.blob import LARGEST
from repositories import EmptyRepository, RevisionUnknown
from repositories.commit_tree import commit_tree
from tests.cli.ground import git, make_repository, put
from tests.codebase.index.making import MemoryTree

CODE = {"a.py": b"def alpha():\n    return beta\n", "b/c.go": b"package c\nfunc Gamma() {}\n", "d.md": b"# Delta\n"}


@pytest.fixture
def cache(tmp_path: Path) -> BlobCache:
    return BlobCache(tmp_path / "index.db")


def names(tree: Tree, cache: BlobCache) -> set[str]:
    corpus = build_corpus(tree, cache, processes=1)
    return {f"{corpus.path(place)}:{corpus.name(place)}" for place in range(corpus.size)}


ALL = {"a.py:", "a.py:alpha", "b/c.go:", "b/c.go:Gamma", "d.md:"}


def test_only_what_is_new_is_read(cache: BlobCache) -> None:
    tree = MemoryTree(CODE)
    assert names(tree, cache) == ALL
    assert tree.reads == 3
    again = MemoryTree({**CODE, "copy.py": CODE["a.py"], "new.py": b"def new(): pass\n"})
    assert names(again, cache) == ALL | {"copy.py:", "copy.py:alpha", "new.py:", "new.py:new"}
    assert again.reads == 1


def test_a_push_costs_what_is_new_and_reads_nothing_of_what_is_known(cache: BlobCache) -> None:
    assert keep_up(MemoryTree(CODE), cache, processes=1) == 3
    again = MemoryTree({**CODE, "copy.py": CODE["a.py"], "new.py": b"def new(): pass\n"})
    assert keep_up(again, cache, processes=1) == 1
    assert again.reads == 1
    assert keep_up(again, cache, processes=1) == 0
    searched = MemoryTree({**CODE, "new.py": b"def new(): pass\n"})
    assert names(searched, cache) == ALL | {"new.py:", "new.py:new"}
    assert searched.reads == 0, "all of it was kept"


@pytest.mark.parametrize("harm", [b"", b"no database at all" * 100, None])
def test_a_damaged_cache_is_begun_anew(harm: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    first = BlobCache(path)
    assert names(MemoryTree(CODE), first) == ALL
    first.close()
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192 if harm is None else harm)
    for _ in range(2):
        second = BlobCache(path)
        assert names(MemoryTree(CODE), second) == ALL
        second.close()


def test_a_damaged_row_is_read_again(tmp_path: Path, cache: BlobCache) -> None:
    assert names(MemoryTree(CODE), cache) == ALL
    with cache._database as database:
        database.execute("UPDATE blobs SET data = x'00'")
    tree = MemoryTree(CODE)
    assert names(tree, cache) == ALL
    assert tree.reads == 3


def test_blobs_nobody_needs_can_be_forgotten(cache: BlobCache) -> None:
    names(MemoryTree(CODE), cache)
    assert cache.forget_others([]) == 3


def test_a_folder_is_read_as_it_lies(tmp_path: Path, cache: BlobCache) -> None:
    root = tmp_path / "code"
    put(root, {**CODE, ".git/x.py": "def hidden(): pass\n", "node_modules/y.js": "function hidden() {}\n",
               "link.py": Path("a.py"), "loop": Path("."), "out.py": Path("/etc/passwd"),
               "new\nline.py": "def odd(): pass\n", 'quo"te.py': "def quoted(): pass\n"})  # fmt: skip
    (root / os.fsdecode(b"latin-\xe9.py")).write_text("def accent(): pass\n")
    os.mkfifo(root / "pipe.py")
    found = names(FolderTree(root), cache)
    assert found >= ALL | {"new\nline.py:odd", 'quo"te.py:quoted', f"{os.fsdecode(b'latin-')}{chr(0xDCE9)}.py:accent"}
    assert not any("hidden" in name or "link" in name or "out.py" in name or "loop" in name for name in found)
    (root / "a.py").write_text("def changed(): pass\n")
    assert "a.py:changed" in names(FolderTree(root), cache)


def test_a_commit_needs_no_checkout(tmp_path: Path, cache: BlobCache) -> None:
    directory = make_repository(tmp_path / "repo", dict(CODE))
    first = git(directory, "rev-parse", "HEAD")
    put(directory, {"a.py": "def later(): pass\n"})
    git(directory, "commit", "-qam", "Second")
    bare = tmp_path / "bare"
    git(tmp_path, "clone", "-q", "--bare", str(directory), str(bare))
    assert names(commit_tree(bare, first), cache) == ALL
    assert "a.py:later" in names(commit_tree(bare, "HEAD"), cache)
    work = tmp_path / "worktree"
    git(directory, "worktree", "add", "-q", str(work), first)
    assert names(commit_tree(work, "HEAD"), cache) == ALL
    with pytest.raises(RevisionUnknown):
        commit_tree(directory, "no-such")
    git(tmp_path, "init", "-q", "empty")
    with pytest.raises(EmptyRepository):
        commit_tree(tmp_path / "empty", "HEAD")


def test_hostile_files_cost_no_more_than_themselves(cache: BlobCache) -> None:
    tree = MemoryTree(
        {
            **CODE,
            "line.js": b"x" * (50 << 20),
            "deep.py": b"(" * 200_000 + b")" * 200_000,
            "deep.json": b"[" * 200_000,
            "blocks.py": b"".join(b" " * depth + b"if x:\n" for depth in range(2_000)),
            "binary.py": os.urandom(300_000),
            "bytes.py": b"\xff\xfe\xfd" * 1000,
            "huge.py": b"def f(): pass\n" * (LARGEST // 13),
            "braces.cpp": b"template<" * 50_000,
            "types.ts": b"type A = " + b"B<" * 50_000,
        }
    )
    began = time.monotonic()
    assert names(tree, cache) >= ALL
    assert time.monotonic() - began < 60


def test_many_processes_find_the_same(tmp_path: Path) -> None:
    files = {f"m{number}.py": f"def f{number}(): return g{number}\n".encode() for number in range(400)}
    found = []
    for processes in (1, 2):
        cache = BlobCache(tmp_path / f"{processes}.db")
        corpus = build_corpus(MemoryTree(files), cache, processes=processes)
        found.append((corpus.paths, search(corpus, "what is f123 and g123?")))
        cache.close()
    assert found[0] == found[1]
    assert found[0][1][0].symbol == "f123"


def test_progress_is_told(cache: BlobCache) -> None:
    told: list[tuple[int, int]] = []
    build_corpus(MemoryTree(CODE), cache, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (3, 3)
