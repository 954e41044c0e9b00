"""What of ours goes into a box for a kernel: the workers and the modules they share with the broker, as one file."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path

# A whole path: where a candidate goes to another directory, a relative one would find its files in place of ours.
BOOTSTRAP = (
    "import os, sys; sys.path.insert(0, os.path.abspath(sys.argv[1])); from importlib import import_module; "
    "import_module('kernels.worker.' + sys.argv[2]).main()"
)
"""`python -I -c BOOTSTRAP ZIP ROLE DEVICE PORT`, a role of `kernels.hosting.Role`, the token on standard input."""
_SHARED = ("messages.py", "namespaces.py", "recipes.py", "tensors.py")


@cache
def worker_zip() -> bytes:
    """A zip with `kernels.worker` and what it imports; the same bytes for the same files."""
    room = Path(__file__).parent
    files = {"kernels/__init__.py": b""}
    files |= {f"kernels/{name}": (room / name).read_bytes() for name in _SHARED}
    files |= {f"kernels/worker/{one.name}": one.read_bytes() for one in sorted((room / "worker").glob("*.py"))}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return packed.getvalue()
