"""Which code of ours decides verdicts, in a word: what was found out with other code says nothing of this one."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_ROOM = Path(__file__).parent
# Candidates and tasks to be judged: another one changes no verdict on the others.
_DATA = "corpus"


@cache
def code_digest(room: Path = _ROOM) -> str:
    """The same for the same Python files at the same places below `room`."""
    digest = hashlib.sha256()
    for path in sorted(room.rglob("*.py")):
        place = path.relative_to(room)
        if place.parts[0] != _DATA:
            digest.update(f"{place.as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
