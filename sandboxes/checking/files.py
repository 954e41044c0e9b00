"""The contract, as far as it is about files, trees, changes, and the box as a whole."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable

from ..contract import WORKSPACE, Box, Entry, FileChange, SandboxError, TreeRejected
from ..trees import tar_of
from .commands import sh
from .ground import MIB, Ground, gone
from .registry import Book, Breach, require

checks = Book("contract")


def raises(expected: type[Exception], what: str, act: Callable[[], object]) -> None:
    """Breach unless `act` raises `expected`."""
    try:
        act()
    except expected:
        return
    except Exception as error:
        raise Breach(f"{what}: {type(error).__name__} and not {expected.__name__}: {error}") from error
    raise Breach(f"{what}: no error")


@checks("files are written, read and listed")
def write_and_read(ground: Ground) -> str:
    box, data = ground.box, os.urandom(MIB) * 10
    box.write("a/b/big", data)
    require(box.read(f"{WORKSPACE}/a/b/big") == data, "10 MiB came back changed")
    box.write("a/b/run", b"#!/bin/sh\necho ran\n", executable=True)
    require(sh(box, "a/b/run; mkfifo a/b/pipe; ln -s run a/b/link; mkdir a/b/sub") == b"ran\n", "not executable")
    seen = [(entry.path, entry.kind) for entry in box.list("a/b").entries]
    expected = [("big", "file"), ("link", "symlink"), ("pipe", "other"), ("run", "file"), ("sub", "directory")]
    require(seen == [(f"a/b/{name}", kind) for name, kind in expected], f"listed as {seen}")
    require(box.list("a/b", limit=2).truncated, "a listing cut short does not say so")
    require(Entry("a/b/big", "file", len(data)) in box.list("a/b").entries, "a wrong size is listed")
    return "10 MiB, an executable, and one entry of each kind"


@checks("what cannot be read says why")
def unreadable(ground: Ground) -> str:
    box = ground.box
    box.write("f", b"12345")
    sh(box, "mkfifo pipe")
    raises(FileNotFoundError, "reading what is not there", lambda: box.read("nothing"))
    raises(IsADirectoryError, "reading a directory", lambda: box.read("."))
    raises(NotADirectoryError, "listing a file", lambda: box.list("f"))
    raises(SandboxError, "reading beyond the limit", lambda: box.read("f", limit=4))
    raises(SandboxError, "reading a pipe", lambda: box.read("pipe"))
    return "missing, a directory, too large, a pipe"


@checks("files are read while a command runs")
def files_meanwhile(ground: Ground) -> str:
    box = ground.box
    thread = threading.Thread(target=lambda: box.run(["sleep", "2"], timeout=30))
    thread.start()
    try:
        box.write("a", b"x")
        require(box.read("a") == b"x", "another content came back")
        require(thread.is_alive(), "the file had to wait for the command")
    finally:
        thread.join()
    return "they do not wait for it"


@checks("changes of every kind come out, and back in")
def changes(ground: Ground) -> str:
    original = tar_of(
        {"same": b"same", "edited": b"old", "mode": b"#!", "gone": b"x", "dir/one": b"1", "kind": b"file"}
    )
    box = ground.box
    box.put_tree(original)
    require(box.get_changes() == {}, "changes before anything was changed")
    script = """printf new > edited; chmod +x mode; rm gone; rm -r dir; rm kind; mkdir kind; printf y > kind/y
        ln -s /absolute link; mkdir -p new/deep hollow; : > new/deep/empty; touch same
        printf bytes > "$(printf 'caf\\351')" """
    sh(box, script)
    expected = {
        "edited": FileChange("file", False, b"new"),
        "mode": FileChange("file", True, b"#!"),
        "gone": FileChange("deleted", False, b""),
        "dir/one": FileChange("deleted", False, b""),
        "kind": FileChange("deleted", False, b""),
        "kind/y": FileChange("file", False, b"y"),
        "link": FileChange("symlink", False, b"/absolute"),
        "new/deep/empty": FileChange("file", False, b""),
        "caf\udce9": FileChange("file", False, b"bytes"),
    }
    found = box.get_changes()
    wrong = sorted(path for path in {*found, *expected} if found.get(path) != expected.get(path))
    require(not wrong, f"wrong or missing: {wrong}")
    with ground.new() as other:
        other.put_tree(original)
        other.apply_changes(found)
        require(other.get_changes() == found, "brought into another box they are not the same")
    return f"{len(expected)} changes"


@checks("a change that hides from timestamps is found")
def hidden_change(ground: Ground) -> str:
    box = ground.box
    box.put_tree(tar_of({"f": b"a" * 4096}))
    code = """
import mmap
before = os.stat("f")
view = mmap.mmap(os.open("f", os.O_RDWR), 4096)
view[0]
view[0] = 98
view.close()
os.utime("f", ns=(before.st_atime_ns, before.st_mtime_ns))
"""
    require(ground.py(box, code).exit_code == 0, "the file could not be changed")
    require("f" in box.get_changes(), "a write through a warm mapping is not seen")
    return "a write through a warm mapping"


@checks("a tree replaces the workspace, a refused one changes nothing")
def trees(ground: Ground) -> str:
    box = ground.box
    sh(box, "mkdir -p old/deep ro; : > old/deep/f; ln -s /etc link; : > ro/x; chmod 500 ro")
    box.put_tree(tar_of({"a.txt": b"1", "d/b.txt": b"2"}))
    require(sh(box, "find . -type f | sort") == b"./a.txt\n./d/b.txt\n", "the old tree shows through")
    refused = io.BytesIO()
    with tarfile.open(fileobj=refused, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("fine"))
        archive.addfile(tarfile.TarInfo("../evil"))
    raises(TreeRejected, "a tree with `..`", lambda: box.put_tree(refused.getvalue()))
    require(box.read("a.txt") == b"1", "a refused tree emptied the workspace")
    return "replaced; refused"


@checks("a box's name is its own, and a closed box is gone")
def identity(ground: Ground) -> str:
    name = ground.name()

    def again() -> Box:
        with ground.backend.create(ground.spec, name=name) as second:
            return second

    with ground.backend.create(ground.spec, name=name) as box:
        require(box.name == name, f"it is called {box.name}")
        raises(SandboxError, "a second box of a living one's name", again)
        require(box.run(["true"], timeout=30).exit_code == 0, "the first was harmed by the second")
    box.close()
    require(gone(box), "a closed box runs commands")
    again()
    return "refused while it lives, free when it is closed"


@checks("a box is handed over by its name, or ends with its maker")
def attach(ground: Ground) -> str:
    with ground.new() as box:
        box.write("kept", b"1")
        taken = ground.backend.attach(box.name)
        if taken is None:
            return "boxes of this backend end with the process that made them"
        with taken:
            require("kept" in {entry.path for entry in taken.list().entries}, "the workspace is lost")
            require(taken.run(["echo", "ok"], timeout=30).stdout == b"ok\n", "it runs no commands")
            require(gone(box), "the former owner can still use it")
        require(ground.backend.attach(box.name) is None, "it can be attached to after it was closed")
    return "workspace kept, former owner shut out"
