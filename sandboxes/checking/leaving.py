"""Hostile output: what a box has been told to hand out does no harm outside, and what it is handed stays in it."""

from __future__ import annotations

import io
import tarfile
import tempfile
import time
from functools import partial
from pathlib import Path

from ..contract import Box, ChangeSet, ChangesTooLarge, SandboxError, TreeRejected
from ..inside.paths import refusal
from ..trees import tar_of
from .canaries import canary
from .commands import sh
from .files import raises
from .ground import Ground
from .registry import Book, require

checks = Book("output")


def taken(box: Box) -> ChangeSet:
    """The changes of a box, of which every path must be one that can cross the wall."""
    found = box.get_changes()
    for path, change in found.items():
        require(refusal(path) is None, f"{path!r} came out: {refusal(path)}")
        require(change.kind in ("file", "symlink", "deleted"), f"{path!r} came out as {change.kind}")
    return found


@checks("links that lead out come as links, with nothing of what they lead to")
def links(ground: Ground) -> str:
    box = ground.box
    with tempfile.NamedTemporaryFile() as file:
        secret = canary().encode()
        file.write(secret)
        file.flush()
        box.put_tree(tar_of({"d/f": b"1"}))
        targets = {"passwd": "/etc/passwd", "up": "../../../../etc/passwd", "host": file.name, "zero": "/dev/zero"}
        sh(box, "; ".join(f"ln -s {target} {name}" for name, target in targets.items()) + "; rm -r d; ln -s /etc d")
        found = taken(box)
        for name, target in targets.items():
            change = found.get(name)
            require(change and change.kind == "symlink", f"the link {name} came out as {change and change.kind}")
            require(change and change.content == target.encode(), f"the link {name} was followed")
        require(not any(path.startswith("d/") and c.kind != "deleted" for path, c in found.items()), "d was followed")
        require(secret not in b"".join(change.content for change in found.values()), "a file of the host came out")
    return f"{len(targets)} links to files, 1 to a directory"


@checks("pipes, sockets and devices stay inside, hard links come as files")
def odd_files(ground: Ground) -> str:
    box = ground.box
    sh(box, "mkfifo pipe; echo x > one; ln one two; (mknod null c 1 3 || mknod disk b 254 0 || :) 2>/dev/null")
    ground.py(box, "s = socket.socket(socket.AF_UNIX); s.bind('sock')")
    began = time.monotonic()
    found = taken(box)
    require(time.monotonic() - began < 30, "a pipe held it up")
    require(set(found) == {"one", "two"}, f"came out: {sorted(found)}")
    require({change.content for change in found.values()} == {b"x\n"}, "hard links came out with other content")
    return "one and two"


@checks("names of every kind come out as they are")
def names(ground: Ground) -> str:
    code = r"""
for name in (b"n" * 255, b"new\nline", b"caf\xe9", b"esc\x1b[31m", b"-rf", b"..x", b" ", b"back\\slash", b"a:b"):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
"""
    deep = """
for _ in range(30):
    os.mkdir("d" * 200); os.chdir("d" * 200)
open("deep", "w").close()
"""
    box = ground.box
    require(ground.py(box, code).exit_code == 0, "the names could not be made")
    wanted = {"n" * 255, "new\nline", "caf\udce9", "esc\x1b[31m", "-rf", "..x", " ", "back\\slash", "a:b"}
    found = taken(box)
    require(set(found) == wanted, f"wrong or missing: {sorted(set(found) ^ wanted)}")
    require(ground.py(box, deep).exit_code == 0, "a deep tree could not be made")
    try:
        taken(box)
        detail = "a path of 6,000 bytes was left out"
    except SandboxError:
        detail = "a path of 6,000 bytes is refused"  # no system opens such a path: to say so is right
    box.put_tree(tar_of({"after": b""}))
    require([entry.path for entry in box.list().entries] == ["after"], "a deep tree cannot be replaced")
    return f"{len(found)} names; {detail}"


