"""All pages of a wiki, from what is known of a commit. Pure: the same commit gives the same pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codebase.wiki.entry_page import entries_page
from codebase.wiki.model import Page, Paragraph
from codebase.wiki.overview import files_page, index_page, parts_page
from codebase.wiki.part_pages import part_page
from codebase.wiki.past_pages import changes_page, people_page
from codebase.wiki.readiness_page import readiness_page
from codebase.wiki.survey import Survey
from codebase.wiki.testing_page import testing_page
from codebase.wiki.working import glossary_page, rules_page


def pages(survey: Survey, prose: Mapping[int, Sequence[Paragraph]] | None = None) -> list[Page]:
    """The pages, the overview first. `prose`: by the index of a part, what was written about it."""
    written = prose or {}
    found = [
        index_page(survey),
        parts_page(survey) if survey.parts else None,
        entries_page(survey),
        testing_page(survey),
        readiness_page(survey.known.readiness) if survey.known.readiness is not None else None,
        rules_page(survey.known),
        people_page(survey),
        changes_page(survey),
        glossary_page(survey),
    ]
    shown = [page for page in found if page is not None]
    shown += [part_page(survey, number, written.get(number, ())) for number in range(len(survey.parts))]
    cited = [citation for page in shown for citation in page.citations()]
    return [*shown, files_page(survey.known, cited)]
