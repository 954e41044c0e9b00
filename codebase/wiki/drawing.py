"""A drawing as SVG that stands in a page: boxes that are links, arrows from user to used. Pure."""

from __future__ import annotations

from collections.abc import Callable

from codebase.wiki.layout import Line, Placed, lay_out
from codebase.wiki.model import Box, Drawing
from codebase.wiki.text import html, one_line

LONGEST_LABEL = 26
_LETTER = 7.9  # width of a letter of the label's 13 px monospaced font: 0.6 em, and a little
_SMALL_LETTER = 6.7
_PADDING = 22.0


def label_width(text: str) -> float:
    """How wide a label is at most, in SVG user units. Letters that are not ASCII may be twice as wide."""
    return sum(_LETTER if sign.isascii() else 2 * _LETTER for sign in text)


def svg(drawing: Drawing, href: Callable[[str], str], number: int, widest: float) -> str:
    """The drawing; `href` gives the address of a page, `number` tells the drawings of one page apart;
    `widest`: how wide the boxes beside each other may be."""
    labels = {box.key: one_line(box.label, LONGEST_LABEL) for box in drawing.boxes}
    below = {box.key: one_line(box.below, LONGEST_LABEL) for box in drawing.boxes}
    widths = {
        key: _PADDING + max(label_width(label), label_width(below[key]) * _SMALL_LETTER / _LETTER)
        for key, label in labels.items()
    }
    arrows = [(arrow.start, arrow.end, arrow.weight) for arrow in drawing.arrows]
    layout = lay_out(widths, arrows, widest)
    by_key = {box.key: box for box in drawing.boxes}
    size = f'width="{layout.width:g}" height="{layout.height:g}" viewBox="0 0 {layout.width:g} {layout.height:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="group" aria-labelledby="drawing-{number}">',
        f'<title id="drawing-{number}">{html(drawing.title)}</title>',
        f'<defs><marker id="head-{number}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0.5 8 4 0 7.5z"/></marker></defs>',
        *(_line(line, number) for line in layout.lines),
        *(_box(by_key[placed.key], placed, labels[placed.key], below[placed.key], href) for placed in layout.boxes),
        "</svg>",
    ]
    return "\n".join(parts)


def _line(line: Line, number: int) -> str:
    (x, y), *rest = line.points
    path = f"M{x:g} {y:g}"
    for index, (x2, y2) in enumerate(rest):
        middle = (y + y2) / 2
        # The first piece bends between two layers; a second one is the straight lane through a layer.
        path += f"C{x:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}" if index == 0 else f"L{x2:g} {y2:g}"
        x, y = x2, y2
    kind = "line back" if line.back else "line"
    head = f' marker-end="url(#head-{number})"' if line.head else ""
    return f'<path class="{kind}" d="{path}"{head}/>'


def _box(box: Box, placed: Placed, label: str, below: str, href: Callable[[str], str]) -> str:
    middle = placed.x + placed.width / 2
    top = placed.y + (19 if below else 27)
    inside = (
        f'<rect class="{"box strong" if box.strong else "box"}" x="{placed.x:g}" y="{placed.y:g}" '
        f'width="{placed.width:g}" height="{placed.height:g}" rx="6"/>'
        f'<text class="label" x="{middle:g}" y="{top:g}" text-anchor="middle">{html(label)}</text>'
    )
    if below:
        inside += f'<text class="below" x="{middle:g}" y="{placed.y + 35:g}" text-anchor="middle">{html(below)}</text>'
    if not box.page:
        return f"<g>{inside}</g>"
    said = html(f"{one_line(box.label)}, {one_line(box.below)}" if below else one_line(box.label))
    return f'<a href="{html(href(box.page))}" aria-label="{said}">{inside}</a>'
