"""The page of entry points: programs, main functions, commands, routes, and what packages hand out. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from codebase.wiki.entries import Entry
from codebase.wiki.model import Block, Citation, Code, Note, Page, Row, Section, Table
from codebase.wiki.survey import Survey

_MOST_ROWS = 100
_MOST_FILES = 12
_MOST_NAMES = 40
_KINDS = {
    "program": ("Programs", "What an installed package puts on the path."),
    "main": ("Main functions", "Where a program begins."),
    "command": ("Commands", "What a program takes as its first words."),
    "route": ("Routes", "What is answered over HTTP."),
}
_HOW = (
    "Found by the forms the usual frameworks give them, in the code that was read; what is registered in other ways is "
    "missing here."
)
_LIBRARY_FILES = ("lib.rs", "index.ts", "index.js", "index.mjs")


def entries_page(survey: Survey) -> Page | None:
    by_kind: dict[str, list[Entry]] = defaultdict(list)
    for entry in survey.entries:
        by_kind[entry.kind].append(entry)
    sections = []
    for kind, (title, about) in _KINDS.items():
        entries = by_kind.get(kind, [])
        if not entries:
            continue
        rows = tuple(
            Row(((Code(entry.name),), (Code(entry.leads_to),) if entry.leads_to else ()), (at(entry),))
            for entry in entries[:_MOST_ROWS]
        )
        blocks: list[Block] = [Note(about), Table(("name", "leads to"), rows)]
        if len(entries) > _MOST_ROWS:
            blocks.append(Note(f"{len(entries) - _MOST_ROWS:,} more are not listed."))
        sections.append(Section(title, tuple(blocks)))
    handed_out = [*_of_packages(survey), *_of_libraries(survey)]
    if handed_out:
        rows = tuple(handed_out[:_MOST_ROWS])
        blocks = [Note("What others get who import it."), Table(("file", "names", "from"), rows)]
        if len(handed_out) > _MOST_ROWS:
            blocks.append(Note(f"{len(handed_out) - _MOST_ROWS:,} more are not listed."))
        sections.append(Section("What the packages hand out", tuple(blocks)))
    if not sections:
        return None
    sections.append(Section("How they were found", (Note(_HOW),)))
    return Page("entry-points", "Entry points", tuple(sections), chapter="Entry points")


def at(entry: Entry) -> Citation:
    return Citation(entry.path, entry.line, entry.line)


def _of_packages(survey: Survey) -> Iterator[Row]:
    """What the outermost Python packages take in from their modules, module by module."""
    inits = {path for part in survey.parts if part.role == "code" for path in part.paths if _is_init(path)}
    # A package within a package is reached through it.
    outer = [path for path in inits if f"{path.rpartition('/')[0].rpartition('/')[0]}/__init__.py" not in inits]
    for path in sorted(outer, key=lambda path: (path.count("/"), path))[:_MOST_FILES]:
        links = survey.known.links.get(path)
        lines: dict[str, list[int]] = defaultdict(list)
        names: dict[str, list[str]] = defaultdict(list)
        for one in links.imports if links is not None else ():
            public = [name for name in (one.known or one.names) if not name.startswith("_") and name != "*"]
            if one.names and public and one.module not in ("__future__", "typing"):
                lines[one.module].append(one.line)
                names[one.module] += public
        for module, found in names.items():
            said = ", ".join(found[:_MOST_NAMES]) + (", …" if len(found) > _MOST_NAMES else "")
            where = tuple(Citation(path, line, line) for line in (lines[module][0], lines[module][-1]))
            yield Row(((Code(path),), (Code(said),), (Code(module),)), tuple(dict.fromkeys(where)))


def _is_init(path: str) -> bool:
    return path.endswith("/__init__.py")


def _of_libraries(survey: Survey) -> Iterator[Row]:
    """The public names of files that are a library by their name, and of a Go module's top folder."""
    for names in survey.names:
        for name in names:
            base = name.path.rpartition("/")[2]
            if base in _LIBRARY_FILES or (base == name.path and base.endswith(".go")):
                yield Row(((Code(name.path),), (Code(name.name),), ()), (Citation(name.path, name.start, name.end),))
