"""Pages put into a folder: each with a hash of what it was made from, and a page for every file that is cited."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

from codebase.index.contents import Contents
from codebase.wiki.folder import Draft, Published, WikiFolder
from codebase.wiki.model import Page
from codebase.wiki.references import Forge, References, source_name
from codebase.wiki.rendering import Site, render
from codebase.wiki.sources import shown_lines, source_page

_DRAWN_BY = (
    "building.py",
    "drawing.py",
    "layout.py",
    "references.py",
    "rendering.py",
    "sources.py",
    "style.css",
    "text.py",
)


@cache
def _template() -> str:
    """A name for how pages are drawn: where that changes, all are written anew."""
    here = Path(__file__).parent
    return sha256(b"\0".join((here / name).read_bytes() for name in _DRAWN_BY)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the pages come from: a commit (empty for a plain folder), and its forge where it is published there."""

    name: str
    commit: str
    forge: Forge | None


def publish(pages: Sequence[Page], contents: Contents, origin: Origin, folder: WikiFolder) -> Published:
    """Makes the folder hold these pages and the sources they cite. Raises FolderRefused.

    A page says at which commit it was written: it stays as it is at later ones, as long as all it cites does. Only the
    overview is written anew at each commit.
    """
    files = contents.files
    blobs = {path: file.blob for path, file in files.items()}
    references = References(blobs, cache(lambda path: len(shown_lines(contents.read(path)))))
    chapters = tuple((page.name, page.chapter) for page in pages if page.chapter)
    at = f"Written at commit {origin.commit}" if origin.commit else "Written from a folder without commits"
    site = Site(
        name=origin.name,
        chapters=chapters,
        at=f"{at}; read off the code. Every statement leads to the lines it stands on.",
        href=references.href,
        outside=lambda citation: origin.forge.at(citation, origin.commit) if origin.forge else None,
    )
    shared = [
        _template(),
        origin.name,
        chapters,
        asdict(origin.forge) if origin.forge else None,
        bool(origin.commit),
    ]
    drafts: dict[str, Draft] = {}
    cited: dict[str, None] = {}
    for page in pages:
        found = [one.path for one in page.citations() if not one.path.endswith("/")]
        cited.update(dict.fromkeys(found))
        inputs = [asdict(page), [[path, blobs[path]] for path in dict.fromkeys(found)]]
        # The overview tells which commit the wiki is at.
        moment = [origin.commit] if page.name == "index" else []
        drafts[f"{page.name}.html"] = Draft(_hash([shared, inputs, moment]), partial(render, page, site))
    for path in cited:
        name = source_name(path, blobs[path])
        drafts[name] = Draft(_hash([shared, path, blobs[path]]), partial(_source, path, contents, site))
    return folder.publish(drafts)


def _hash(value: object) -> str:
    return sha256(json.dumps(value, ensure_ascii=True, sort_keys=True).encode("ascii")).hexdigest()[:32]


def _source(path: str, contents: Contents, site: Site) -> str:
    return source_page(path, contents.read(path), site)
