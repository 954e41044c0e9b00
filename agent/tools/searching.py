"""Searching by meaning: the ranked places of the commit the window started from, as people get them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agent.places import listed
from agent.quoting import quote
from agent.tools.desk import Desk
from agent.tools.tool import Arguments, Observation, Tool

MOST = 30
_CHARS = 12_000
_LINES_EACH = (30,) * 5 + (5,) * (MOST - 5)


class SearchCodeArguments(Arguments):
    query: str = Field(
        min_length=2,
        max_length=4_000,
        description="What the code is about, in words, or identifiers, paths, an error message, a traceback.",
    )
    top: int = Field(default=10, ge=1, le=MOST, description="How many places to show.")


def _search_code(desk: Desk, arguments: SearchCodeArguments) -> Observation:
    if desk.finder is None:
        return Observation("There is no index of this repository. Use search_text.", ok=False)
    hits = desk.finder.find(arguments.query, top=arguments.top)
    if not hits:
        return Observation("No place has anything to do with that. Try other words, or search_text.")
    places = desk.finder.excerpts(hits, arguments.query, lines=_LINES_EACH)
    return Observation(
        quote(listed(places, _CHARS), "search over the commit this window started from, best first, not verified")
    )


SEARCHING: tuple[Tool[Any], ...] = (
    Tool(
        name="search_code",
        description="Find the functions, classes and files that a question, an error or identifiers are about, best "
        "first, with lines. It knows the tree as this window began, not your edits. For exact text use search_text.",
        arguments=SearchCodeArguments,
        handler=_search_code,
        example={"query": "where is a session's socket closed after a timeout", "top": 10},
        read_only=True,
    ),
)
