"""This process's own Python as a bundle that runs in any image of the same kind of processor, whatever it lacks.

The program, the loader it names, the libraries both need, and of the standard library only what the runner imports,
without what only debuggers read: some 10 MB. It is started through its own loader, so that nothing of the image is
used, not even a C library:

    PLACE/ld.so --library-path PLACE/lib PLACE/bin/python3 -I -S -c ...
"""

from __future__ import annotations

import io
import json
import os
import py_compile
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from .contract import SandboxUnavailable
from .package import runner_zip

Files = Mapping[str, tuple[bytes, int]]
"""Paths below the bundle's place, each with content and mode."""

_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_LISTING = """
import sys
sys.path.insert(0, sys.argv[1])
sys.modules["_hashlib"] = None
import inside.bridge, inside.door, inside.serve, threading, traceback
import json
print(json.dumps({n: m.__file__ for n, m in sys.modules.items() if getattr(m, "__file__", None)}))
"""
"""Without _hashlib, which would bring OpenSSL along: hashlib has code of its own for the few digests taken inside. With
threading and traceback, for what a cluster is tried with and for errors."""
_PT_INTERP = 3
_LIBRARY = re.compile(r"^\s*(?:(\S+) => )?(/\S+)(?: \(0x[0-9a-f]+\))?$", re.MULTILINE)


def start(place: str) -> tuple[str, ...]:
    """What to execute, up to the arguments of Python itself."""
    return (f"{place}/ld.so", "--library-path", f"{place}/lib", f"{place}/bin/python3")


@cache
def bundle() -> Files:
    """The bundle's files. SandboxUnavailable when this Python cannot be taken along."""
    try:
        return _bundle()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SandboxUnavailable(
            "no interpreter can be brought along", str(error), "Use an image with Python 3.9 or later"
        ) from error


def _bundle() -> Files:
    program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    loader = interpreter_of(program.read_bytes())
    if loader is None:
        raise ValueError(f"{program} names no loader")
    modules = _modules(program)
    extensions = {path for path in modules.values() if not path.endswith(".py")}
    libraries: dict[str, str] = {}
    for path in (str(program), *sorted(extensions)):
        listed = subprocess.run([loader, "--list", path], capture_output=True, text=True, check=True, timeout=60)
        libraries |= libraries_of(listed.stdout)
    files = {"ld.so": (Path(loader).read_bytes(), 0o555), "bin/python3": (program.read_bytes(), 0o555)}
    for name, path in libraries.items():
        if os.path.realpath(path) != os.path.realpath(loader):
            files[f"lib/{name}"] = (Path(path).read_bytes(), 0o444)
    for path in extensions:
        files[f"lib/{_VERSION}/lib-dynload/{os.path.basename(path)}"] = (Path(path).read_bytes(), 0o444)
    sources = {name: path for name, path in modules.items() if path.endswith(".py")}
    # By these two Python finds its place, from its program upwards (getpath.py of CPython).
    files[f"lib/{_VERSION}/os.py"] = (Path(sources["os"]).read_bytes(), 0o444)
    files[f"lib/{_VERSION.replace('.', '')}.zip"] = (_library(sources), 0o444)
    return {path: (loadable(content), mode) for path, (content, mode) in files.items()}


def loadable(content: bytes) -> bytes:
    """An ELF file up to where its last segment ends: sections, which a loader does not read, are left out, and with
    them debug symbols, two thirds of many Pythons. Anything else as it is."""
    if content[:6] != b"\x7fELF\x02\x01":
        return content
    table, each, count = struct.unpack_from("<32xQ14xHH", content)
    end = max(64, table + each * count, *(offset + size for _, offset, size in _segments(content)))
    if not count or end > len(content):
        return content
    # Offset of the section headers, their number, and which holds their names (elf(5)): there are none.
    head = bytearray(content[:64])
    struct.pack_into("<Q", head, 40, 0)
    struct.pack_into("<HH", head, 60, 0, 0)
    return bytes(head) + content[64:end]


def interpreter_of(elf: bytes) -> str | None:
    """The loader that a 64-bit little-endian program names (elf(5), PT_INTERP); None without one. ValueError."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF program")
    for kind, offset, size in _segments(elf):
        if kind == _PT_INTERP:
            return elf[offset : offset + size].rstrip(b"\0").decode()
    return None


def _segments(elf: bytes) -> list[tuple[int, int, int]]:
    """Kind, offset and length in the file of each segment that the program headers name (elf(5))."""
    offset, size, count = struct.unpack_from("<32xQ14xHH", elf)
    return [struct.unpack_from("<I4xQ16xQ", elf, offset + number * size) for number in range(count)]


def libraries_of(listing: str) -> dict[str, str]:
    """Name to path of the libraries that a loader's --list shows. ValueError when one is missing."""
    if "not found" in listing:
        raise ValueError(f"a library is missing: {listing.strip()[:500]}")
    return {name or os.path.basename(path): path for name, path in _LIBRARY.findall(listing)}


def _modules(program: Path) -> dict[str, str]:
    """The modules that the runner imports, with their files, without its own."""
    with tempfile.NamedTemporaryFile(suffix=".zip") as archive:
        archive.write(runner_zip())
        archive.flush()
        listed = subprocess.run(
            [program, "-I", "-S", "-c", _LISTING, archive.name], capture_output=True, text=True, check=True, timeout=60
        )
    found: dict[str, str] = json.loads(listed.stdout)
    return {name: path for name, path in found.items() if name.partition(".")[0] != "inside"}


def _library(sources: Mapping[str, str]) -> bytes:
    """The modules as a zip of compiled code: stored, as unpacking would need one more extension module."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, tempfile.TemporaryDirectory() as scratch:
        for name, path in sorted(sources.items()):
            if name == "os.path":
                continue  # another name of posixpath
            inside = name.replace(".", "/") + ("/__init__.pyc" if os.path.basename(path) == "__init__.py" else ".pyc")
            compiled = os.path.join(scratch, "module.pyc")
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(path, compiled, inside[:-1], True, invalidation_mode=mode)
            archive.writestr(zipfile.ZipInfo(inside, (1980, 1, 1, 0, 0, 0)), Path(compiled).read_bytes())
    return buffer.getvalue()
