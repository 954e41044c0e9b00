from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repositories import NameRefused, PathRefused
from repositories.links import leaves_tree
from repositories.names import (
    check_address,
    check_branch,
    check_identity,
    check_path,
    check_refspec,
    check_revision,
    collision_key,
    is_git_private,
    is_refname,
    parents,
    path_fault,
)

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("name", ["main", "forgehand/issue-12", "a.b", "releases/1.0", "über", "a@b", "x{y}"])
def test_good_branch_names(name: str) -> None:
    assert check_branch(name) == f"refs/heads/{name}"


@pytest.mark.parametrize(
    "name",
    ["", "-x", "--upload-pack=x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "@", "a@{1}", ".a",
     "a/.b", "a.lock", "a.lock/b", "a.", "/a", "a/", "a//b", "a\nb", "a\0b", "a\x7f", "HEAD", "refs/heads/x", SHA,
     "x" * 300],
)  # fmt: skip
def test_bad_branch_names(name: str) -> None:
    with pytest.raises(NameRefused):
        check_branch(name)


@settings(deadline=None)
@given(st.text(alphabet="ab/.-@{}~^:?*[\\ lock\x7f", min_size=1, max_size=12))
def test_no_name_is_let_through_that_git_refuses(name: str) -> None:
    if is_refname(name):
        done = subprocess.run(["git", "check-ref-format", "--allow-onelevel", name], check=False)
        assert done.returncode == 0


@pytest.mark.parametrize(
    "rev", ["main", SHA, "v1.0", "HEAD", "HEAD~2", "main^", "v1^{commit}", "refs/tags/v1", "a^2~3"]
)
def test_good_revisions(rev: str) -> None:
    assert check_revision(rev) == rev


@pytest.mark.parametrize(
    "rev",
    ["", "-h", "--all", "a..b", "a...b", "main:file", ":/fix", "@{-1}", "main@{1}", "a b", "^main", "main^{/x}", "~1"],
)
def test_bad_revisions(rev: str) -> None:
    with pytest.raises(NameRefused):
        check_revision(rev)


@pytest.mark.parametrize(
    ("spec", "whole"),
    [
        ("main", "+refs/heads/main:refs/heads/main"),
        ("refs/pull/7/head", "+refs/pull/7/head:refs/pull/7/head"),
        ("refs/heads/*:refs/heads/*", "+refs/heads/*:refs/heads/*"),
        ("+refs/heads/a:refs/x/a", "+refs/heads/a:refs/x/a"),
        (SHA, SHA),
    ],
)
def test_refspecs_are_made_complete(spec: str, whole: str) -> None:
    assert check_refspec(spec) == whole


@pytest.mark.parametrize(
    "spec", ["", "-x", "a:b", "refs/*/*:refs/*/*", "refs/a*:refs/b", "a b", "--all", "x:refs/../y"]
)
def test_bad_refspecs(spec: str) -> None:
    with pytest.raises(NameRefused):
        check_refspec(spec)


@pytest.mark.parametrize(
    ("url", "transport"),
    [("https://github.com/a/b.git", "https"), ("http://127.0.0.1:8080/a/b.git", "http"), ("/srv/my repo", "file")],
)
def test_addresses(url: str, transport: str) -> None:
    assert check_address(url) == transport


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c id", "git@github.com:a/b", "ssh://host/a", "git://host/a", "-oProxyCommand=x", "file:///a", "a/b", "",
     "https://user:s3cret@host/a", "https://host/a?token=s3cret", "https:///a", "/a\nb", "https://host/a b",
     "http::https://host/"],
)  # fmt: skip
def test_refused_addresses_are_not_repeated(url: str) -> None:
    with pytest.raises(NameRefused) as refusal:
        check_address(url)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "path",
    [".git", ".GIT", ".git/config", "a/.git/hooks/x", ".git ", ".git.", ".git. .", "git~1", "GIT~2/x", "gi7eba~1",
     ".g\u200cit", ".git::$INDEX_ALLOCATION", ".git:x/y", "a\\.git\\config", "x\\..\\.git"],
)  # fmt: skip
def test_everything_some_file_system_takes_for_git(path: str) -> None:
    assert any(is_git_private(component) for component in path.split("/"))
    with pytest.raises(PathRefused):
        check_path(path)


@pytest.mark.parametrize(
    "path", [".gitignore", ".github/workflows/x.yml", "git", "a.git", ".gitx", "digit~1", "..a", "a..b"]
)
def test_innocent_paths(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "a\0b", "x" * 256, "a/" * 2000 + "a", "\ud800"]
)
def test_unsafe_paths(path: str) -> None:
    with pytest.raises(PathRefused):
        check_path(path)


@given(st.text(max_size=40))
def test_a_safe_path_has_only_plain_components(path: str) -> None:
    try:
        fault = path_fault(path)
    except UnicodeEncodeError:
        return
    if fault is None:
        components = path.split("/")
        assert not path.startswith("/")
        assert not {"", ".", "..", ".git"} & {component.lower() for component in components}


def test_folders_above() -> None:
    assert parents("a/b/c") == ["a", "a/b"]
    assert parents("a") == []


def test_collisions_see_case_and_normal_forms() -> None:
    assert collision_key("README.md") == collision_key("readme.MD")
    assert collision_key("caf\u00e9") == collision_key("cafe\u0301")
    assert collision_key("a") != collision_key("b")


@pytest.mark.parametrize("name", ["", "  ", "a<b", "a\nb", "x" * 201, ".,"])
def test_identities_git_cannot_store(name: str) -> None:
    with pytest.raises(NameRefused):
        check_identity(name, "name")


@pytest.mark.parametrize(
    ("path", "target", "links", "leaves"),
    [
        ("a", "b", {}, False),
        ("a/b", "../c", {}, False),
        ("a", "dangling/inside", {}, False),
        ("a", "../c", {}, True),
        ("a/b", "../../c", {}, True),
        ("a", "/etc/passwd", {}, True),
        ("a", "", {}, True),
        ("a", "x\0y", {}, True),
        ("a", ".git/config", {}, True),
        ("a", "b", {"b": "/etc"}, True),
        ("a", "b/x", {"b": "c"}, False),
        ("a", "b/../..", {"b": "c/d"}, False),  # c/d/../.. is the root
        ("a", "b/../../..", {"b": "c/d"}, True),
        ("a", "a", {"a": "a"}, True),
        ("a", "b", {"a": "b", "b": "a"}, True),
        ("a", "sub/./x//y", {}, False),
    ],
)
def test_where_links_lead(path: str, target: str, links: dict[str, str], leaves: bool) -> None:
    assert leaves_tree(path, target, links) is leaves
