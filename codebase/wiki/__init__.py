"""A repository's wiki: what its parts are, how they connect, how one works here, each statement linked to its lines.

`survey` reads a commit, `skeleton` makes pages of it (`model` says what a page is), `building` puts them into a
`folder`, where only what changed is written. No model is needed; what one writes about a part comes in as paragraphs
whose every sentence cites.
"""

from codebase.wiki.building import Origin, publish
from codebase.wiki.folder import FolderRefused, Published, opened
from codebase.wiki.known import Known
from codebase.wiki.references import forge_of
from codebase.wiki.skeleton import pages
from codebase.wiki.survey import Survey, survey

__all__ = [
    "FolderRefused",
    "Known",
    "Origin",
    "Published",
    "Survey",
    "forge_of",
    "opened",
    "pages",
    "publish",
    "survey",
]
