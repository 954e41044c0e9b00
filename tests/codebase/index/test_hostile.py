"""Repositories and reports that mean harm: bounded time and memory, and a result for the rest.

Bounds are many times what was measured, so that a busy machine does not fail them; what grows with the square of the
input does. The large trees run with `make test-hostile`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codebase.index import BlobCache, build_corpus, search
from codebase.index.blob import read_blob
from codebase.index.grammars import GRAMMARS, Grammar
from codebase.index.report import LONGEST, read_report
from tests.codebase.index.making import MemoryTree, corpus_of

RIGHT = b"def alpha():\n    return beta\n"
REPORT_BOUND_S = 3.0
PARSE_BOUND_S = 10.0
N = LONGEST

BOMBS = {
    "ambiguous generics": b"a<" * 50_000,
    "generic calls": b"f<g<h<A<B,(" * 10_000,
    "brackets": b"[" * 100_000,
    "parentheses": b"(" * 100_000 + b")" * 100_000,
    "braces": b"{" * 100_000,
    "functions in functions": b"function f(){" * 10_000,
    "classes in classes": b"class A { " * 20_000,
    "f-strings": b'f"{' * 30_000,
    "templates": b"`${" * 30_000,
    "interpolations": b'$"{' * 20_000,
    "a chain": b"a" + b".b()" * 50_000,
    "here documents without an end": b"x = <<A\n" * 20_000,
    "three here documents a line": b"<<~A <<~B <<-C\n" * 10_000,
    "php here documents": b"<?php <<<A\n" * 10_000,
    "a sum": b"x = " + b"a+" * 50_000,
    "conditions": b"a?b:" * 30_000,
    "else if": b"if a {} else " * 30_000,
    "arrows": b"a=>" * 30_000,
    "quotes": b'"' * 100_001,
    "comments without an end": b"/*" * 50_000,
    "raw strings": b'R"a(' * 20_000 + b'r#"' * 20_000,
    "conditional lines": b"#if a\n" * 20_000,
    "template heads": b"template<class T> " * 20_000,
    "casts": b"(a)(" * 30_000,
    "pointers or products": b"a * b; " * 30_000,
    "indents": b"".join(b" " * depth + b"if x:\n" for depth in range(1_500)),
    "blocks": b"do |a| " * 20_000,
    "methods without an end": b"def f\n" * 20_000,
    "elements": b"<a>" * 30_000,
    "macros": b"m!{" * 20_000,
    "switches": b"switch(a){case b:" * 10_000,
    "decorators": b"@a(" * 20_000,
    "stars": b"*" * 100_000,
    "nothing but lines": b"\n" * 100_000,
}

REPORTS = {
    "one letter": "a" * N,
    "blanks": " " * N,
    "lines": "\n" * N,
    "dots": "a." * (N // 2),
    "folders": "a/" * (N // 2),
    "slashes": "/" * N,
    "ticks": "`" * N,
    "open ticks": "`a" * (N // 2),
    "frames without an end": 'File "a' * (N // 7),
    "frames": "\n".join(f'File "a{number}.py", line {number}, in f' for number in range(3_000)),
    "javascript frames": "at (a" * (N // 5),
    "pytest frames": "a.py:1:" * (N // 7),
    "go frames": ("\t" * 50 + "a") * (N // 51),
    "underscores": "_" * N,
    "camels": "aA" * (N // 2),
    "versions": ("a" + " " * 200 + "1") * (N // 202),
    "addresses": "https://" * (N // 8),
    "permalinks": "https://a/b/c/blob/d/" * (N // 21),
    "a long permalink": "https://a/b/c/blob/d/" + "#L1" * (N // 3),
    "open comments": "<!--" * (N // 4),
    "fences": "```\n" * (N // 4),
    "a heading": "## environment" + " " * N,
    "calls": "abc(" * (N // 4),
    "scopes": "a::" * (N // 3),
    "a deep path": "/".join(["a"] * (N // 2)) + ".py",
    "many paths": "\n".join(f"a{number}/b{number}.py" for number in range(8_000)),
    "many names": " ".join(f"foo_{number}(x" for number in range(9_000)),
    "nothing": "\0" * N,
    "surrogates": "\ud800" * 1_000,
}


def spent(work: Callable[[], object]) -> float:
    """Processor time of this thread in seconds."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("before", ["", "Title\n"], ids=["title", "body"])
def test_no_report_takes_long(name: str, before: str) -> None:
    corpus = corpus_of({"a.py": RIGHT.decode()})
    assert spent(lambda: read_report(before + REPORTS[name])) < REPORT_BOUND_S
    assert spent(lambda: search(corpus, before + REPORTS[name])) < 2 * REPORT_BOUND_S


