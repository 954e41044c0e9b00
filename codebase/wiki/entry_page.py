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
_INDEX_FILES = ("index.ts", "index.tsx", "index.js", "index.mjs")


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
    """What the outermost packages (Python's `__init__.py`, JavaScript's `index`) hand on from their modules."""
    for path in _outermost(survey):
        links = survey.known.links.get(path)
        is_script = not path.endswith(".py")
        text = survey.known.contents.lines(path) if is_script else []
        lines: dict[str, list[int]] = defaultdict(list)
        names: dict[str, list[str]] = defaultdict(list)
        for one in links.imports if links is not None else ():
            public = [name for name in (one.known or one.names) if not name.startswith("_") and name != "*"]
            if is_script and not (text[one.line - 1 : one.line] or [""])[0].startswith("export"):
                continue
            if one.names and public and one.module not in ("__future__", "typing"):
                lines[one.module].append(one.line)
                names[one.module] += public
        for module, found in names.items():
            said = ", ".join(found[:_MOST_NAMES]) + (", …" if len(found) > _MOST_NAMES else "")
            where = tuple(Citation(path, line, line) for line in (lines[module][0], lines[module][-1]))
            yield Row(((Code(path),), (Code(said),), (Code(module),)), tuple(dict.fromkeys(where)))


def _outermost(survey: Survey) -> list[str]:
    """The files by which packages are imported; a package within a package is reached through that."""
    code = [path for part in survey.parts if part.role == "code" for path in part.paths]
    packages = [path for path in code if path.rpartition("/")[2] in ("__init__.py", *_INDEX_FILES)]
    folders = {path.rpartition("/")[0] for path in packages}
    found = []
    for path in sorted(packages, key=lambda path: (path.count("/"), path)):
        above = path.rpartition("/")[0].split("/")
        if not any("/".join(above[:depth]) in folders for depth in range(1, len(above))):
            found.append(path)
    return found[:_MOST_FILES]


def _of_libraries(survey: Survey) -> Iterator[Row]:
    """The public names of files that are a library by their name, and of a Go module's top folder."""
    outermost = {path for path in _outermost(survey) if not path.endswith(".py")}
    for names in survey.names:
        for name in names:
            base = name.path.rpartition("/")[2]
            if name.path in outermost or base == "lib.rs" or (base == name.path and base.endswith(".go")):
                yield Row(((Code(name.path),), (Code(name.name),), ()), (Citation(name.path, name.start, name.end),))
