"""The page one opens first, the page of all parts, and the page of all folders. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from codebase.languages import count_languages
from codebase.wiki.entry_page import at
from codebase.wiki.known import Known
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
    Quoted,
    Row,
    Section,
    Sentence,
    Table,
    To,
)
from codebase.wiki.readme import find_readme, first_paragraph
from codebase.wiki.references import FILES_PAGE, folder_anchor
from codebase.wiki.survey import Survey
from codebase.wiki.uses import drawn_arrows

ROOT = Citation("/")
_MOST_FOLDERS = 2_000
_MOST_LANGUAGES = 8
_MOST_PROGRAMS = 3
_MOST_CENTRAL = 4
_MOST_EXAMPLES = 3


def index_page(survey: Survey) -> Page:
    known = survey.known
    sections = [Section("How the parts connect", _map(survey))] if survey.parts else []
    begin = _begin(survey)
    if begin:
        sections.append(Section("Where to begin", (Listing(begin),)))
    sections.append(Section("Size", _size(known)))
    return Page("index", known.name, (*_said(known), *sections), chapter="Overview")


def _begin(survey: Survey) -> tuple[Sentence, ...]:
    """The first things to know: how it is started and tested, and the parts that most others use."""
    found = []
    for entry in [one for one in survey.entries if one.kind == "program"][:_MOST_PROGRAMS]:
        target: tuple[Piece, ...] = (" starts in ", Code(entry.leads_to)) if entry.leads_to else (" is a program",)
        found.append(Sentence(("The program ", Code(entry.name), *target, "."), (at(entry),)))
    for command in survey.known.facts.test_commands[:1]:
        where = Citation(command.where.path, command.where.line, command.where.line)
        found.append(Sentence(("It is tested with ", Code(command.command), "."), (where,)))
    users: dict[int, list[int]] = defaultdict(list)
    for start, end in sorted(survey.uses):
        if survey.parts[start].role == "code" and survey.parts[end].role == "code":
            users[end].append(start)
    for end in sorted(users, key=lambda end: (-len(users[end]), end))[:_MOST_CENTRAL]:
        if len(users[end]) > 1:
            of = f" is used by {len(users[end])} of the {sum(1 for part in survey.parts if part.role == 'code')} parts."
            examples = tuple(survey.uses[start, end].examples[0] for start in users[end][:_MOST_EXAMPLES])
            found.append(Sentence((To(survey.parts[end].title, survey.pages[end]), of), examples))
    return tuple(found)


def _said(known: Known) -> tuple[Section, ...]:
    readme = find_readme(known.contents.files)
    found = first_paragraph(known.contents.lines(readme)) if readme is not None else None
    if readme is None:
        return (Section("What it is", (Note("The repository has no README, so nothing here says what it is for."),)),)
    if found is None:
        said = Note("No paragraph of prose was found at the top of the README.")
        pointer = Sentence(("The README stands in ", Code(readme), "."), (Citation(readme),))
        return (Section("What it is", (Paragraph((pointer,)), said)),)
    start, end, text = found
    quoted = Sentence(("The README says: ", Quoted(text)), (Citation(readme, start, end),))
    return (Section("What it is", (Paragraph((quoted,)),)),)


def _map(survey: Survey) -> tuple[Block, ...]:
    parts = survey.parts
    drawn = [number for number, part in enumerate(parts) if part.role == "code"]
    arrows = drawn_arrows(survey.uses, drawn)
    common = shared_folder(part.folder for part in parts if part.role == "code")
    boxes = tuple(
        Box(
            str(number), box_label(parts[number].title, common), _count(len(parts[number].paths), "file"),
            survey.pages[number],
        )
        for number in drawn
    )  # fmt: skip
    drawing = Drawing(
        f"Parts of {survey.known.name} and which uses which",
        boxes,
        tuple(Arrow(str(start), str(end), weight) for (start, end), weight in sorted(arrows.items())),
    )
    whole = sum(1 for pair in survey.uses if set(drawn).issuperset(pair))
    notes = ["An arrow leads from a part to one that it uses; dashed, where it closes a circle."]
    if common:
        notes.append(f"Every box lies in {common}, which is left out of the names.")
    if whole > len(arrows):
        notes.append(
            f"{whole - len(arrows)} of {whole} arrows are not drawn, most because they follow from others; the page "
            "Parts lists all."
        )
    grouped = [part.title for part in parts if part.grouped and part.role == "code"]
    if grouped:
        notes.append(f"Grouped into one box, to keep the drawing readable: {', '.join(grouped)}.")
    beside = sum(1 for part in parts if part.role != "code")
    if beside:
        notes.append("Tests, examples, scripts and documentation are not drawn.")
    return drawing, Note(" ".join(notes))


def shared_folder(folders: Iterable[str]) -> str:
    """The folder that all of these lie in, with a slash at its end; empty for the root."""
    split = [folder.strip("/").split("/") for folder in folders]
    shared: list[str] = []
    for names in zip(*split, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return "".join(f"{name}/" for name in shared if name)


def box_label(title: str, common: str = "") -> str:
    """A title that fits a box: without the folder `common` to all, and of a long path its end, which tells it apart."""
    title = title.removeprefix(common) or title
    if len(title) <= 26 or "/" not in title:
        return title
    kept = title.split("/")
    while len(kept) > 1 and len("/".join(kept)) > 24:
        kept = kept[1:]
    return "…/" + "/".join(kept)


def _size(known: Known) -> tuple[Block, ...]:
    counts = count_languages(known.contents.files)
    lines: Counter[str] = Counter()
    for path, blob in known.blobs.items():
        for language in count_languages([path]):
            lines[language] += blob.lines
    rows = tuple(
        Row((_cell(language), _cell(f"{files:,}"), _cell(f"{lines[language]:,}" if lines[language] else "")), (ROOT,))
        for language, files in list(counts.items())[:_MOST_LANGUAGES]
    )
    total = Sentence((f"{_count(len(known.contents.files), 'file')} in all.",), (ROOT,))
    blocks: list[Block] = [Paragraph((total,))]
    if rows:
        blocks.append(Table(("language", "files", "lines"), rows))
    if len(counts) > _MOST_LANGUAGES:
        blocks.append(Note(f"{len(counts) - _MOST_LANGUAGES} more languages have fewer files."))
    return tuple(blocks)


def parts_page(survey: Survey) -> Page:
    sections = []
    for role, title in (("code", "The code"), ("tests", "Its tests"), ("around", "Beside the code")):
        rows = []
        for number, part in enumerate(survey.parts):
            if part.role == role:
                about = survey.about(part)
                where = about.citations if about else (whole(part.folder, part.paths),)
                size = f"{_count(len(part.paths), 'file')}, {survey.lines_in(part):,} lines"
                rows.append(
                    Row(((To(part.title, survey.pages[number]),), about.pieces if about else (), (size,)), where)
                )
        if rows:
            sections.append(Section(title, (Table(("part", "what it says it is", "size"), tuple(rows)),)))
    uses = [
        Row(
            (
                (To(survey.parts[start].title, survey.pages[start]),),
                (To(survey.parts[end].title, survey.pages[end]),),
                _cell(str(use.files)),
            ),
            tuple(use.examples[:1]),
        )
        for (start, end), use in sorted(survey.uses.items())
        if survey.parts[start].role == "code"
    ]
    if uses:
        table = Table(("part", "uses", "in files"), tuple(uses))
        note = Note(
            "By imports that lead to a file of this repository; in Go, Java and C# also by calls within a folder. The "
            "place is the first of them."
        )
        sections.append(Section("Who uses whom", (note, table)))
    return Page("parts", "Parts", tuple(sections), chapter="Parts")


def whole(folder: str, paths: Sequence[str]) -> Citation:
    """A part as a whole: its one file, else its folder."""
    return Citation(paths[0]) if len(paths) == 1 else Citation(folder)


def files_page(known: Known, cited: Sequence[Citation]) -> Page:
    """All folders, those that are cited in any case; where citations of folders lead."""
    below: dict[str, int] = defaultdict(int)
    direct: dict[str, list[str]] = defaultdict(list)
    for path in known.contents.files:
        folder = path.rpartition("/")[0]
        direct[folder].append(path)
        while True:
            below[folder] += 1
            if not folder:
                break
            folder = folder.rpartition("/")[0]
    wanted = {"": None} | dict.fromkeys(one.path.strip("/") for one in cited if one.path.endswith("/"))
    by_depth = sorted(below, key=lambda folder: (folder.count("/"), folder))
    shown = sorted({*wanted, *by_depth[:_MOST_FOLDERS]})
    rows = []
    for folder in shown:
        languages = count_languages(direct[folder]) if folder in direct else {}
        rows.append(
            Row(
                (
                    (Code(f"{folder}/"),),
                    _cell(f"{below.get(folder, 0):,}"),
                    _cell(", ".join(languages)),
                ),
                (Citation(f"{folder}/"),),
                anchor=folder_anchor(folder),
            )
        )
    blocks: list[Block] = [Table(("folder", "files below", "languages of its own files"), tuple(rows))]
    if len(below) > len(shown):
        blocks.append(Note(f"{len(below) - len(shown):,} deeper folders are not listed."))
    return Page(FILES_PAGE, "Folders", (Section("All folders", tuple(blocks)),), chapter="Folders")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _cell(text: str) -> tuple[Piece, ...]:
    return (text,) if text else ()
