"""Sources made of texts."""

from __future__ import annotations

from collections.abc import Mapping

from codebase import Source


def source(files: Mapping[str, str | bytes]) -> Source:
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return Source(lambda: list(contents), contents.get)
