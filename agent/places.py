"""Places that search found, as text for a model: ranked, numbered as `path:first-last symbol`, with their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codebase.index import Excerpt, Hit

_PATH_CHARS = 300
_SYMBOL_CHARS = 120


def listed(places: Sequence[Excerpt], chars: int) -> str:
    """One heading for each place, best first, and below it its lines, for as long as all together stays within `chars`.

    Headings are never left out: a place costs a model some twenty tokens, looking for it again costs it hundreds.
    """
    headings = [f"{rank}. {heading(place.hit)}" for rank, place in enumerate(places, start=1)]
    left = chars - sum(len(line) + 1 for line in headings)
    parts: list[str] = []
    for line, place in zip(headings, places, strict=True):
        parts.append(line)
        shown = _numbered(place)
        if shown and len(shown) + 1 <= left:
            parts.append(shown)
            left -= len(shown) + 1
    return "\n".join(parts)


def heading(hit: Hit) -> str:
    """`src/cart.py:10-24 Cart.total`, on one line whatever the file's name is."""
    lines = f"{hit.start_line}-{hit.end_line}" if hit.end_line > hit.start_line else str(hit.start_line)
    symbol = f" {one_line(hit.symbol)[:_SYMBOL_CHARS]}" if hit.symbol else ""
    return f"{one_line(hit.path)[:_PATH_CHARS]}:{lines}{symbol}"


def _numbered(place: Excerpt) -> str:
    """The lines under their numbers; where some between are left out, a line says so."""
    shown: list[str] = []
    after = None
    for number, text in place.lines:
        if after is not None and number != after:
            shown.append("       ...")
        shown.append(f"{number:6d}  {text}".rstrip())
        after = number + 1
    return "\n".join(shown)


def one_line(text: str) -> str:
    """`text` with whatever is not printable, line ends and lone surrogates included, as an escape."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)
