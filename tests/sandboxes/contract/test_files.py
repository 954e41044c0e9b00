"""What every backend promises about files, beyond the checks (test_checks.py)."""

import io
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandboxes.contract import ChangesTooLarge, Entry, FileChange, SandboxError, TreeRejected
from sandboxes.inside.paths import refusal


def tree(files: dict[str, bytes | tuple[str, bytes | str]]) -> bytes:
    """A tar; a value is a file's bytes, ("x", bytes) for an executable, or ("link", target)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, value in files.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o644
            if isinstance(value, tuple) and value[0] == "link":
                info.type, info.linkname = tarfile.SYMTYPE, value[1]
                archive.addfile(info)
                continue
            if isinstance(value, tuple):
                info.mode, value = 0o755, value[1]
            info.size = len(value)
            archive.addfile(info, io.BytesIO(value))
    return buffer.getvalue()


def sh(box, script):
    result = box.run(["sh", "-ec", script], timeout=30)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def mode(box, path):
    """Not by stat(1): Debian 12's does not work on its gVisor, whose statx(2) refuses the flags."""
    return box.run(["python3", "-c", f"import os; print(oct(os.stat({path!r}).st_mode)[-3:])"], timeout=20).stdout


def test_write_and_read(box):
    box.write("a/b/c.bin", bytes(range(256)))
    assert box.read("a/b/c.bin") == bytes(range(256))
    assert box.read("/work/a/b/c.bin") == bytes(range(256))
    assert mode(box, "a/b/c.bin") == b"644\n"
    box.write("a/b/c.bin", b"short", executable=True)
    assert box.read("a/b/c.bin") == b"short"
    assert mode(box, "a/b/c.bin") == b"755\n"
    assert [entry.path for entry in box.list("a/b").entries] == ["a/b/c.bin"]


def test_reading_what_is_not_there(box):
    with pytest.raises(FileNotFoundError):
        box.read("nothing")
    with pytest.raises(FileNotFoundError):
        box.list("nothing")
    box.write("f", b"12345")
    with pytest.raises(IsADirectoryError):
        box.read(".")
    with pytest.raises(IsADirectoryError):
        box.write(".", b"")
    with pytest.raises(NotADirectoryError):
        box.list("f")
    with pytest.raises(SandboxError, match="larger than 4"):
        box.read("f", limit=4)
    assert box.read("f", limit=5) == b"12345"


def test_reading_a_pipe_does_not_hang(box):
    sh(box, "mkfifo p")
    with pytest.raises(SandboxError, match="neither"):
        box.read("p")


def test_list(box):
    sh(box, "mkdir d; printf 12 > d/f; ln -s f d/l; mkfifo d/p; mkdir d/sub")
    listing = box.list("d")
    assert [(e.path, e.kind) for e in listing.entries] == [
        ("d/f", "file"),
        ("d/l", "symlink"),
        ("d/p", "other"),
        ("d/sub", "directory"),
    ]
    assert listing.entries[0] == Entry("d/f", "file", 2)
    assert not listing.truncated
    assert [e.path for e in box.list().entries] == ["d"]
    short = box.list("d", limit=2)
    assert [e.path for e in short.entries] == ["d/f", "d/l"]
    assert short.truncated


def test_a_directory_of_many_entries_is_listed_whole(box):
    sh(box, "i=0; while [ $i -lt 1500 ]; do : > f$i; i=$((i+1)); done")
    assert len(box.list().entries) == 1500


def test_put_tree_replaces_everything(box):
    sh(box, "mkdir -p old/deep; : > old/deep/f; ln -s /etc l; mkdir ro; : > ro/x; chmod 500 ro")
    box.put_tree(tree({"a.txt": b"1", "bin/run": ("x", b"#!/bin/sh\necho ran\n"), "l": ("link", "a.txt")}))
    assert sh(box, "find . -mindepth 1 | sort; bin/run; cat l") == b"./a.txt\n./bin\n./bin/run\n./l\nran\n1"
    assert box.get_changes() == {}


def test_a_rejected_tree_changes_nothing(box):
    box.write("kept", b"1")
    with pytest.raises(TreeRejected):
        box.put_tree(tree({"a": b"", "b": ("link", "../../etc")}))
    assert box.read("kept") == b"1"


