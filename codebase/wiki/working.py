"""How one works here: what the repository asks of its authors, and its terms. Pure."""

from __future__ import annotations

from codebase.wiki.known import Known
from codebase.wiki.model import (
    Citation,
    Code,
    Excerpt,
    Listing,
    Note,
    Page,
    Row,
    Section,
    Sentence,
    Table,
    To,
)
from codebase.wiki.survey import Survey
from codebase.wiki.text import first_sentence, plain

_MOST_ROWS = 100
_MOST_FILES = 12
_EXCERPT_LINES = 12
_EXCERPT_WIDTH = 200


def rules_page(known: Known) -> Page | None:
    """What the repository asks of those who change it."""
    facts = known.facts
    sections = []
    for instruction in facts.instructions[:_MOST_FILES]:
        scope = f"for {instruction.scope}/" if instruction.scope else "for everything"
        said = Sentence((Code(instruction.path), f" speaks {scope}. It begins:"), (Citation(instruction.path),))
        sections.append(Section(instruction.path, (Listing((said,)), excerpt(known, instruction.path))))
    if facts.template_path is not None:
        said = Sentence(("Pull requests begin from ", Code(facts.template_path), "."), (Citation(facts.template_path),))
        sections.append(Section("Pull requests", (Listing((said,)), excerpt(known, facts.template_path))))
    if not sections:
        return None
    return Page("rules", "What is asked of authors", tuple(sections), chapter="Rules")


def excerpt(known: Known, path: str) -> Excerpt:
    """The first lines of a file that are not empty, as they stand there."""
    lines = known.contents.lines(path)
    start = next((number for number, line in enumerate(lines, start=1) if line.strip()), 1)
    shown = lines[start - 1 : start - 1 + _EXCERPT_LINES]
    while shown and not shown[-1].strip():
        shown.pop()
    text = "\n".join(line[:_EXCERPT_WIDTH] for line in shown)
    return Excerpt(plain(text), Citation(path, start, start + max(0, len(shown) - 1)))


def glossary_page(survey: Survey) -> Page | None:
    homes = {path: number for number, part in enumerate(survey.parts) for path in part.paths}
    rows = []
    for term in sorted(survey.terms, key=lambda term: (term.name.lower(), term.path)):
        doc = survey.known.first_doc(term.path, term.place)
        said = first_sentence(doc[1]) if doc is not None else ""
        home = homes[term.path]
        rows.append(
            Row(
                (
                    (Code(term.name),),
                    (said,) if said else (),
                    (To(survey.parts[home].title, survey.pages[home]),),
                    (f"{term.files:,}",),
                ),
                (Citation(term.path, term.start, term.end),),
            )
        )
    if not rows:
        return None
    note = Note("Types that are defined here and stand in at least three files, with what they say of themselves.")
    table = Table(("term", "what it says it is", "part", "in files"), tuple(rows))
    return Page("glossary", "Glossary", (Section("Terms of this codebase", (note, table)),), chapter="Glossary")
