"""A sandbox's change set as bytes for a database row, and back (pure)."""

import base64
import json
import zlib

from sandboxes.contract import ChangeSet, FileChange


def pack(changes: ChangeSet) -> bytes:
    """Compressed JSON; paths keep their lone surrogates."""
    document = {
        path: [change.kind, change.executable, base64.b64encode(change.content).decode("ascii")]
        for path, change in sorted(changes.items())
    }
    return zlib.compress(json.dumps(document).encode("ascii"), level=1)


def unpack(packed: bytes) -> dict[str, FileChange]:
    """What `pack` was given."""
    document = json.loads(zlib.decompress(packed))
    return {
        path: FileChange(kind=kind, executable=executable, content=base64.b64decode(content))
        for path, (kind, executable, content) in document.items()
    }
