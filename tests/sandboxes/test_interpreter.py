"""The interpreter that is brought to images without one: what of it is needed, and that it needs nothing else."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from sandboxes.interpreter import bundle, interpreter_of, libraries_of, loadable, start


def elf(*segments):
    head = b"\x7fELF\x02\x01" + bytes(26) + struct.pack("<Q14xHH", 64, 56, len(segments)) + bytes(6)
    table, data = b"", b""
    base = 64 + 56 * len(segments)
    for kind, content in segments:
        table += struct.pack("<I4xQ16xQ", kind, base + len(data), len(content)).ljust(56, b"\0")
        data += content
    return head.ljust(64, b"\0") + table + data


@pytest.mark.parametrize(
    ("program", "loader"),
    [
        (elf((1, b"x"), (3, b"/lib64/ld-linux-x86-64.so.2\0")), "/lib64/ld-linux-x86-64.so.2"),
        (elf((1, b"x")), None),
        (elf(), None),
    ],
)
def test_the_loader_a_program_names(program, loader):
    assert interpreter_of(program) == loader


@pytest.mark.parametrize("program", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(100)])
def test_what_is_no_program_of_this_kind(program):
    with pytest.raises(ValueError, match="ELF"):
        interpreter_of(program)


def sectioned(program, tail):
    """With the offset, size, number and index of sections that a linker writes, and `tail` where they would be."""
    head = bytearray(program)
    struct.pack_into("<Q", head, 40, len(program))
    struct.pack_into("<HHH", head, 58, 64, 3, 2)
    return bytes(head) + tail


def test_of_a_program_what_no_segment_holds_is_left_behind():
    program = elf((1, b"code"), (3, b"/ld.so\0"))
    kept = loadable(sectioned(program, b"debug" * 100))
    assert len(kept) == len(program)
    assert kept[40:48] == bytes(8)
    assert kept[60:64] == bytes(4)
    assert kept[64:] == program[64:]
    assert interpreter_of(kept) == "/ld.so"


@pytest.mark.parametrize("content", [b"", b"PK\3\4", elf(), elf((1, b"cut short"))[:-1], elf((1, b"x"))])
def test_what_has_nothing_to_leave_behind_stays_as_it_is(content):
    assert loadable(content) == content


def test_the_libraries_a_loader_lists():
    glibc = """\tlinux-vdso.so.1 (0x00007ffc1e5f2000)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f1)
\tlibpython3.11.so.1.0 => /opt/a b/libpython3.11.so.1.0 (0x00007f2)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f3)
"""
    found = libraries_of(glibc.replace("a b", "ab"))
    assert found == {
        "libm.so.6": "/lib/x86_64-linux-gnu/libm.so.6",
        "libpython3.11.so.1.0": "/opt/ab/libpython3.11.so.1.0",
        "ld-linux-x86-64.so.2": "/lib64/ld-linux-x86-64.so.2",
    }
    assert libraries_of("\tstatically linked\n") == {}
    with pytest.raises(ValueError, match="libx"):
        libraries_of("\tlibx.so => not found\n")


def test_it_runs_where_nothing_else_is(tmp_path):
    """In an empty root, where there is any; else from its own place, with nothing in the environment."""
    for path, (content, mode) in bundle().items():
        file = tmp_path / "python" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)
    code = (
        "import ctypes, hashlib, selectors, socket, sys; print(sys.version_info[:3], hashlib.sha256(b'').hexdigest())"
    )
    prefix, place = [], str(tmp_path / "python")
    chroot = shutil.which("chroot")
    if os.geteuid() == 0 and chroot:
        prefix, place = [chroot, str(tmp_path)], "/python"
    ran = subprocess.run(
        [*prefix, *start(place), "-I", "-S", "-c", code], capture_output=True, env={}, check=False, timeout=60
    )
    assert ran.stderr == b""
    assert ran.stdout.split(b")")[0].decode() + ")" == str(tuple(sys.version_info[:3]))


def test_equal_pythons_make_equal_bundles():
    made = bundle()
    bundle.cache_clear()
    assert bundle() == made
    assert sum(len(content) for content, _ in made.values()) < 20 << 20
    assert not any(Path(path).is_absolute() or ".." in Path(path).parts for path in made)
