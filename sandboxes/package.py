"""The runner as one file: the modules of `sandboxes/inside` in a zip that any Python 3.9+ can start.

    python3 -I -S -c BOOTSTRAP /path/to/runner.zip

The zip carries sources, and code compiled for this interpreter beside them: a different version inside a box falls
back to the sources by itself (zipimport checks the magic number), the same version starts some 20 ms sooner.
"""

import io
import py_compile
import tempfile
import zipfile
from functools import cache
from pathlib import Path

BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from inside.serve import main; main()"
"""Given to `python3 -c`, followed by the path of the zip: it avoids importing runpy, which a start by path does."""
TOO_OLD = 86
"""Exit status of a Python that is too old for the runner."""
BOOTSTRAP_DOOR = (
    f"import sys; sys.version_info < (3, 9) and sys.exit({TOO_OLD})\n"
    "sys.path.insert(0, sys.argv[1]); from inside.door import main; main()"
)
"""The same for process 1 of a box that outlives its hosts; after the zip, see `inside.door.main`."""
BOOTSTRAP_BRIDGE = "import sys; sys.path.insert(0, sys.argv[1]); from inside.bridge import main; main()"
"""The same for what a host executes in such a box to be connected."""

_INSIDE = Path(__file__).parent / "inside"


@cache
def runner_zip() -> bytes:
    """The zip's bytes; equal for equal sources and interpreter."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, tempfile.TemporaryDirectory() as scratch:
        for source in sorted(_INSIDE.glob("*.py")):
            name = f"inside/{source.name}"
            _add(archive, name, source.read_bytes())
            compiled = Path(scratch) / "module.pyc"
            py_compile.compile(
                str(source), str(compiled), name, True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
            )
            _add(archive, name + "c", compiled.read_bytes())
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # A fixed date keeps the zip reproducible; stored, because inflating would cost an import inside.
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_STORED)
