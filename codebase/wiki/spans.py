"""The lines of a part that are worth reading first: what an author is shown who is to write about it. Pure."""

from __future__ import annotations

from collections import Counter

from codebase.wiki.model import Citation
from codebase.wiki.survey import Survey

_MOST_LINES = 320
_FILE_LINES = 12
_NAME_LINES = 16
_MOST_FILES = 6
_MOST_NAMES = 14
_MOST_USES = 6


def spans_of(survey: Survey, number: int) -> list[Citation]:
    """Spans of the part's files: how they begin, its public names, where it uses others; a few hundred lines in all."""
    part, known = survey.parts[number], survey.known
    users = Counter(path for used in survey.graph.values() for path in used)
    files = sorted(part.paths, key=lambda path: (-users[path], path))[:_MOST_FILES]
    spans = [Citation(path, 1, min(_FILE_LINES, known.lines_of(path))) for path in files if known.lines_of(path)]
    names = sorted(
        survey.names[number],
        key=lambda name: (known.first_doc(name.path, name.place) is None, name.kind != "class", name.path, name.start),
    )
    spans += [
        Citation(name.path, name.start, min(name.end, name.start + _NAME_LINES - 1)) for name in names[:_MOST_NAMES]
    ]
    uses = [use for (start, _), use in sorted(survey.uses.items()) if start == number]
    spans += [use.examples[0] for use in sorted(uses, key=lambda use: -use.files)[:_MOST_USES]]
    return _merged(spans)


def _merged(spans: list[Citation]) -> list[Citation]:
    """The spans without overlaps, file by file, as long as there is room."""
    found: list[Citation] = []
    room = _MOST_LINES
    for span in sorted(dict.fromkeys(spans), key=lambda one: (one.path, one.start)):
        last = found[-1] if found else None
        if last is not None and last.path == span.path and span.start <= last.end + 1:
            room -= max(0, span.end - last.end)
            found[-1] = Citation(span.path, last.start, max(last.end, span.end))
        elif room > 0:
            room -= span.end - span.start + 1
            found.append(span)
    return found
