"""Which paths may cross the wall, and which symlinks leave a tree: by table, and against the kernel's own answer."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes.inside.paths import link_leaves, refusal


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a/b.py",
        ".github/workflows/ci.yml",
        ".gitignore",
        ".gitattributes",
        "a.git/x",
        "..a",
        "a..",
        "...",
        " ",
        "a b\n\t",
        "-rf",
        "x" * 255,
        "caf\udce9",
        "git~2",
        "😀/é",
    ],
)
def test_allowed(path):
    assert refusal(path) is None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("//a", "absolute"),
        ("..", "component"),
        ("../a", "component"),
        ("a/../b", "component"),
        ("a/..", "component"),
        (".", "component"),
        ("./a", "component"),
        ("a//b", "component"),
        ("a/", "component"),
        ("a\0b", "NUL"),
        (".git", ".git"),
        (".git/hooks/pre-commit", ".git"),
        ("sub/.git/config", ".git"),
        (".GIT/config", ".git"),
        (".Git", ".git"),
        (".git./x", ".git"),
        (".git /x", ".git"),
        ("git~1/x", ".git"),
        ("GIT~1", ".git"),
        (".g\u200cit/x", ".git"),
        (".git\ufeff", ".git"),
        (".git::$INDEX_ALLOCATION/x", ".git"),
        ("x" * 256, "longer"),
        ("/".join(["d" * 200] * 21), "longer"),
        ("\ud800", "encoded"),
    ],
)
def test_refused(path, why):
    assert why in (refusal(path) or "")


@given(st.text(max_size=60))
def test_every_text_gets_an_answer_and_what_passes_stays_below(path):
    if refusal(path) is None:
        joined = os.path.normpath(os.path.join("/work", path))
        assert joined == "/work/" + path


@pytest.mark.parametrize(
    ("links", "path", "leaves"),
    [
        ({"a": "b"}, "a", False),
        ({"a": "../b"}, "a", True),
        ({"a": "/etc/passwd"}, "a", True),
        ({"a": "/"}, "a", True),
        ({"d/a": "../b"}, "d/a", False),
        ({"d/a": "../../b"}, "d/a", True),
        ({"d/a": ".."}, "d/a", False),
        ({"a": "."}, "a", False),
        ({"a": "a"}, "a", False),
        ({"a": "b", "b": "a"}, "a", False),
        ({"a": "b", "b": "/x"}, "a", True),
        # a lexical look at "up" sees the tree's own "a"; the kernel goes through the root and out
        ({"a/b": "..", "up": "a/b/.."}, "up", True),
        ({"a/b/c": "../..", "up": "a/b/c/x"}, "up", False),
        ({"a": "b/../../c"}, "a", True),
        ({"a": "b/../c"}, "a", False),
    ],
)
def test_links_that_leave(links, path, leaves):
    assert link_leaves(path, links) is leaves


names = st.sampled_from(["a", "b", "c"])
targets = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=4).map("/".join)
places = st.lists(names, min_size=1, max_size=3).map("/".join)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(places, targets, max_size=4))
def test_links_agree_with_the_kernel(tmp_path_factory, links):
    root = tmp_path_factory.mktemp("links") / "x" / "tree"
    root.mkdir(parents=True)
    made = {}
    for path, target in sorted(links.items()):
        if any(path == other or path.startswith(other + "/") for other in made):
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(root / path):
            os.symlink(target, root / path)
            made[path] = target
    for path in made:
        try:
            real = os.path.realpath(root / path, strict=True)
        except FileNotFoundError:
            real = os.path.realpath(root / path)
        except OSError:
            continue  # a loop leads nowhere
        if real != str(root) and not real.startswith(f"{root}/"):
            assert link_leaves(path, made)
