"""A tree leaves the mirror exactly as committed, without what would be treacherous in a sandbox."""

from __future__ import annotations

import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from repositories import Mirror, NameRefused, PathRefused, RevisionUnknown, TreeArchive, TreeTooLarge
from tests.repositories.conftest import plain_git

Source = Callable[..., Path]
Opener = Callable[[Path], Mirror]


def members(archive: TreeArchive) -> dict[str, tuple[bytes, int, str]]:
    with archive.tar, tarfile.open(fileobj=archive.tar, encoding="utf-8", errors="surrogateescape") as tar:
        found = {}
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            found[member.name] = (stream.read() if stream else b"", member.mode, member.linkname)
        return found


def test_every_tracked_file_as_committed(source: Source, mirror_of: Opener) -> None:
    folder = source({
        "a.txt": "one\ntwo\n",
        "empty": "",
        "big.bin": bytes(range(256)) * 5000,
        "sub/link": Path("../a.txt"),
        "secret.txt": "kept although export-ignore says otherwise",
        ".gitattributes": "secret.txt export-ignore\nver.txt export-subst\n*.txt text eol=crlf filter=evil\n",
        "ver.txt": "$Format:%H$",
        "ignored.log": "tracked although ignored",
        ".gitignore": "*.log\n",
    })  # fmt: skip
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    plain_git(folder, "add", "run.sh")
    plain_git(folder, "commit", "-qm", "second")
    archive = mirror_of(folder).archive("main")
    found = members(archive)
    assert found["a.txt"][0] == b"one\ntwo\n"
    assert found["ver.txt"][0] == b"$Format:%H$"
    assert found["big.bin"][0] == bytes(range(256)) * 5000
    assert found["run.sh"][1] == 0o755
    assert found["a.txt"][1] == 0o644
    assert found["sub/link"][2] == "../a.txt"
    assert set(found) == set(plain_git(folder, "ls-files").splitlines())
    assert archive.report.files == len(found)
    assert archive.report.left_out == ()


def test_a_repository_with_treacherous_entries_stays_workable(source: Source, mirror_of: Opener) -> None:
    folder = source({
        "ok.py": "x = 1\n",
        "out": Path("../outside"),
        "abs": Path("/etc/passwd"),
        "chain": Path("out2/x"),
        "out2": Path(".."),
        "loop": Path("loop"),
        "into": Path(".git/config"),
        "fine": Path("ok.py"),
    })  # fmt: skip
    commit = plain_git(folder, "rev-parse", "HEAD")
    plain_git(folder, "update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    plain_git(folder, "commit", "-qm", "submodule")
    archive = mirror_of(folder).archive("main")
    left = {item.path: item.reason for item in archive.report.left_out}
    assert left == {
        "out": "link_leaves_tree",
        "abs": "link_leaves_tree",
        "chain": "link_leaves_tree",
        "out2": "link_leaves_tree",
        "loop": "link_leaves_tree",
        "into": "link_leaves_tree",
        "module": "submodule",
    }
    assert set(members(archive)) == {"ok.py", "fine"}


def test_a_tree_with_forbidden_names_made_by_hand(source: Source, mirror_of: Opener) -> None:
    folder = source({"ok": "x"})
    blob = plain_git(folder, "rev-parse", "HEAD:ok")
    inner = plain_git(folder, "mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    up = plain_git(folder, "mktree", stdin=f"100644 blob {blob}\tescape\n".encode())
    lines = f"040000 tree {inner}\t.GIT\n040000 tree {up}\t..\n100664 blob {blob}\tok\n"
    tree = plain_git(folder, "mktree", stdin=lines.encode())
    commit = plain_git(folder, "commit-tree", tree, "-m", "by hand")
    plain_git(folder, "update-ref", "refs/heads/evil", commit)
    archive = mirror_of(folder).archive("evil")
    assert set(members(archive)) == {"ok"}
    assert {item.reason for item in archive.report.left_out} == {"unsafe_path"}


def test_names_that_are_not_utf8_and_case_twins(source: Source, mirror_of: Opener) -> None:
    odd = os.fsdecode(b"caf\xe9/\xff\xfe name")
    folder = source({odd: "latin", "A": "upper", "a": "lower", "tab\tnew\nline": "x", "x" * 180 + "/" + "y" * 180: "z"})
    mirror = mirror_of(folder)
    found = members(mirror.archive("main"))
    assert found[odd][0] == b"latin"
    assert found["A"][0] == b"upper"
    assert found["a"][0] == b"lower"
    assert mirror.read_file("main", odd) == b"latin"
    assert odd in mirror.list_files("main")


def test_lfs_pointers_are_named(source: Source, mirror_of: Opener) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
    folder = source({"model.bin": pointer, "normal": "version"})
    archive = mirror_of(folder).archive("main")
    assert archive.report.lfs_pointers == ("model.bin",)
    archive.tar.close()


def test_the_same_commit_gives_the_same_bytes(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({"a": "1", "b/c": "2"}))
    with mirror.tree_tar("main") as one, mirror.tree_tar("main") as other:
        assert one.read() == other.read()


def test_limits_are_held_before_any_content_is_read(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({"a": "x" * 2000, "b": "y"}))
    with pytest.raises(TreeTooLarge, match="2001 bytes"):
        mirror.archive("main", max_bytes=2000)
    with pytest.raises(TreeTooLarge, match="2 files"):
        mirror.archive("main", max_files=1)
    with pytest.raises(TreeTooLarge, match="2000"):
        mirror.read_file("main", "a", limit=1999)


def test_reading_single_files(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({"a.txt": "text", "d/e": "f", "l": Path("a.txt"), ":(top)x": "magic", "*": "star"}))
    assert mirror.read_file("main", "a.txt") == b"text"
    assert mirror.read_file("main", "l") == b"a.txt"
    assert mirror.read_file("main", "d") is None
    assert mirror.read_file("main", "none") is None
    assert mirror.read_file("main", ":(top)x") == b"magic"
    assert mirror.read_file("main", "*") == b"star"
    with pytest.raises(PathRefused):
        mirror.read_file("main", "../x")
    with pytest.raises(NameRefused):
        mirror.read_file("--help", "a.txt")
    with pytest.raises(RevisionUnknown):
        mirror.read_file("nothing", "a.txt")


def test_five_thousand_files(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({f"d{n % 50}/f{n}.py": f"x = {n}\n" * 20 for n in range(5000)}))
    began = time.monotonic()
    archive = mirror.archive("main")
    seconds = time.monotonic() - began
    assert archive.report.files == 5000
    assert seconds < 5, "0.14 s on a quiet two-core machine; five is the bound for a busy one"
    archive.tar.close()