@checks("too many or too large changes are refused")
def too_much(ground: Ground) -> str:
    box = ground.box
    sh(box, "i=0; while [ $i -lt 150 ]; do : > f$i; i=$((i+1)); done")
    raises(ChangesTooLarge, "150 files of 100 allowed", lambda: box.get_changes(max_files=100))
    sh(box, "rm f*")
    if box.run(["truncate", "-s", "1T", "sparse"], timeout=30).exit_code != 0:
        ground.py(box, "open('sparse', 'w').truncate(1 << 40)")
    began = time.monotonic()
    raises(ChangesTooLarge, "a sparse file of 1 TiB", lambda: box.get_changes(max_bytes=1 << 20))
    raises(SandboxError, "reading it", lambda: box.read("sparse", limit=1 << 20))
    require(time.monotonic() - began < 60, "a sparse file held it up")
    return "150 files of 100; 1 TiB of 1 MiB"


_GIT = r"""
for git in .git sub/.git .GIT .Git git~1 '.git ' .git. ; do
    mkdir -p "$git/hooks" "$git/objects" "$git/refs"
    echo 'ref: refs/heads/main' > "$git/HEAD"
    {
        printf '[core]\n\trepositoryformatversion = 0\n\thooksPath = hooks\n'
        printf '\tfsmonitor = touch OUT\n\tsshCommand = touch OUT\n'
        printf '[filter "x"]\n\tclean = touch OUT\n\tsmudge = touch OUT\n[diff "x"]\n\ttextconv = touch OUT\n'
    } > "$git/config"
    for hook in pre-commit post-checkout post-index-change reference-transaction pre-push; do
        printf '#!/bin/sh\ntouch OUT\n' > "$git/hooks/$hook"; chmod +x "$git/hooks/$hook"
    done
done
echo 'gitdir: /tmp' > sub2.git; mkdir m; echo 'gitdir: ../.git' > m/.git
echo '* filter=x diff=x' > .gitattributes; echo honest > honest
"""


@checks("nothing of a planted .git comes out, and none of it runs outside")
def planted_git(ground: Ground) -> str:
    box = ground.box
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / canary()
        box.put_tree(tar_of({"sub/f": b"1"}))
        sh(box, _GIT.replace("OUT", str(out)))
        found = taken(box)
        require(set(found) == {"honest", ".gitattributes", "sub2.git"}, f"came out: {sorted(found)[:8]}")
        box.apply_changes(found)
        box.list("sub")
        require(not out.exists(), "a planted hook or filter ran outside the box")
    return "7 spellings, with hooks, filters and fsmonitor"


def _archive(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", pax: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("fine"))
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.pax_headers = kind, link, pax or {}
        archive.addfile(info)
    return buffer.getvalue()


def _claims(size: int) -> bytes:
    """A tar whose only member announces `size` bytes and brings none."""
    info = tarfile.TarInfo("huge")
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


@checks("hostile archives are refused")
def archives(ground: Ground) -> str:
    box = ground.box
    box.write("kept", b"1")
    hostile = {
        "a path with `..`": _archive("../evil"),
        "an absolute path": _archive("/etc/evil"),
        "a symlink out": _archive("l", tarfile.SYMTYPE, "../../etc"),
        "an absolute symlink": _archive("l", tarfile.SYMTYPE, "/etc/passwd"),
        "a hard link": _archive("h", tarfile.LNKTYPE, "fine"),
        "a device": _archive("dev", tarfile.BLKTYPE),
        "a pipe": _archive("pipe", tarfile.FIFOTYPE),
        "a .git": _archive(".git/hooks/post-checkout"),
        "a long header": _archive("x" * 100 + "/" + "y" * 5000, pax={"comment": "z" * (4 << 20)}),
        "a claim of 1 TiB": _claims(1 << 40),
        "a claim of 8 EiB": _claims((1 << 63) - 1),
        "no archive": b"\x1f\x8b" + b"\xff" * 2000,
    }
    for what, data in hostile.items():
        raises(TreeRejected, what, partial(box.put_tree, data))
        require(box.read("kept") == b"1", f"{what} emptied the workspace")
    return ", ".join(hostile)
