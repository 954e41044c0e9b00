"""Pages from the history: who knows what, what changes together, where most work goes. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from codebase.history.hot_spots import hot_spots
from codebase.history.past import Past
from codebase.history.people import who_knows
from codebase.history.together import pairs
from codebase.wiki.model import Block, Citation, Code, Note, Page, Row, Section, Table, To
from codebase.wiki.survey import Survey

_MOST_PEOPLE = 4
_MOST_RULES = 60
_MOST_PAIRS = 40
_LEAST_SHARE = 0.03


def people_page(survey: Survey) -> Page | None:
    sections = []
    known = survey.known
    if known.facts.owners:
        rows = tuple(
            Row(
                ((Code(rule.pattern),), (", ".join(rule.owners) or "nobody",)),
                (Citation(rule.where.path, rule.where.line, rule.where.line),),
            )
            for rule in known.facts.owners[:_MOST_RULES]
        )
        blocks: list[Block] = [
            Note("Of several rules that match a path, the last one counts."),
            Table(("paths", "owners"), rows),
        ]
        if len(known.facts.owners) > _MOST_RULES:
            blocks.append(Note(f"{len(known.facts.owners) - _MOST_RULES} more rules are not listed."))
        sections.append(Section("Owners", tuple(blocks)))
    if known.past is not None:
        table = _who_knows(survey, known.past)
        if table is not None:
            note = Note(
                "By the lines people added, each counting half as much for every two years before the newest commit; "
                "commits of bots and of mass reformatting are left out."
            )
            sections.append(Section("Who knows what", (note, table)))
    if not sections:
        return None
    return Page("people", "Owners and who knows what", tuple(sections), chapter="People")


def _who_knows(survey: Survey, past: Past) -> Table | None:
    rows = []
    for number, part in enumerate(survey.parts):
        folder = part.folder.strip("/")
        single = len(part.paths) == 1
        # Files without a folder of their own are known by their files, not by what lies beside them.
        if not single and (part.grouped or part.title != folder):
            continue
        people = [
            one
            for one in who_knows(past, part.paths[0] if single else folder, most=_MOST_PEOPLE)
            if one.share >= _LEAST_SHARE
        ]
        if people:
            said = "; ".join(f"{person.name} ({person.share:.0%}, last {_date(person.last)})" for person in people)
            where = Citation(part.paths[0]) if single else Citation(part.folder)
            rows.append(Row(((To(part.title, survey.pages[number]),), (said,)), (where,)))
    return Table(("part", "people, with their share"), tuple(rows)) if rows else None


def changes_page(survey: Survey) -> Page | None:
    past = survey.known.past
    if past is None or not past.changes:
        return None
    blobs = survey.known.blobs
    lines = {path: blob.lines for path, blob in blobs.items() if not blob.generated}
    sections = []
    there = survey.known.contents.files
    together = [pair for pair in pairs(past, most=_MOST_PAIRS) if all(path in there for path in pair.paths)]
    if together:
        rows = tuple(
            Row(
                (
                    (Citation(pair.paths[0]),),
                    (Citation(pair.paths[1]),),
                    (f"{pair.together} of {pair.changes[0]} and {pair.changes[1]} changes",),
                ),
                tuple(Citation(path) for path in pair.paths),
            )
            for pair in together
        )
        note = Note("Who changes one of these should look at the other. Changes of more than 30 files are not counted.")
        sections.append(Section("What changes together", (note, Table(("file", "with", "how often"), rows))))
    code = {path for part in survey.parts if part.role == "code" for path in part.paths}
    hot = hot_spots(past, {path: long for path, long in lines.items() if path in code})
    if hot:
        rows = tuple(
            Row(
                ((Citation(spot.path),), (f"{spot.changes:,}",), (f"{spot.lines:,}",), (f"{spot.score:.0%}",)),
                (Citation(spot.path),),
            )
            for spot in hot
        )
        note = Note("Large files that are changed often, lately above all; heat is the share of the hottest one's.")
        sections.append(Section("Hot spots", (note, Table(("file", "changes", "lines", "heat"), rows))))
    if not sections:
        return None
    span = f"{past.commits:,} commits from {_date(past.first)} to {_date(past.last)} were read."
    sections.append(Section("What was read", (Note(span),)))
    return Page("changes", "What changes", tuple(sections), chapter="Changes")


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(max(0, seconds), UTC).strftime("%Y-%m-%d")