@pytest.mark.parametrize(
    "grammar",
    [GRAMMARS[0], *(pytest.param(one, marks=pytest.mark.hostile) for one in GRAMMARS[1:])],
    ids=lambda grammar: grammar.name,
)
def test_no_bomb_takes_a_parser_long(grammar: Grammar, tmp_path: Path) -> None:
    ending = grammar.endings[0]
    cache = BlobCache(tmp_path / "index.db")
    files = {f"bomb{number}{ending}": bomb for number, bomb in enumerate(BOMBS.values())}
    began = time.monotonic()
    corpus = build_corpus(MemoryTree({**files, "right.py": RIGHT}), cache, processes=1)
    assert time.monotonic() - began < PARSE_BOUND_S * len(BOMBS)
    assert len(corpus.paths) == len(BOMBS) + 1
    assert search(corpus, "alpha beta")[0].symbol == "alpha"
    cache.close()


def test_a_million_definitions_in_one_file_are_cut_off() -> None:
    source = b"".join(b"def f%d(): pass\n" % number for number in range(60_000))
    began = time.thread_time()
    blob = read_blob("many.py", source)
    assert time.thread_time() - began < 30
    assert len(blob.names) <= 20_001
    larger = b"def f(): pass\n" * 1_000_000
    assert spent(lambda: read_blob("million.py", larger)) < 1, "past a mebibyte nothing is parsed"
    assert read_blob("million.py", larger).names == [""]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("bundle.min.js", b"var a=function(){return 1};" * 30_000),
        ("data.json", b'{"a":[' * 40_000),
        ("one.json", b"[" + b'{"key": "value"},' * 10_000 + b"]"),
        ("line.py", b"x" * (50 << 20)),
        ("bytes.py", bytes(range(1, 256)) * 2_000),
        ("utf16.py", RIGHT.decode().encode("utf-16")),
    ],
)
def test_files_that_are_no_code_cost_little(path: str, data: bytes, tmp_path: Path) -> None:
    cache = BlobCache(tmp_path / "index.db")
    began = time.monotonic()
    corpus = build_corpus(MemoryTree({path: data, "right.py": RIGHT}), cache, processes=1)
    assert time.monotonic() - began < 30
    assert search(corpus, "alpha beta")[0].symbol == "alpha"
    cache.close()


LARGE = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
from pathlib import Path
from codebase.index import BlobCache, FolderTree, build_corpus, search
began = time.monotonic()
corpus = build_corpus(FolderTree(Path(sys.argv[1])), BlobCache(Path(sys.argv[2])))
seconds = time.monotonic() - began
hits = search(corpus, "where is alpha in the right place?", top=3)
print(json.dumps({"seconds": seconds, "files": len(corpus.paths), "first": hits[0].symbol,
                  "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


@pytest.mark.hostile
@pytest.mark.timeout(1_500)
def test_a_hundred_thousand_files_with_everything_in_them(tmp_path: Path) -> None:
    root = tmp_path / "code"
    for number in range(100_000):
        folder = root / f"d{number % 300}" / f"e{number % 7}"
        if number < 2_100:
            folder.mkdir(parents=True, exist_ok=True)
        (folder / f"m{number}.py").write_text(f"def f{number}():\n    return g{number}()\n")
    (root / "right.py").write_bytes(RIGHT)
    (root / "long.js").write_bytes(b"x" * (50 << 20))
    (root / "loop").symlink_to(".")
    (root / "d0" / "up").symlink_to("../..")
    (root / "outside.py").symlink_to("/etc/passwd")
    (root / "new\nline 'and\" quotes.py").write_bytes(RIGHT.replace(b"alpha", b"odd"))
    (root / os.fsdecode(b"latin-\xe9.py")).write_bytes(b"\xff\xfe" + RIGHT)
    deep = root
    for _ in range(200):
        deep = deep / "deeper"
    deep.mkdir(parents=True)
    (deep / "m.py").write_bytes(RIGHT.replace(b"alpha", b"buried"))
    told = large(root, tmp_path / "index.db")
    assert told["files"] >= 100_004
    assert told["first"] == "alpha"
    assert told["seconds"] < 600
    assert told["mb"] < 1_000


@pytest.mark.hostile
@pytest.mark.timeout(900)
def test_definitions_beyond_counting(tmp_path: Path) -> None:
    root = tmp_path / "code"
    root.mkdir()
    (root / "right.py").write_bytes(RIGHT)
    for part in range(20):
        text = "".join(f"def f{part}_{number}(): pass\n" for number in range(40_000))
        (root / f"many{part}.py").write_text(text[: (1 << 20) - 1])
    told = large(root, tmp_path / "index.db")
    assert told["first"] == "alpha"
    assert told["seconds"] < 300
    assert told["mb"] < 1_000


def large(root: Path, cache: Path) -> dict[str, Any]:
    """What a process of its own, with an address space of 8 GB, says about a folder."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(root), str(cache)], capture_output=True, check=False,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found
