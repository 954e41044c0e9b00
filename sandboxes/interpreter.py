"""This process's own Python as a bundle that runs in any image of the same kind of processor, whatever it lacks.

The program, the loader it names, the libraries both need, and of the standard library only what the runner imports:
some 15 MB. It is started through its own loader, so that nothing of the image is used, not even a C library:

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
import inside.bridge, inside.door, inside.serve, traceback
import json
print(json.dumps({n: m.__file__ for n, m in sys.modules.items() if getattr(m, "__file__", None)}))
"""
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
    return files


def interpreter_of(elf: bytes) -> str | None:
    """The loader that a 64-bit little-endian program names (elf(5), PT_INTERP); None without one. ValueError."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF program")
    offset, size, count = struct.unpack_from("<32xQ14xHH", elf)
    for number in range(count):
        kind, start_at, length = struct.unpack_from("<I4xQ16xQ", elf, offset + number * size)
        if kind == _PT_INTERP:
            return elf[start_at : start_at + length].rstrip(b"\0").decode()
    return None


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
