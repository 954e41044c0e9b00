"""The report as Markdown, for a pull request or a wiki page."""

from __future__ import annotations

from collections.abc import Callable

from codebase.readiness.assessment import Assessment, Sign
from codebase.readiness.report import Report
from codebase.source import Evidence


def as_markdown(report: Report, link: Callable[[Evidence], str] | None = None) -> str:
    """A table of the eight kinds, then each with evidence, reason and next steps. `link`: a place's address."""
    lines = [
        "# Readiness for an agent",
        "",
        f"{report.summary}. Judged for {_plain(report.language or 'no language')}.",
        "",
        "| Kind | State | Evidence |",
        "|---|---|---|",
    ]
    for one in report.assessments:
        first = _said(one.signs[0], link) if one.signs else "nothing found"
        lines.append(f"| {one.kind} | {one.state} | {first.replace('|', chr(92) + '|')} |")
    for one in report.assessments:
        lines += ["", *_section(one, link)]
    if report.blind:
        lines += ["", "## What could not be read", "", *(f"- {_plain(text)}" for text in report.blind)]
    return "\n".join(lines) + "\n"


def _section(one: Assessment, link: Callable[[Evidence], str] | None) -> list[str]:
    lines = [f"## {one.kind[0].upper()}{one.kind[1:]}: {one.state}", "", one.why, ""]
    lines += [f"- {_said(sign, link)}" for sign in one.signs]
    lines += [f"- {_plain(one.note)}"] if one.note else []
    lines += ["", "Next:", "", *(f"- {step}" for step in one.todo)] if one.todo else []
    return lines


def _said(sign: Sign, link: Callable[[Evidence], str] | None) -> str:
    places = " → ".join(_place(place, link) for place in sign.trail or (sign.where,))
    return f"{_plain(sign.text)} ({places})"


def _place(place: Evidence, link: Callable[[Evidence], str] | None) -> str:
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(place)).replace(
        "`", "'"
    )
    return f"[`{shown}`]({link(place)})" if link else f"`{shown}`"


def _plain(text: str) -> str:
    """One line in which nothing from a repository becomes a heading, a link, an image, HTML or a mention."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    quoted = line.split("`")
    for index in range(0, len(quoted), 2):
        part = quoted[index]
        for sign in "\\[]<>*_#!":
            part = part.replace(sign, f"\\{sign}")
        quoted[index] = part.replace("@", "@\u200b")
    return "`".join(quoted) if len(quoted) % 2 else "'".join(quoted)
