"""Where a citation leads: to the page of its source in the wiki, and to the same lines at the forge. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from codebase.wiki.model import Citation
from codebase.wiki.text import slug

FILES_PAGE = "files"
END = "end"
_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?!/)(?P<path>[^\s]+)\Z")
_URL = re.compile(r"(?:https?|ssh|git)://(?:[^@/\s]*@)?(?P<host>[\w.-]+)(?::\d+)?/(?P<path>[^\s?#]+)\Z")


def folder_anchor(path: str) -> str:
    """The anchor of a folder's row on the page of all files."""
    return f"in-{slug(path.strip('/') or '/')}"


def source_name(path: str, blob: str) -> str:
    """The name of the page that shows this content of this path; another content has another name, so that a page
    that was written earlier never leads to lines that have moved since."""
    mark = sha256(f"{path}\0{blob}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    words = re.sub(r"[^a-z0-9]+", "-", path.lower().encode("ascii", "ignore").decode())[-60:].strip("-")
    return f"source/{words}-{mark}.html" if words else f"source/{mark}.html"


@dataclass(frozen=True, slots=True)
class Forge:
    """A repository's web pages: the address of one, and how a file's address goes on from there."""

    home: str
    blob: str
    tree: str

    def at(self, citation: Citation, commit: str) -> str:
        """The address of these lines at that commit."""
        path = quote(citation.path.strip("/").encode("utf-8", "surrogateescape"), safe="/")
        kind = self.tree if citation.path.endswith("/") else self.blob
        lines = ""
        if citation.start:
            last = f"-{'L' if self.blob == 'blob' else ''}{citation.end}" if citation.end > citation.start else ""
            lines = f"#L{citation.start}{last}"
        return f"{self.home}/{kind}/{quote(commit, safe='')}/{path}".rstrip("/") + lines


def forge_of(remote: str) -> Forge | None:
    """The web pages behind a git remote's address on GitHub or GitLab, None for any other. Names and passwords in the
    address are left out of what is made of it."""
    match = _URL.match(remote.strip()) or _SCP_LIKE.match(remote.strip())
    if match is None:
        return None
    host = match["host"].lower()
    path = match["path"].strip("/").removesuffix(".git").strip("/")
    if not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)+", path, re.ASCII) or ".." in path.split("/"):
        return None
    home = f"https://{host}/{path}"
    labels = host.split(".")
    if "github" in labels:
        return Forge(home, "blob", "tree") if path.count("/") == 1 else None
    return Forge(home, "-/blob", "-/tree") if "gitlab" in labels else None


@dataclass(frozen=True, slots=True)
class References:
    """`blobs` by path, of the commit; `last_line` says how many lines of a file its page shows."""

    blobs: Mapping[str, str]
    last_line: Callable[[str], int]

    def href(self, citation: Citation) -> str:
        """The citation's address from a page at the wiki's top. KeyError for a file that is not there."""
        if citation.path.endswith("/"):
            return f"{FILES_PAGE}.html#{folder_anchor(citation.path)}"
        page = source_name(citation.path, self.blobs[citation.path])
        if not citation.start:
            return page
        return f"{page}#{f'L{citation.start}' if citation.start <= self.last_line(citation.path) else END}"
