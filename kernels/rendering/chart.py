"""A report drawn: times, speed-up with its interval beside what can be told apart, errors beside what is allowed. Pure.

One SVG without script, outer files or foreign text but names in its labels; its colours suit light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from kernels.rendering.words import error, seconds, share, speedup, title

_WIDTH, _LEFT, _RIGHT = 720, 210, 90
_ROW, _HEAD = 30, 44
_MOST_KINDS = 12
_LABEL = 27
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.h{font-weight:600;font-size:14px}.m{fill:#59636e}"
    ".b{fill:#8c959f}.c{fill:#0969da}.w{stroke:#0969da;stroke-width:2.5}.z{fill:#818b9833}.a{stroke:#818b98}"
    ".x{fill:#cf222e}.g{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}.b{fill:#6e7681}.c{fill:#4493f8}"
    ".w{stroke:#4493f8}.x{fill:#f85149}.g{fill:#0d1117}}"
)


def chart(document: Mapping[str, Any]) -> str:
    """An SVG document, 720 wide and as high as needed. A report without numbers gives its verdict alone."""
    y = 16.0
    parts: list[str] = []
    for draw in (_times, _ratio, _errors):
        drawn = list(draw(document, y))
        if drawn:
            y += float(drawn[0])
            parts += drawn[1:]
    if not parts:
        parts.append(_text(16, y + 22, title(document), "h"))
        y += 40
    height = math.ceil(y + 8)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'role="img" aria-labelledby="t d"><title id="t">{_safe(title(document))}</title>'
        f'<desc id="d">{_safe(_spoken(document))}</desc><style>{_STYLE}</style>'
        f'<rect class="g" width="{_WIDTH}" height="{height}"/>{"".join(parts)}</svg>'
    )


def _times(document: Mapping[str, Any], top: float) -> Iterator[Any]:
    """First the height taken, then the parts; as the two below."""
    timing = document.get("timing")
    if timing is None:
        return
    told = timing.get("baselines") or [{"name": timing["baseline"], "seconds": timing["baseline_s"]}]
    rows = [(f"baseline: {one['name']}", float(one["seconds"]), "b") for one in told if one.get("seconds")]
    rows.append(("candidate", float(timing["candidate_s"]), "c"))
    yield _HEAD + _ROW * len(rows)
    yield _text(16, top + 20, "Median time of a call", "h")
    longest = max(taken for _, taken, _ in rows)
    for number, (name, taken, kind) in enumerate(rows):
        y = top + 34 + number * _ROW
        width = max(1.0, (_WIDTH - _LEFT - _RIGHT) * taken / longest)
        yield _text(16, y + 15, _short(name))
        yield f'<rect class="{kind}" x="{_LEFT}" y="{y:g}" width="{width:.1f}" height="20" rx="2"/>'
        yield _text(_LEFT + width + 8, y + 15, seconds(taken), "m")


def _ratio(document: Mapping[str, Any], top: float) -> Iterator[Any]:
    timing = document.get("timing")
    if timing is None:
        return
    low, high = timing["interval_95"]
    ratio, effect = timing["speedup"], timing["smallest_effect"]
    if not all(isinstance(one, float | int) and one > 0 for one in (low, high, ratio)):
        return
    least = math.log(min(low, 1 - min(effect, 0.5), 0.9)) * 1.1
    most = math.log(max(high, 1 + effect, 1.1)) * 1.1

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (math.log(value) - least) / (most - least)

    yield _HEAD + _ROW + 24
    yield _text(16, top + 20, "Speed-up, 95% interval", "h")
    y = top + 34
    left, right = x(max(1 - effect, math.exp(least))), x(1 + effect)
    yield f'<rect class="z" x="{left:.1f}" y="{y:g}" width="{right - left:.1f}" height="24"/>'
    yield f'<line class="a" x1="{x(1):.1f}" x2="{x(1):.1f}" y1="{y:g}" y2="{y + 30:g}"/>'
    yield f'<line class="w" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y + 12:g}" y2="{y + 12:g}"/>'
    yield f'<circle class="c" cx="{x(ratio):.1f}" cy="{y + 12:g}" r="5"/>'
    yield _text(16, y + 16, speedup(timing))
    yield _text(x(1), y + 44, "1", "m", "middle")
    yield _text(_WIDTH - 16, top + 20, f"grey: cannot be told from the baseline ({share(effect)})", "m", "end")


def _errors(document: Mapping[str, Any], top: float) -> Iterator[Any]:
    found = document.get("correctness")
    kinds: Sequence[Mapping[str, Any]] = found.get("kinds", ()) if found else ()
    if not kinds:
        return
    shown = kinds[:_MOST_KINDS]
    yield _HEAD + _ROW * len(shown) + 18
    yield _text(16, top + 20, "Error, as a share of what is allowed", "h")
    room = _WIDTH - _LEFT - _RIGHT
    for number, one in enumerate(shown):
        y = top + 34 + number * _ROW
        part, right = one["share_of_allowed"], one["passed"] == one["cells"]
        width = room if part is None or not right else max(1.0, room * min(1.0, part))
        yield _text(16, y + 15, _short(one["inputs"]))
        yield f'<rect class="z" x="{_LEFT}" y="{y:g}" width="{room}" height="20" rx="2"/>'
        yield f'<rect class="{"c" if right else "x"}" x="{_LEFT}" y="{y:g}" width="{width:.1f}" height="20" rx="2"/>'
        yield _text(_LEFT + room + 8, y + 15, error(one["error"]) if right else "wrong", "m")
    end = top + 34 + _ROW * len(shown)
    hidden = f" {len(kinds) - len(shown)} more kinds of inputs are not drawn." if len(kinds) > len(shown) else ""
    yield _text(16, end + 10, f"The numbers: the largest relative error.{hidden}", "m")


def _spoken(document: Mapping[str, Any]) -> str:
    """The drawing for those who do not see it."""
    parts = [title(document)]
    timing, found = document.get("timing"), document.get("correctness")
    if timing is not None:
        parts.append(f"candidate {seconds(timing['candidate_s'])}, baseline {seconds(timing['baseline_s'])} a call")
    if found is not None:
        parts.append(f"{found['passed']} of {found['cells']} cells right")
    return "; ".join(parts)


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    placed = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}{placed}>{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape("".join(one if one.isprintable() else " " for one in text))


def _short(text: str) -> str:
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"
