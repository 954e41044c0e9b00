"""The page on building and testing: commands with the lines that speak for them, and where the tests are. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from codebase.facts import Facts
from codebase.source import Evidence
from codebase.wiki.model import Block, Citation, Code, Listing, Note, Page, Row, Section, Sentence, Table, To
from codebase.wiki.parts import Part
from codebase.wiki.survey import Survey

_MOST_ROWS = 60


def testing_page(survey: Survey) -> Page:
    facts = survey.known.facts
    found = [_tested_with(facts), _packages(facts), _other_commands(facts), _in_ci(facts), _tests(survey)]
    sections = tuple(section for section in found if section is not None)
    return Page("testing", "Building and testing", sections, chapter="Testing")


def _tested_with(facts: Facts) -> Section:
    rows = [
        Row(((Code(one.command),), (one.runner,)), (line_of(one.where),)) for one in facts.test_commands[:_MOST_ROWS]
    ]
    blocks: list[Block] = [Note("Nothing in the repository says how it is tested.")]
    if rows:
        blocks = [Note("The first is the one with the strongest evidence."), Table(("command", "runner"), tuple(rows))]
    return Section("Commands that test it", tuple(blocks))


def _packages(facts: Facts) -> Section | None:
    rows = [
        Row(
            ((one.name,), (one.language,), ("with exact versions",) if one.lock else ("without exact versions",)),
            (line_of(one.manifest), *([line_of(one.lock)] if one.lock else [])),
        )
        for one in facts.package_managers[:_MOST_ROWS]
    ]
    return _section("Where its dependencies come from", ("package manager", "language", "dependencies"), rows)


def _other_commands(facts: Facts) -> Section | None:
    rows = [
        Row(((Code(one.command),), (str(one.purpose),)), (line_of(one.where),)) for one in facts.commands[:_MOST_ROWS]
    ]
    return _section("Other commands", ("command", "for"), rows)


def _in_ci(facts: Facts) -> Section | None:
    rows = [
        Row(((Code(one.text),),), tuple(line_of(at) for at in one.trail[:4]))
        for one in facts.ci_commands[:_MOST_ROWS]
        if one.trail
    ]
    return _section("What CI runs", ("command",), rows)


def _section(title: str, head: tuple[str, ...], rows: Sequence[Row]) -> Section | None:
    return Section(title, (Table(head, tuple(rows)),)) if rows else None


def _tests(survey: Survey) -> Section | None:
    items = []
    for number, part in enumerate(survey.parts):
        if part.role != "tests":
            continue
        named = To(part.title, survey.pages[number])
        used = [
            (-use.files, end)
            for (start, end), use in survey.uses.items()
            if start == number and survey.parts[end].role == "code"
        ]
        if used:
            files, end = min(used)
            most = To(survey.parts[end].title, survey.pages[end])
            words = (named, f": {_count(part)}, of which {-files:,} use ", most, ".")
            items.append(Sentence(words, tuple(survey.uses[number, end].examples[:1])))
        else:
            items.append(Sentence((named, f": {_count(part)}."), (Citation(part.folder),)))
    return Section("Where the tests are", (Listing(tuple(items)),)) if items else None


def _count(part: Part) -> str:
    return "1 file" if len(part.paths) == 1 else f"{len(part.paths):,} files"


def line_of(where: Evidence) -> Citation:
    return Citation(where.path, where.line, where.line)
