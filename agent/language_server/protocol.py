"""The Language Server Protocol as far as it is needed: messages in bytes, places, definitions and findings in messages.

Pure, standard library only, Python 3.9: it is sent into the box. Source: https://microsoft.github.io/
language-server-protocol/specifications/lsp/3.17/specification/. Nothing a server says is taken for well-formed.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

Json = dict[str, Any]
Span = tuple[str, int, int]
Symbol = tuple[str, str, int, int, int]

HEADER_LIMIT = 4096
MESSAGE_LIMIT = 16 << 20
TOTAL_LIMIT = 64 << 20
MESSAGE_CHARS = 400
KINDS = {5: "class", 6: "function", 9: "function", 10: "class", 11: "class", 12: "function", 23: "class"}
SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}


class Trouble(Exception):
    """Why there is no answer, in words for the reader of the answer."""


def frame(message: Json) -> bytes:
    """A message as the protocol sends it."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Parser:
    """Bytes in, messages out. Trouble for what is no message or larger than the limits."""

    def __init__(self) -> None:
        self._held = b""
        self._total = 0

    def feed(self, data: bytes) -> list[Json]:
        self._total += len(data)
        if self._total > TOTAL_LIMIT:
            raise Trouble(f"it sent more than {TOTAL_LIMIT >> 20} MiB")
        self._held += data
        messages: list[Json] = []
        while True:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                if len(self._held) > HEADER_LIMIT:
                    raise Trouble("it does not speak the protocol")
                return messages
            match = re.search(rb"(?im)^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", self._held[: end + 2])
            if end > HEADER_LIMIT or match is None:
                raise Trouble("it does not speak the protocol")
            size = int(match.group(1))
            if size > MESSAGE_LIMIT:
                raise Trouble(f"it sent a message of {size} bytes")
            if len(self._held) < end + 4 + size:
                return messages
            body, self._held = self._held[end + 4 : end + 4 + size], self._held[end + 4 + size :]
            try:
                message = json.loads(body.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                raise Trouble("it sent what is not JSON") from None
            if isinstance(message, dict):
                messages.append(message)


def uri_of(path: str) -> str:
    """The address of an absolute path."""
    return "file://" + quote(os.fsencode(path))


def path_in(root: str, uri: Any) -> str | None:
    """The path below `root` that a file address means, None for any other address."""
    try:
        parts = urlsplit(uri)
    except (ValueError, TypeError, AttributeError):
        return None
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = os.path.normpath(unquote(parts.path))
    inside = os.path.relpath(path, root) if path.startswith("/") and "\0" not in path else ".."
    return None if inside == "." or inside.split("/")[0] == ".." else inside


def units(text: str, column: int) -> int:
    """A column in characters as the protocol counts it, in UTF-16 code units."""
    return len(text[:column].encode("utf-16-le", "surrogatepass")) // 2


def column_of(text: str, name: str) -> int | None:
    """Where the last part of `name` stands in a line as a word, None when it does not."""
    whole = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    last = re.split(r"\.|::|->", name)[-1]
    if whole:
        return whole.end() - len(last)
    word = re.search(rf"(?<!\w){re.escape(last)}(?!\w)", text) if last else None
    return word.start() if word else None


def number(value: Any, least: int = 0, most: int = 10_000_000) -> int | None:
    """A whole number between the two, None for anything else."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and least <= value <= most else None


def lines_of(span: Any) -> tuple[int, int] | None:
    """First and last line of the protocol's range, from 1; None for anything else."""
    if not isinstance(span, dict):
        return None
    ends = [span.get(key) for key in ("start", "end")]
    found = [number(end.get("line")) if isinstance(end, dict) else None for end in ends]
    if found[0] is None or found[1] is None or found[1] < found[0]:
        return None
    return found[0] + 1, found[1] + 1


def locations(root: str, result: Any) -> tuple[list[Span], int]:
    """Places of a definition or reference answer (Location, LocationLink, one or a list): (path, first, last line), and
    how many lay outside of the tree or were no places."""
    items = result if isinstance(result, list) else [] if result is None else [result]
    places: list[Span] = []
    outside = 0
    for item in items[:20_000]:
        item = item if isinstance(item, dict) else {}
        path = path_in(root, item.get("uri", item.get("targetUri")))
        span = lines_of(item.get("range", item.get("targetSelectionRange")))
        if path is None or span is None:
            outside += 1
        elif (path, span[0]) not in [(known[0], known[1]) for known in places[-200:]]:
            places.append((path, span[0], span[1]))
    return places, outside


def symbols(result: Any, above: str = "", depth: int = 0) -> list[Symbol]:
    """Definitions of a documentSymbol answer, flat or nested: (qualified name, kind, first, last line, line of the
    name), outer ones first."""
    found: list[Symbol] = []
    for item in result[:5_000] if isinstance(result, list) and depth < 20 else []:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            continue
        location = item.get("location")
        span = lines_of(item.get("range", location.get("range") if isinstance(location, dict) else None))
        named = lines_of(item.get("selectionRange")) or span
        if span is None or named is None:
            continue
        container = item.get("containerName")
        outer = above or (container if isinstance(container, str) else "")
        name = (outer + "." if outer else "") + item["name"][:200]
        code = number(item.get("kind"))
        kind = KINDS.get(code) if code is not None else None
        if kind:
            found.append((name, kind, span[0], span[1], named[0]))
        found += symbols(item.get("children"), name if kind else above, depth + 1)
    return found


def diagnostics_of(path: str, items: Any, most: int) -> list[Json]:
    """Findings of a publishDiagnostics notification, errors first."""
    found: list[Json] = []
    for item in items[:5_000] if isinstance(items, list) else []:
        span = lines_of(item.get("range")) if isinstance(item, dict) else None
        if span is None or not isinstance(item.get("message"), str):
            continue
        severity = item.get("severity")
        severity = SEVERITIES.get(severity, "error") if isinstance(severity, int) else "error"
        if severity == "hint":  # about taste, such as a name that is never used
            continue
        code = item.get("code")
        code = str(code)[:80] if isinstance(code, (str, int)) else ""
        message = " ".join(item["message"].split())[:MESSAGE_CHARS]
        found.append({"path": path, "line": span[0], "severity": severity, "message": message, "code": code})
    order = list(SEVERITIES.values())
    found.sort(key=lambda one: (order.index(one["severity"]), one["line"]))
    return found[:most]
