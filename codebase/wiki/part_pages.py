"""A page for each part: what it says it is, its files, its public names, who uses it and whom it uses. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from codebase.history.together import companions
from codebase.instructions import owners_of
from codebase.wiki.model import (
    Arrow,
    Block,
    Box,
    Citation,
    Code,
    Drawing,
    Listing,
    Note,
    Page,
    Paragraph,
    Piece,
    Row,
    Section,
    Sentence,
    Table,
    To,
)
from codebase.wiki.overview import box_label, whole
from codebase.wiki.public import Name
from codebase.wiki.survey import FILES_READ, Survey
from codebase.wiki.text import first_sentence

_MOST_FILES = 80
_MOST_NAMES = 80
_MOST_NEIGHBOURS = 6
_MOST_USES = 40
_MOST_TESTS = 20
_MOST_COMPANIONS = 8
_LEAST_TOGETHER = 3


def part_page(survey: Survey, number: int, prose: Sequence[Paragraph] = ()) -> Page:
    """`prose`: what somebody wrote about the part, each sentence with its citations."""
    part = survey.parts[number]
    sections = [
        Section("In short", tuple(prose)) if prose else None,
        _neighbours(survey, number),
        _names(survey, number),
        _files(survey, number),
        _uses(survey, number),
        _tests(survey, number),
        _companions(survey, number),
        _owners(survey, number),
    ]
    return Page(
        survey.pages[number], part.title, tuple(one for one in sections if one is not None), lead=_lead(survey, number)
    )


def _lead(survey: Survey, number: int) -> tuple[Sentence, ...]:
    part = survey.parts[number]
    about = survey.about(part)
    size = f"{len(part.paths):,} {'file' if len(part.paths) == 1 else 'files'}, {survey.lines_in(part):,} lines."
    sized = Sentence((size,), (whole(part.folder, part.paths),))
    return (about, sized) if about is not None else (sized,)


def _neighbours(survey: Survey, number: int) -> Section | None:
    """The part in the middle, those that use it most above, those it uses most below."""
    users = _heaviest(survey, [(start, use) for (start, end), use in _weights(survey).items() if end == number])
    used = _heaviest(survey, [(end, use) for (start, end), use in _weights(survey).items() if start == number])
    if not users and not used:
        return None
    shown = dict.fromkeys([number, *users, *used])
    boxes = tuple(
        Box(
            str(one),
            box_label(survey.parts[one].title),
            "",
            "" if one == number else survey.pages[one],
            strong=one == number,
        )
        for one in shown
    )
    arrows = [Arrow(str(one), str(number)) for one in users] + [Arrow(str(number), str(one)) for one in used]
    blocks: list[Block] = [Drawing(f"What uses {survey.parts[number].title}, and what it uses", boxes, tuple(arrows))]
    return Section("Where it stands", tuple(blocks))


def _weights(survey: Survey) -> dict[tuple[int, int], int]:
    return {pair: use.files for pair, use in survey.uses.items()}


def _heaviest(survey: Survey, found: list[tuple[int, int]]) -> list[int]:
    code = [one for one in found if survey.parts[one[0]].role == "code"]
    return [other for other, _ in sorted(code, key=lambda one: (-one[1], one[0]))[:_MOST_NEIGHBOURS]]


def _names(survey: Survey, number: int) -> Section | None:
    names = survey.names[number]
    if not names or survey.parts[number].role == "tests":
        return None
    ranked = sorted(names, key=lambda name: (name.kind != "class", name.path, name.start))
    documented = [name for name in ranked if _doc(survey, name)]
    rest = [name for name in ranked if not _doc(survey, name)]
    chosen = frozenset((documented + rest)[:_MOST_NAMES])
    rows = tuple(
        Row(((Code(name.name),), (name.kind,), _doc(survey, name)), (Citation(name.path, name.start, name.end),))
        for name in sorted(chosen, key=lambda name: (name.path, name.start))
    )
    blocks: list[Block] = [Table(("name", "kind", "what it says it does"), rows)]
    if len(names) > len(rows):
        blocks.append(Note(f"{len(names) - len(rows):,} more public names are not listed."))
    return Section("Public names", tuple(blocks))


def _doc(survey: Survey, name: Name) -> tuple[Piece, ...]:
    doc = survey.known.first_doc(name.path, name.place)
    said = first_sentence(doc[1]) if doc is not None else ""
    return (said,) if said else ()


def _files(survey: Survey, number: int) -> Section | None:
    part = survey.parts[number]
    if len(part.paths) == 1:
        return None
    known = survey.known
    users: dict[str, int] = {}
    for used in survey.graph.values():
        for path in used:
            users[path] = users.get(path, 0) + 1
    shown = sorted(part.paths, key=lambda path: (-users.get(path, 0), -known.lines_of(path), path))[:_MOST_FILES]
    rows = []
    for path in sorted(shown):
        doc = known.first_doc(path)
        said = first_sentence(doc[1]) if doc is not None else ""
        where = Citation(path, doc[0], doc[0]) if doc is not None and said else Citation(path)
        inner = path.removeprefix(part.folder.lstrip("/"))
        rows.append(Row(((Code(inner),), (f"{known.lines_of(path):,}",), (said,) if said else ()), (where,)))
    blocks: list[Block] = [Table(("file", "lines", "what it says it is"), tuple(rows))]
    if len(part.paths) > len(shown):
        blocks.append(
            Note(f"{len(part.paths) - len(shown):,} more files are not listed: those that fewest others use.")
        )
    if len(part.paths) > FILES_READ:
        blocks.append(Note(f"Public names were looked for in the {FILES_READ} longest files."))
    return Section("Files", tuple(blocks))


def _uses(survey: Survey, number: int) -> Section | None:
    rows = []
    for (start, end), use in sorted(survey.uses.items()):
        if number in (start, end):
            other = end if start == number else start
            rows.append(
                Row(
                    (
                        ("uses" if start == number else "is used by",),
                        (To(survey.parts[other].title, survey.pages[other]),),
                        (f"in {use.files:,} {'file' if use.files == 1 else 'files'}",),
                    ),
                    tuple(use.examples),
                )
            )
    rows.sort(key=lambda row: row.cells[0] != ("uses",))
    if not rows:
        return None
    blocks: list[Block] = [Table(("", "part", "how much"), tuple(rows[:_MOST_USES]))]
    if len(rows) > _MOST_USES:
        blocks.append(Note(f"{len(rows) - _MOST_USES} more are not listed."))
    return Section("Uses", tuple(blocks))


def _tests(survey: Survey, number: int) -> Section | None:
    """Test files that use a file of the part, by the same graph."""
    part = survey.parts[number]
    if part.role != "code":
        return None
    own = frozenset(part.paths)
    found = []
    for other in survey.parts:
        for path in other.paths if other.role == "tests" else ():
            lines = [(line, used) for used, line in survey.graph.get(path, {}).items() if used in own]
            if lines:
                line, used = min(lines)
                found.append((path, len(lines), line, used))
    if not found:
        return None
    found.sort(key=lambda one: (-one[1], one[0]))
    items = tuple(
        Sentence((Code(path), " uses ", Code(used), "." if files == 1 else f" and {files - 1} more of its files."),
                 (Citation(path, line, line),))
        for path, files, line, used in found[:_MOST_TESTS]
    )  # fmt: skip
    blocks: list[Block] = [Listing(items)]
    if len(found) > _MOST_TESTS:
        blocks.append(Note(f"{len(found) - _MOST_TESTS} more test files use it."))
    return Section("Tests that use it", tuple(blocks))


def _companions(survey: Survey, number: int) -> Section | None:
    """Files of other parts that were changed along with this one."""
    part, past = survey.parts[number], survey.known.past
    if past is None or part.role != "code" or len(part.paths) > FILES_READ:
        return None
    rows = [
        Row(((Citation(one.path),), (f"in {one.together:,} of {one.of:,} changes",)), (Citation(one.path),))
        for one in companions(past, part.paths, least=_LEAST_TOGETHER, most=_MOST_COMPANIONS)
        if one.path in survey.known.contents.files
    ]
    return Section("Changes along with it", (Table(("file", "how often"), tuple(rows)),)) if rows else None


def _owners(survey: Survey, number: int) -> Section | None:
    part = survey.parts[number]
    rules = survey.known.facts.owners
    found: dict[tuple[str, ...], str] = {}
    for path in part.paths[:FILES_READ] if rules else ():
        owners = owners_of(path, rules)
        if owners:
            found.setdefault(owners, path)
    if not found:
        return None
    where = {rule.owners: Citation(rule.where.path, rule.where.line, rule.where.line) for rule in rules}
    items = tuple(
        Sentence((Code(path), " and what goes with it belong to ", ", ".join(owners), "."), (where[owners],))
        for owners, path in list(found.items())[:10]
    )
    return Section("Owners", (Listing(items),))
