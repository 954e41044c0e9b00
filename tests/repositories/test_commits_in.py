"""Changes from a sandbox become commits; what may not enter one is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repositories import EmptyChange, Mirror, NameRefused, PathRefused, RepositoryError, Signature, TreeTooLarge
from repositories.commits import MAX_FILE_BYTES, admit
from sandboxes.contract import ChangeSet, FileChange
from tests.repositories.conftest import BOT, DELETED, WHEN, file, link, plain_git

Source = Callable[..., Path]
Opener = Callable[[Path], Mirror]

TREE = {"a.txt": "100644", "d/x": "100644", "d/y": "100755", "l": "120000", "m": "160000", "README.md": "100644"}
LINKS = {"l": "d"}


def test_files_links_modes_and_deletions(source: Source, mirror_of: Opener) -> None:
    folder = source({"a.txt": "1\n", "b.txt": "2\n", "d/x": "3\n"})
    mirror = mirror_of(folder)
    odd = os.fsdecode(b"caf\xe9")
    changes: ChangeSet = {
        "a.txt": file("changed\r\n"),
        "b.txt": DELETED,
        "new/deep/tool": file("#!/bin/sh\n", executable=True),
        "alias": link("d/x"),
        odd: file(b"\x00\xff"),
        "never-there": DELETED,
    }
    sha = mirror.commit("main", changes, "Subject\n\nBody\n", BOT, WHEN)
    plain_git(mirror.path, "fsck", "--strict")
    listing = plain_git(mirror.path, "-c", "core.quotePath=false", "ls-tree", "-r", sha).splitlines()
    assert {line.split("\t")[1]: line.split()[0] for line in listing} == {
        "a.txt": "100644",
        "alias": "120000",
        odd: "100644",
        "d/x": "100644",
        "new/deep/tool": "100755",
    }
    assert mirror.read_file(sha, "a.txt") == b"changed\r\n"
    assert mirror.read_file(sha, odd) == b"\x00\xff"
    info = mirror.log("main", sha)[0]
    assert (info.author_name, info.message, info.when) == ("Forgehand", "Subject\n\nBody", WHEN)
    assert mirror.resolve(f"{sha}~1") == mirror.resolve("main")


def test_the_same_inputs_give_the_same_name(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({"a": "1"}))
    zone = timezone(timedelta(hours=-3, minutes=-30))
    first = mirror.commit("main", {"b": file("x"), "c": file("y")}, "m", BOT, WHEN)
    again = mirror.commit("main", {"c": file("y"), "b": file("x")}, "m", BOT, WHEN)
    other_zone = mirror.commit("main", {"b": file("x"), "c": file("y")}, "m", BOT, WHEN.astimezone(zone))
    assert first == again
    assert other_zone != first
    assert plain_git(mirror.path, "show", "-s", "--format=%aI %cn", other_zone) == "2026-01-01T23:34:05-03:30 Forgehand"


def test_a_change_of_nothing(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({"a": "1"}))
    for changes in ({}, {"a": file("1")}, {"gone": DELETED}):
        with pytest.raises(EmptyChange):
            mirror.commit("main", changes, "m", BOT, WHEN)


def test_files_and_folders_take_each_others_places(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({"thing": "file", "dir/a": "1", "dir/sub/b": "2", "l": Path("dir")}))
    sha = mirror.commit("main", {"thing": DELETED, "thing/inner": file("now a folder"), "dir": file("now a file"),
                                 "l": DELETED, "l/real": file("no link any more")}, "swap", BOT, WHEN)  # fmt: skip
    assert mirror.list_files(sha) == ["dir", "l/real", "thing/inner"]


def test_an_ordinary_mode_change(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({"run": "x"}))
    sha = mirror.commit("main", {"run": file("x", executable=True)}, "m", BOT, WHEN)
    change = mirror.changed_paths("main", sha)[0]
    assert (change.old_mode, change.new_mode, change.added) == ("100644", "100755", 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"../x": file("")},
        {"/abs": file("")},
        {".git/config": file("")},
        {"sub/.GIT/hooks/pre-commit": file("")},
        {"git~1": file("")},
        {".git ": file("")},
        {".g\u200cit/config": file("")},
        {"../gone": DELETED},
        {"l/through": file("")},
        {"m/inside": file("")},
        {"m": file("")},
        {"m": DELETED},
        {"n": file(""), "n/o": file("")},
        {"evil": link("/etc/passwd")},
        {"evil": link("../up")},
        {"evil": link("")},
        {"evil": link(".git/config")},
        {"evil": link("a\0b")},
        {"d/evil": link("../../up")},
        {".gitmodules": link("a.txt")},
        {"sub/.gitattributes": link("a.txt")},
        {"readme.md": file("")},
        {"D/z": file("")},
        {"one": file(""), "ONE": file("")},
        {"caf\u00e9": file(""), "cafe\u0301": file("")},
        {"A/x": file(""), "a": link("d")},
    ],
)
def test_refused_changes(changes: ChangeSet) -> None:
    with pytest.raises(PathRefused):
        admit(TREE, LINKS, changes)


def test_a_new_link_may_not_turn_an_old_one_outwards() -> None:
    tree = {"x": "120000", "deep/er/f": "100644", "p/q": "100644"}
    with pytest.raises(PathRefused, match="'x'"):
        admit(tree, {"x": "p/../../outside"} | {"x": "n/.."}, {"n": link("../n2")})
    # "n/.." was the root of the tree while n was nothing; with n leading to deep/er it is deep: still inside.
    assert admit(tree, {"x": "n/.."}, {"n": link("deep/er")}).added == {"n": "120000"}


def test_what_is_already_there_is_not_held_against_a_change() -> None:
    tree = {"Makefile": "100644", "makefile": "100644", "bad": "120000", "z": "100644"}
    admitted = admit(tree, {"bad": "/etc"}, {"makefile": file("x"), "z": DELETED, "w": file("")})
    assert admitted.removed == {"z"}
    assert set(admitted.added) == {"makefile", "w"}


def test_renaming_by_case_only_is_allowed() -> None:
    admitted = admit(TREE, LINKS, {"README.md": DELETED, "Readme.md": file("")})
    assert admitted.removed == {"README.md"}


def test_a_file_beyond_what_github_takes() -> None:
    with pytest.raises(TreeTooLarge):
        admit({}, {}, {"big": file(b"\0" * (MAX_FILE_BYTES + 1))})


@pytest.mark.parametrize(("message", "when"), [("", WHEN), (" \n", WHEN), ("a\0b", WHEN), ("m", datetime(2026, 1, 1))])
def test_messages_and_dates(source: Source, mirror_of: Opener, message: str, when: datetime) -> None:
    mirror = mirror_of(source({"a": "1"}))
    with pytest.raises(NameRefused):
        mirror.commit("main", {"a": file("2")}, message, BOT, when)


def test_an_author_cannot_smuggle_headers() -> None:
    with pytest.raises(NameRefused):
        Signature("Eve\ncommitter root", "x@y")
    with pytest.raises(NameRefused):
        Signature("Eve", "x@y> 1 +0000")


_NAMES = st.lists(st.sampled_from(["a", "A", "b", "d", "l", "m", "x", ".git", "..", "sub"]), min_size=1, max_size=3)
_CHANGES = st.dictionaries(
    _NAMES.map("/".join),
    st.one_of(
        st.just(DELETED),
        st.just(file("content")),
        st.sampled_from(["d", "../..", "/etc", "l/../..", "a"]).map(link),
    ),
    max_size=5,
)


@given(_CHANGES)
def test_whatever_is_admitted_is_a_possible_tree(changes: dict[str, FileChange]) -> None:
    try:
        admitted = admit(TREE, LINKS, changes)
    except RepositoryError:
        return
    result = {path for path in TREE if path not in admitted.removed} | set(admitted.added)
    for path in result:
        assert not any(other.startswith(f"{path}/") for other in result), "a file is a folder at the same time"
    for path in admitted.added:
        assert not {"..", ".git"} & set(path.split("/"))
        if changes[path].kind == "symlink":
            assert not changes[path].content.startswith(b"/")
    assert "m" in result, "a submodule stays, or the change is refused"


def test_two_thousand_changed_files(source: Source, mirror_of: Opener) -> None:
    mirror = mirror_of(source({"a": "1"}))
    sha = mirror.commit("main", {f"d{n % 20}/f{n}": file(f"{n}") for n in range(2000)}, "many", BOT, WHEN)
    assert len(mirror.list_files(sha)) == 2001
