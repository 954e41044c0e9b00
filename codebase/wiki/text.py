"""Words of unknown origin made fit for a page: nothing in them can act, turn the reading direction or be endless."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from html import escape

# Direction marks can make code read otherwise than it runs (CVE-2021-42574, "Trojan Source").
_STEERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u2028\u2029]")
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_ROLE = re.compile(r"(?<!\w):(?:\w+:){1,3}`~?")  # Sphinx's :mod:`name`
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[`A-Z0-9])")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|etc|vs|cf|approx|Mr|Dr|St|No|resp)\.$", re.IGNORECASE)


def plain(text: str) -> str:
    """Text without control characters, lone surrogates and direction marks; tabs and newlines stay."""
    return _CONTROL.sub(_REPLACED, _STEERING.sub(_REPLACED, text))


def one_line(text: str, longest: int = 200) -> str:
    """Text on one line of at most `longest` characters, cut with an ellipsis."""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"


def html(text: str) -> str:
    """Text as HTML: as content or as a quoted attribute's value."""
    return escape(plain(text), quote=True)


def first_sentence(text: str, longest: int = 200) -> str:
    """The first sentence of a paragraph, on one line, without the roles that Sphinx gives to names."""
    flat = _ROLE.sub("`", " ".join(plain(text).split()))
    start = 0
    for match in _SENTENCE_END.finditer(flat):
        if not _ABBREVIATION.search(flat[start : match.start()]):
            return one_line(flat[: match.start()], longest)
    return one_line(flat, longest)


def slug(text: str, *, longest: int = 48) -> str:
    """A file's name for `text`, of small letters, digits and hyphens; different texts have different ones."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:longest].strip("-")
    if words and words == text:
        return words
    mark = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{words}-{mark}" if words else mark
