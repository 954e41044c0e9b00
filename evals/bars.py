"""Horizontal bars as an SVG picture that reads in light and in dark. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10

_WIDTH, _ROW, _LEFT, _RIGHT = 760, 34, 190, 190


@dataclass(frozen=True, slots=True)
class Bar:
    """A name, its value above nought, and what is said behind it."""

    name: str
    value: float
    note: str = ""


def drawn(title: str, bars: Sequence[Bar]) -> str:
    """The picture; lengths grow with the logarithm, which its subtitle says."""
    highest = max((bar.value for bar in bars), default=1.0)
    lowest = min((bar.value for bar in bars), default=1.0) / 2
    height = 64 + _ROW * len(bars)
    rows = []
    for number, bar in enumerate(bars):
        y = 54 + number * _ROW
        share = log10(bar.value / lowest) / log10(highest / lowest) if highest > lowest else 1.0
        width = max(2.0, share * (_WIDTH - _LEFT - _RIGHT))
        kind = "own" if number == 0 else "peer"
        said = f"{bar.value:,.1f}".rstrip("0").rstrip(".") + (f" · {bar.note}" if bar.note else "")
        rows.append(
            f'<text x="{_LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(bar.name)}</text>'
            f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{width:.1f}" height="22" rx="3"/>'
            f'<text x="{_LEFT + width + 8:.1f}" y="{y + 16}">{escape(said)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title, quote=True)}" font-family="system-ui, sans-serif" font-size="14">\n'
        "<style>text{fill:#1f2328}.own{fill:#1a7f5a}.peer{fill:#8c959f}.small{font-size:12px;fill:#656d76}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.own{fill:#3fb68b}.peer{fill:#6e7681}"
        ".small{fill:#9198a1}}</style>\n"
        f'<text x="10" y="20" font-weight="600">{escape(title)}</text>\n'
        '<text class="small" x="10" y="40">logarithmic scale; shorter is faster</text>\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )
