"""What leads from a file to others, in every language; kept beside search's blobs, and never at search's cost."""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.index import BlobCache, build_corpus
from codebase.index.blob import LARGEST, read_blob
from codebase.index.grammars import GRAMMARS, grammar_for
from codebase.index.links import LINKS, Links, links_of, pack_links, read_links, unpack_links
from tests.codebase.index.link_samples import SAMPLES
from tests.codebase.index.making import MemoryTree

PIECES = [
    "import a", "from . import b", "from .", "use a::{b, c::{self, d}}", "use {", "#include", '#include "x"', "require",
    "require 'x'", "(", ")", "class A(B):", "class A : B", "class A < B", "extends", "{", "}", "def f():", "  x.y()",
    '"""doc"""', "'''", "// c", "/* c", "*/", "# c", "f<T>(", ">", "->", "::", "\\", "é", "\x00", "\ud800", "@x",
    "namespace A\\B;", "<?php", "using A;", "import (", '"x"', "package a", "template <class T>", "#[a]", "new X(1)",
    "import x = require('y')", "const {a: {b}, ...c} = require('x')", "include A", "autoload :A, 'b'", "<A.b/>", "",
]  # fmt: skip


def test_every_language_has_a_sample() -> None:
    assert set(SAMPLES) == {grammar.name for grammar in GRAMMARS}


@pytest.mark.parametrize("language", SAMPLES)
def test_what_leads_elsewhere(language: str) -> None:
    sample = SAMPLES[language]
    source = sample.source.encode()
    grammar = grammar_for(sample.path)
    assert grammar is not None
    assert grammar.name == language
    names = read_blob(sample.path, source).names
    found = read_links(sample.path, source)
    assert [(one.line, one.module, one.names, one.known) for one in found.imports] == sample.imports
    assert sorted((one.line, one.name, names[one.place]) for one in found.calls) == sorted(sample.calls)
    assert [(names[place], base) for place, base in found.bases] == sample.bases
    assert {names[place]: doc for place, doc in found.docs.items()} == sample.docs
    assert found.packages == sample.packages


@given(st.sampled_from(GRAMMARS), st.lists(st.sampled_from(PIECES), max_size=25), st.sampled_from(["\n", " ", ""]))
def test_no_file_is_too_odd(grammar: object, pieces: list[str], joint: str) -> None:
    path = f"a{grammar.endings[0]}"  # type: ignore[attr-defined]  # hypothesis knows no better type
    source = joint.join(pieces).encode("utf-8", "surrogatepass")
    found = read_links(path, source)
    places = len(read_blob(path, source).names)
    lines = source.count(b"\n") + 1
    assert all(0 <= call.place < places and 1 <= call.line <= lines and call.name for call in found.calls)
    assert all(0 < place < places for place, _ in found.bases)
    assert all(0 <= place < places and 1 <= line <= lines and text for place, (line, text) in found.docs.items())
    assert all(not one.names or len(one.names) == len(one.known) for one in found.imports)
    assert unpack_links(pack_links(path, source)) == found


@given(st.binary(max_size=300), st.sampled_from(GRAMMARS))
def test_no_bytes_are_too_odd(source: bytes, grammar: object) -> None:
    read_links(f"a{grammar.endings[0]}", source)  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("", SAMPLES["Python"].source.encode()),
        ("notes.txt", b"import a\n"),
        ("a.py", b"\0import a\n"),
        ("a.py", b"import a\n" * (LARGEST // 9 + 1)),
        ("a.js", b"a();" * 10_000),
    ],
    ids=["no path", "no language", "binary", "huge", "minified"],
)
def test_what_is_not_parsed_has_no_links(path: str, source: bytes) -> None:
    assert read_links(path, source) == Links()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.rs", b"use " + b"a::{" * 20_000 + b"b" + b"}" * 20_000 + b";"),
        ("a.py", b"f" + b".g()" * 20_000),
        ("a.ts", b"f" + b"<A" * 20_000 + b">" * 20_000 + b"()"),
        ("a.go", b"package a\n" + b"// c\n" * 100_000 + b"func f() {}\n"),
        ("a.py", b"x(" * 5_000 + b")" * 5_000),
    ],
    ids=["use", "chain", "types", "comments", "calls"],
)
def test_no_file_takes_long(path: str, source: bytes) -> None:
    began = time.monotonic()
    found = read_links(path, source)
    assert time.monotonic() - began < 20
    assert all(len(call.name) <= 300 for call in found.calls)
    assert all(len(text) <= 1_000 for _, text in found.docs.values())


FILES = {"a.py": b"import b\nb.f()\n", "b.py": b"def f(): pass\n", "c.md": b"# C\n", "copy.py": b"def f(): pass\n"}


def found_in(tree: MemoryTree, cache: BlobCache) -> Mapping[str, Links]:
    return links_of(tree, tree.files(), cache, processes=1)


def test_links_are_kept_beside_the_blobs_and_read_once(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path / "index.db")
    tree = MemoryTree(FILES)
    build_corpus(tree, cache, processes=1)
    assert cache.load(LINKS, [f"{file.blob}:Python" for file in tree.files()]) == {}, "search does without"
    read = tree.reads
    found = found_in(tree, cache)
    assert tree.reads == read + 2, "one file of each content, and no prose"
    assert found == {path: read_links(path, data) for path, data in FILES.items() if path.endswith(".py")}
    assert found_in(tree, cache) == found
    build_corpus(tree, cache, processes=1)
    assert tree.reads == read + 2
    assert cache.forget_others([]) == 5, "three blobs, two links"
    cache.close()


@pytest.mark.parametrize(
    "harm",
    ["UPDATE links SET data = x'00'", "UPDATE links SET data = (SELECT data FROM blobs LIMIT 1)", "DELETE FROM links"],
)
def test_damaged_rows_are_read_again(harm: str, tmp_path: Path) -> None:
    cache = BlobCache(tmp_path / "index.db")
    tree = MemoryTree(FILES)
    build_corpus(tree, cache, processes=1)
    found = found_in(tree, cache)
    with cache._database as database:
        database.execute(harm)
    read = tree.reads
    assert found_in(tree, cache) == found
    assert found_in(tree, cache) == found
    assert tree.reads == read + 2
    cache.close()


@given(st.data())
def test_damage_is_noticed(data: st.DataObject) -> None:
    whole = pack_links("a.py", FILES["a.py"])
    packed = bytearray(whole)
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= data.draw(st.integers(1, 255))
    # A few bits of a compressed stream only fill its last byte: changing them changes nothing.
    with contextlib.suppress(ValueError):
        assert unpack_links(bytes(packed)) == unpack_links(whole)
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        unpack_links(bytes(packed[:at]))


def test_links_of_another_version_are_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache = BlobCache(tmp_path / "index.db")
    tree = MemoryTree(FILES)
    monkeypatch.setattr("codebase.index.links.VERSION", -1)
    kept = {f"{file.blob}:Python": pack_links(file.path, FILES[file.path]) for file in tree.files()}
    cache.keep(LINKS, kept)
    monkeypatch.undo()
    assert found_in(tree, cache)["a.py"] == read_links("a.py", FILES["a.py"])
    assert tree.reads == 2
    cache.close()
