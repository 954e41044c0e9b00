"""Pages as HTML that asks nobody for anything: style and drawings inline, no script, a policy that forbids the rest."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from codebase.wiki.drawing import svg
from codebase.wiki.model import (
    Block,
    Citation,
    Code,
    Drawing,
    Excerpt,
    Listing,
    Note,
    Page,
    Paragraph,
    Piece,
    Quoted,
    Row,
    Sentence,
    Table,
    To,
)
from codebase.wiki.text import html, one_line

STYLE = "".join((Path(__file__).parent / "style.css").read_text(encoding="utf-8").splitlines())
_IN_TICKS = re.compile(r"(?<!`)`{1,2}([^`\n]{1,200})`{1,2}(?!`)")
_BROAD, _NARROW = 860.0, 300.0  # how wide the boxes beside each other may be
_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages share. `chapters`: (page, word) of the navigation; `at`: what they were written from, for the
    footer; `href` gives a citation's address from a page at the top, `outside` the one at the forge, if any."""

    name: str
    chapters: tuple[tuple[str, str], ...]
    at: str
    href: Callable[[Citation], str]
    outside: Callable[[Citation], str | None]


def address(page: str) -> str:
    return f"{page}.html"


def shell(title: str, site: Site, content: str, *, here: str = "", up: str = "") -> str:
    """A whole document around `content`. `up`: how to get to the wiki's top from where it will lie, such as `../`."""
    current = ' aria-current="page"'
    name = html(one_line(site.name))
    chapters = "".join(
        f'<li><a href="{up}{html(address(page))}"{current if page == here else ""}>{html(word)}</a></li>'
        for page, word in site.chapters
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{html(one_line(title))} · {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#content">To the content</a>\n'
        f'<header><strong>{name}</strong><nav aria-label="Chapters"><ul>{chapters}</ul></nav></header>\n'
        f'<main id="content">\n<h1>{html(one_line(title))}</h1>\n{content}\n</main>\n'
        f"<footer><p>{html(site.at)}</p></footer>\n</body>\n</html>\n"
    )


def render(page: Page, site: Site) -> str:
    """A page as an HTML document."""
    drawings = iter(range(1, 1000))
    parts = [f"<p>{_sentences(page.lead, page, site)}</p>"] if page.lead else []
    for section in page.sections:
        parts.append(f"<h2>{html(one_line(section.title))}</h2>")
        parts += [_block(block, page, site, drawings) for block in section.blocks]
    return shell(page.title, site, "\n".join(parts), here=page.name)


def _block(block: Block, page: Page, site: Site, drawings: Iterator[int]) -> str:
    if isinstance(block, Note):
        return f'<p class="note">{_words(block.text)}</p>'
    if isinstance(block, Paragraph):
        said = _sentences(block.sentences, page, site)
        if block.written_by:
            by = (
                f"Written by {one_line(block.written_by, 80)}. Checked: its names, numbers and quotations stand in the "
                "lines it cites. Not checked: that what it says of them is true."
            )
            return f'<p class="by">{said}<small>{html(by)}</small></p>'
        return f"<p>{said}</p>"
    if isinstance(block, Listing):
        return f"<ul>{''.join(f'<li>{_sentence(item, page, site)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Excerpt):
        return f"<blockquote><pre>{html(block.text)}</pre>{_where([block.citation], page, site)}</blockquote>"
    if isinstance(block, Drawing):
        return _drawing(block, drawings)
    return _table(block, page, site)


def _drawing(drawing: Drawing, numbers: Iterator[int]) -> str:
    """The drawing twice, of which the style shows one: broad, and for a narrow window high."""
    title = html(drawing.title)
    return "".join(
        f'<div class="scroll {width}" tabindex="0" role="region" aria-label="{title}">'
        f"{svg(drawing, address, next(numbers), widest)}</div>"
        for width, widest in (("broad", _BROAD), ("narrow", _NARROW))
    )


def _table(table: Table, page: Page, site: Site) -> str:
    """A column that would be empty in every row is left out."""
    filled = [any(row.cells[column] for row in table.rows) for column in range(len(table.head))]
    places = [_where(_behind(row), page, site) for row in table.rows]
    head = [word for word, there in zip(table.head, filled, strict=True) if there]
    columns = "".join(f'<th scope="col">{html(word)}</th>' for word in [*head, *(["where"] if any(places) else [])])
    rows = "".join(
        _row(row, [cell for cell, there in zip(row.cells, filled, strict=True) if there], head, place, site)
        for row, place in zip(table.rows, places, strict=True)
    )
    return f"<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>"


def _behind(row: Row) -> list[Citation]:
    """The citations that are not among the row's words."""
    named = {piece for cell in row.cells for piece in cell if isinstance(piece, Citation)}
    return [one for one in row.citations if one not in named]


def _row(row: Row, cells: Sequence[tuple[Piece, ...]], head: Sequence[str], place: str, site: Site) -> str:
    drawn = [
        f"<td{_named(word)}>{_pieces(cell, site)}</td>" if cell else "<td></td>"
        for word, cell in zip(head, cells, strict=True)
    ]
    if place:
        drawn.append(f'<td class="where">{place}</td>')
    anchor = f' id="{html(row.anchor)}"' if row.anchor else ""
    return f"<tr{anchor}>{''.join(drawn)}</tr>"


def _named(word: str) -> str:
    """The column's name, which stands before the cell in a narrow window."""
    return f' data-head="{html(word)}"' if word else ""


def _sentences(sentences: Sequence[Sentence], page: Page, site: Site) -> str:
    return " ".join(_sentence(sentence, page, site) for sentence in sentences)


def _sentence(sentence: Sentence, page: Page, site: Site) -> str:
    named = [piece for piece in sentence.pieces if isinstance(piece, Citation)]
    behind = [one for one in sentence.citations if one not in named]
    return f"{_pieces(sentence.pieces, site)} {_where(behind, page, site)}".rstrip()


def _pieces(pieces: Sequence[Piece], site: Site) -> str:
    return "".join(_piece(piece, site) for piece in pieces)


def _piece(piece: Piece, site: Site) -> str:
    if isinstance(piece, Citation):
        return f'<a href="{html(site.href(piece))}"><code>{html(shown(piece))}</code></a>'
    if isinstance(piece, Code):
        return f"<code>{html(one_line(piece.text, 300))}</code>"
    if isinstance(piece, Quoted):
        return f"<q>{html(one_line(piece.text, 600))}</q>"
    if isinstance(piece, To):
        return f'<a href="{html(address(piece.page))}">{html(one_line(piece.text))}</a>'
    return _words(piece)


def _words(text: str) -> str:
    """Words in which code stands between back-ticks, as authors of comments write it."""
    parts = _IN_TICKS.split(text)
    return "".join(f"<code>{html(part)}</code>" if at % 2 else html(part) for at, part in enumerate(parts))


def _where(citations: Sequence[Citation], page: Page, site: Site) -> str:
    """The citations as links to the source; one that leads to the very page it stands on is no help."""
    links = []
    for citation in citations:
        href = site.href(citation)
        outside = site.outside(citation)
        link = (
            "" if href.startswith(f"{address(page.name)}#") else f'<a href="{html(href)}">{html(shown(citation))}</a>'
        )
        if outside is not None:
            # Out of the way of the keyboard: the source page offers the same link to it.
            said = html(f"{shown(citation)} at the forge")
            link += f'<a href="{html(outside)}" rel="noreferrer" tabindex="-1" aria-label="{said}" title="{said}">↗</a>'
        if link:
            links.append(link)
    return f'<span class="at">{" ".join(links)}</span>' if links else ""


def shown(citation: Citation) -> str:
    """A citation as people write it: `path:12-20`."""
    path = "all folders" if citation.path == "/" else one_line(citation.path, 120)
    if not citation.start:
        return path
    return f"{path}:{citation.start}" + (f"-{citation.end}" if citation.end > citation.start else "")
