"""What models said, kept by what they were asked: a file for each reply. Losing it costs a call, no more."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_MOST = 2_000
_LARGEST = 1 << 20


def key_of(*inputs: str) -> str:
    """A name for all that a reply depends on."""
    return sha256(json.dumps(inputs).encode("ascii")).hexdigest()[:40]


class Shelf:
    """Replies in a folder. They are kept unchecked: whoever takes one from here checks it as if it were new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str) -> tuple[str, str] | None:
        """The reply that is kept under a key, and the model that gave it; None for none, or a damaged one."""
        path = self._folder / f"{key}.json"
        try:
            if path.stat().st_size > _LARGEST:
                return None
            kept = json.loads(path.read_bytes())
            os.utime(path)
        except (OSError, ValueError, RecursionError):
            return None
        if isinstance(kept, dict) and isinstance(kept.get("text"), str) and isinstance(kept.get("model"), str):
            return kept["text"], kept["model"]
        return None

    def keep(self, key: str, text: str, model: str) -> None:
        """Keeps a reply. A full disk costs the next build a call."""
        growing = self._folder / f".{os.getpid()}-{key}"
        with suppress(OSError):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                growing.write_text(json.dumps({"text": text, "model": model}), encoding="ascii")
                os.replace(growing, self._folder / f"{key}.json")
            finally:
                growing.unlink(missing_ok=True)
            self._forget_old()

    def _forget_old(self) -> None:
        """Those used last stay."""
        files = [path for path in self._folder.iterdir() if path.suffix == ".json"]
        if len(files) > _MOST:
            for path in sorted(files, key=lambda path: path.stat().st_mtime)[: len(files) - _MOST]:
                path.unlink(missing_ok=True)
