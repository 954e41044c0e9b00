"""The repository's files as pages, so that a citation can be followed without a network. Pure."""

from __future__ import annotations

from codebase.wiki.model import Citation
from codebase.wiki.rendering import Site, shell
from codebase.wiki.text import html, one_line

MOST_LINES = 20_000
MOST_CHARACTERS = 1 << 20
LONGEST_LINE = 2_000


def shown_lines(data: bytes | None) -> list[str]:
    """The lines of a file that its page shows: all of most files, none of a binary one."""
    if data is None or b"\0" in data[:8192]:
        return []
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\n")
    if not text:
        return []
    if len(text) <= MOST_CHARACTERS and text.count("\n") < MOST_LINES:
        lines = text.split("\n")
        if max(map(len, lines)) <= LONGEST_LINE:
            return lines
    shown: list[str] = []
    room = MOST_CHARACTERS
    for line in text.split("\n", MOST_LINES)[:MOST_LINES]:
        shown.append(line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "…")
        room -= len(shown[-1])
        if room < 0:
            break
    return shown


def source_page(path: str, data: bytes | None, site: Site) -> str:
    """A file as an HTML document with an anchor for each line, and `end` behind the last."""
    lines = shown_lines(data)
    outside = site.outside(Citation(path))
    parts = ['<p><a href="../index.html">Overview</a>']
    if outside is not None:
        parts.append(f' · <a href="{html(outside)}" rel="noreferrer">This file at the forge</a>')
    parts.append("</p>")
    if lines:
        body = "\n".join(f'<i id="L{number}">{html(line)}</i>' for number, line in enumerate(lines, start=1))
        parts.append(
            f'<div class="scroll" tabindex="0" role="region" aria-label="{html(one_line(path))}">'
            f'<pre class="source">{body}</pre></div>'
        )
    parts.append(f'<p id="end" class="note">{html(_end(lines, data))}</p>')
    return shell(path, site, "\n".join(parts), up="../")


def _end(lines: list[str], data: bytes | None) -> str:
    if data is None:
        return "The file is too large to be shown, or could not be read."
    if b"\0" in data[:8192]:
        return f"A binary file of {len(data):,} bytes, not shown."
    total = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    if total > len(lines):
        return f"{total - len(lines):,} more lines are not shown."
    return "End of the file." if total else "The file is empty."
