"""Tars on the way in and a runner's changes on the way out: what is hostile is refused, what is honest arrives."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.contract import FileChange, TreeRejected
from sandboxes.inside.frames import PAYLOAD_LIMIT, Frame, ProtocolError
from sandboxes.inside.paths import refusal
from sandboxes.trees import change_items, parts, read_changes, tar_items


def tar_of(*members: tuple[str, bytes | str | bytes], mode: int = 0o644) -> bytes:
    """Members as (name, content); a content that is a tuple is (type, link name)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.mode = mode
            if isinstance(content, tuple):
                info.type, info.linkname = content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


LINK, HARD, DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


def test_files_links_and_directories_arrive():
    tar = tar_of(("./a.py", b"x"), ("d", (DIR, "")), ("d/l", (LINK, "../a.py")), ("d/caf\udce9", b""))
    assert list(tar_items(tar)) == [
        ("a.py", "file", False, b"x"),
        ("d", "directory", False, b""),
        ("d/l", "symlink", False, b"../a.py"),
        ("d/caf\udce9", "file", False, b""),
    ]


def test_the_executable_bit_arrives():
    assert list(tar_items(tar_of(("run", b"#!"), mode=0o755))) == [("run", "file", True, b"#!")]


def test_a_stream_that_cannot_seek_is_as_good():
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    assert list(tar_items(Pipe(tar_of(("a", b"x"))))) == [("a", "file", False, b"x")]


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("/etc/passwd", b"")], "absolute"),
        ([("../a", b"")], "component"),
        ([("a/../../b", b"")], "component"),
        ([(".git/hooks/post-checkout", b"")], ".git"),
        ([("a", (HARD, "b"))], "hard link"),
        ([("a", (tarfile.CHRTYPE, ""))], "device"),
        ([("a", (tarfile.BLKTYPE, ""))], "device"),
        ([("a", (tarfile.FIFOTYPE, ""))], "pipe"),
        ([("a", (LINK, "/etc/passwd"))], "leads out"),
        ([("a", (LINK, "../../x"))], "leads out"),
        ([("a/b", (LINK, "..")), ("up", (LINK, "a/b/.."))], "leads out"),
        ([("a", (LINK, ""))], "target"),
        ([("a", b""), ("a", b"")], "twice"),
        ([("a", b""), ("a/b", b"")], "above it is a file"),
        ([("a", (LINK, "d")), ("a/b", b"")], "above it is a symlink"),
        ([("a", b""), ("a", (DIR, ""))], "and a directory"),
    ],
)
def test_refused_trees(members, why):
    with pytest.raises(TreeRejected, match=why):
        list(tar_items(tar_of(*members)))


@pytest.mark.parametrize("data", [b"", b"x" * 10, b"x" * 2048, tar_of(("a", b"y" * 5000))[:2000]])
def test_what_is_no_tar_is_refused(data):
    with pytest.raises(TreeRejected, match="tar"):
        list(tar_items(data))


paths = st.text(min_size=1, max_size=12).filter(lambda path: refusal(path) is None and "/" not in path)
items = st.lists(
    st.tuples(paths, st.sampled_from(["file", "symlink"]), st.booleans(), st.binary(min_size=1, max_size=100)),
    max_size=20,
    unique_by=lambda item: item[0],
).map(lambda found: [(p, k, x and k == "file", c) for p, k, x, c in found])


@given(items)
def test_parts_and_read_changes_are_inverse(found):
    frames = [Frame(header, payload) for header, payload in parts(found)]
    changes = read_changes(frames, 10_000, 100)
    assert changes == {path: FileChange(kind, executable, content) for path, kind, executable, content in found}


def test_a_large_file_is_cut_into_frames_and_comes_back():
    content = bytes(range(256)) * (PAYLOAD_LIMIT // 100)
    found = list(parts([("a", "file", False, b"x"), ("big", "file", True, content), ("z", "file", False, b"y")]))
    assert all(len(payload) <= PAYLOAD_LIMIT for _, payload in found)
    assert len(found) > 2
    changes = read_changes([Frame(*part) for part in found], len(content) + 2, 3)
    assert changes["big"].content == content
    assert changes["z"].content == b"y"


@pytest.mark.parametrize(
    "entries",
    [
        "a",
        ["a"],
        [["a", "file", False]],
        [["a", "file", 0, 0]],
        [["a", "device", False, 0]],
        [["a", "directory", False, 0]],
        [["a", "file", False, -1]],
        [["a", "file", False, True]],
        [["a", "file", False, 1.0]],
        [["a", "file", False, 5]],
        [["a", "file", False, 1 << 40]],
        [[1, "file", False, 0]],
        [["a", "deleted", False, 3]],
        [["a", "deleted", True, 0]],
        [["a", "symlink", True, 3]],
        [["a", "symlink", False, 0]],
        [["a", "file", False, 0], ["a", "file", False, 0]],
        [["a", "file", False, 0], ["a/b", "file", False, 0]],
        [["../a", "file", False, 0]],
        [["/a", "file", False, 0]],
        [["", "file", False, 0]],
        [["a//b", "file", False, 0]],
        [["a\0", "file", False, 0]],
        [["x/.GIT/hooks/pre-push", "file", True, 0]],
        [["\ud800", "file", False, 0]],
        [[f"f{n}", "file", False, 0] for n in range(11)],
    ],
)
def test_hostile_changes_are_refused(entries):
    with pytest.raises(ProtocolError):
        read_changes([Frame({"entries": entries}, b"xyz" if entries == [["a", "deleted", False, 3]] else b"")], 100, 10)


def test_content_that_nobody_announced_is_refused():
    with pytest.raises(ProtocolError, match="more changes"):
        read_changes([Frame({"entries": []}, b"x")], 100, 10)


def test_removals_come_first_because_a_file_may_take_a_directorys_place():
    changes = {"a": FileChange("file", False, b""), "a/b": FileChange("deleted", False, b"")}
    assert [path for path, *_ in change_items(changes)] == ["a/b", "a"]


@pytest.mark.parametrize("path", ["../x", "/x", ".git/config", ""])
def test_changes_with_bad_paths_are_not_applied(path):
    with pytest.raises(ValueError, match="a change at"):
        list(change_items({path: FileChange("file", False, b"")}))