def test_changes_of_every_kind_and_back(box, make_box):
    original = tree(
        {
            "same": b"same",
            "edited": b"old",
            "mode": b"#!",
            "gone": b"x",
            "dir/one": b"1",
            "dir/two": b"2",
            "becomes-dir": b"file",
            "becomes-file/x": b"x",
            "link": ("link", "same"),
            "becomes-link": b"z",
        }
    )
    box.put_tree(original)
    sh(
        box,
        """printf new > edited; chmod +x mode; rm gone; rm -r dir; rm becomes-dir; mkdir becomes-dir
        printf y > becomes-dir/y; rm -r becomes-file; printf f > becomes-file; ln -sfn edited link
        rm becomes-link; ln -s /absolute becomes-link; mkdir -p new/deep; : > new/deep/empty; mkdir hollow
        mkdir -p .git/hooks sub/.GIT; : > .git/hooks/pre-commit; : > sub/.GIT/x; mkfifo pipe; touch same
        printf bytes > "$(printf 'caf\\351')" """,
    )
    changes = box.get_changes()
    assert changes == {
        "edited": FileChange("file", False, b"new"),
        "mode": FileChange("file", True, b"#!"),
        "gone": FileChange("deleted", False, b""),
        "dir/one": FileChange("deleted", False, b""),
        "dir/two": FileChange("deleted", False, b""),
        "becomes-dir": FileChange("deleted", False, b""),
        "becomes-dir/y": FileChange("file", False, b"y"),
        "becomes-file/x": FileChange("deleted", False, b""),
        "becomes-file": FileChange("file", False, b"f"),
        "link": FileChange("symlink", False, b"edited"),
        "becomes-link": FileChange("symlink", False, b"/absolute"),
        "new/deep/empty": FileChange("file", False, b""),
        "caf\udce9": FileChange("file", False, b"bytes"),
    }
    other = make_box()
    other.put_tree(original)
    other.apply_changes(changes)
    assert other.get_changes() == changes
    assert sh(other, "ls -d dir 2>/dev/null || echo gone; cat becomes-dir/y") == b"gone\ny"


def test_unreadable_files_are_changes_too(box):
    box.put_tree(tree({"a": b"1"}))
    sh(box, "mkdir d; printf x > d/f; chmod 000 d/f; chmod 000 d")
    assert box.get_changes() == {"d/f": FileChange("file", False, b"x")}


def test_changes_too_large(box):
    box.put_tree(tree({"big": b"x" * 5000}))
    assert box.get_changes(max_bytes=10) == {}
    sh(box, "head -c 100 /dev/zero > a; head -c 100 /dev/zero > b")
    assert len(box.get_changes(max_bytes=200, max_files=2)) == 2
    with pytest.raises(ChangesTooLarge, match="199 bytes"):
        box.get_changes(max_bytes=199)
    with pytest.raises(ChangesTooLarge, match="more than 1 files"):
        box.get_changes(max_files=1)
    sh(box, "truncate -s 1T sparse 2>/dev/null || truncate -s 1G sparse")
    with pytest.raises(ChangesTooLarge):
        box.get_changes()
    sh(box, "rm sparse; printf y >> big")
    with pytest.raises(ChangesTooLarge):
        box.get_changes(max_bytes=1000)


def test_five_thousand_files(box):
    box.put_tree(tree({f"d{n % 50}/f{n}.txt": b"%d" % n * 50 for n in range(5000)}))
    assert box.get_changes() == {}
    sh(box, "printf x > d3/f3.txt; rm d4/f4.txt; rm -r d5")
    changes = box.get_changes()
    assert len(changes) == 102
    assert changes["d3/f3.txt"].content == b"x"


def test_changes_do_not_follow_planted_links(box):
    box.put_tree(tree({"d/f": b"1"}))
    sh(box, "mkdir elsewhere; printf keep > elsewhere/f; rm -r d; ln -s elsewhere d")
    box.apply_changes({"d/f": FileChange("file", False, b"2")})
    assert sh(box, "cat d/f elsewhere/f") == b"2keep"
    sh(box, "rm -r d; ln -s elsewhere d")
    box.apply_changes({"d/f": FileChange("deleted", False, b"")})
    assert sh(box, "cat elsewhere/f") == b"keep"


def test_a_very_deep_tree_is_replaced(box):
    code = "import os\nfor n in range(3000):\n os.mkdir('d'); os.chdir('d')\nopen('f', 'w')"
    assert box.run(["python3", "-c", code], timeout=20).exit_code == 0
    box.put_tree(tree({"a": b"1"}))
    assert [entry.path for entry in box.list().entries] == ["a"]


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
change_sets = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map("/".join).filter(lambda path: refusal(path) is None),
    st.builds(FileChange, st.just("file"), st.booleans(), st.binary(max_size=50)),
    max_size=8,
).filter(lambda found: not any(a != b and b.startswith(a + "/") for a in found for b in found))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change_sets)
def test_any_changes_come_back_as_they_were(box, changes):
    box.put_tree(tree({}))
    box.apply_changes(changes)
    assert box.get_changes() == changes
