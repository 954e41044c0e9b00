"""Files as GitHub has them, without a clone.

https://docs.github.com/en/rest/repos/contents
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from .transport import Channel, NotFound

_TEMPLATE_FOLDERS = (".github", "", "docs")
_TEMPLATE_NAMES = frozenset({"pull_request_template", "pull_request_template.md", "pull_request_template.txt"})


class Contents:
    """Reading files of one repository."""

    def __init__(self, channel: Channel, full_name: str) -> None:
        self._channel = channel
        self._repository = f"/repos/{full_name}"

    def file(self, path: str, ref: str, *, limit: int | None = None) -> bytes | None:
        """Return the file at `path` (POSIX, relative to the root) of the revision `ref`; None if there is no file.

        ValueError for a file of more than `limit` bytes, which is not fetched.
        """
        body = self._entry(path, ref)
        if not isinstance(body, dict) or body.get("type") != "file":
            return None
        if limit is not None and body["size"] > limit:
            raise ValueError(f"larger than {limit} bytes")
        if body.get("encoding") != "base64":
            # Files over 1 MB come without content; blobs go to 100 MB.
            body = self._channel.get(f"{self._repository}/git/blobs/{body['sha']}")
        return base64.b64decode(body["content"])

    def pull_request_template(self, ref: str) -> str | None:
        """Return the one pull request template at `ref`, or None.

        Looked for in .github, the root and docs, in that order and without regard to case. A folder of several
        templates gives None: which one is meant is a person's choice.
        """
        for folder in _TEMPLATE_FOLDERS:
            entries = self._entry(folder, ref)
            for entry in entries if isinstance(entries, list) else ():
                if entry["type"] == "file" and entry["name"].lower() in _TEMPLATE_NAMES:
                    content = self.file(entry["path"], ref)
                    if content is not None:
                        return content.decode("utf-8", errors="replace")
        return None

    def _entry(self, path: str, ref: str) -> Any:
        try:
            return self._channel.get(f"{self._repository}/contents/{quote(path)}".rstrip("/"), {"ref": ref})
        except NotFound:
            return None
