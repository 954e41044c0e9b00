"""Texts from outside, marked as data: a fence their author cannot close, with where they come from."""

from __future__ import annotations

import hashlib


def quote(text: str, source: str) -> str:
    """Fences `text`. The mark is a hash of the text, so no text can contain the line that ends its own fence."""
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    origin = " ".join(source.split())[:200].replace(">", "")
    return f"<data {mark} from: {origin}>\n{text.rstrip()}\n</data {mark}>"


def shorten(text: str, chars: int) -> str:
    """At most about `chars` characters of `text`: its head and its tail, and how much is missing between them."""
    if len(text) <= chars:
        return text
    head, tail = text[: chars * 2 // 3], text[len(text) - chars // 3 :]
    return f"{head}\n[... {len(text) - len(head) - len(tail):,} characters left out ...]\n{tail}"
