"""What the repository has to check a change with, and what CI enforces of it: the readiness report as a page. Pure."""

from __future__ import annotations

from codebase.readiness import Assessment, Report
from codebase.wiki.model import Block, Citation, Listing, Note, Page, Row, Section, Sentence, Table

_MOST_SIGNS = 6


def readiness_page(report: Report) -> Page:
    """The kinds with evidence as a table; what was not found has no line to lead to, and is a note."""
    rows = tuple(
        Row(((one.kind,), (one.state,), (one.signs[0].text,)), _places(one)) for one in report.assessments if one.signs
    )
    blocks: list[Block] = [
        Note("Enforced: a CI file that runs for changes fails by it. Present: it is there, and no CI line runs it."),
    ]
    if rows:
        blocks.append(Table(("kind", "state", "evidence"), rows))
    for one in report.assessments:
        if not one.signs:
            blocks.append(Note(f"{one.kind}: {one.state}. {one.note}"))
    sections = [Section("Eight kinds of validation", tuple(blocks))]
    for one in report.assessments:
        items = tuple(
            Sentence((sign.text,), tuple(Citation(at.path, at.line, at.line) for at in (sign.trail or (sign.where,))))
            for sign in one.signs[:_MOST_SIGNS]
        )
        steps = [Note(f"{one.why} Next: {step}") for step in one.todo[:1]]
        if items:
            sections.append(Section(one.kind.capitalize(), (Listing(items), *steps)))
        elif steps:
            sections.append(Section(one.kind.capitalize(), tuple(steps)))
    return Page("readiness", "How a change is checked", tuple(sections), chapter="Checks")


def _places(one: Assessment) -> tuple[Citation, ...]:
    where = one.signs[0].where
    return (Citation(where.path, where.line, where.line),)
