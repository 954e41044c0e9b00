"""What several pages are about, worked out once: the parts, who uses whom, public names, entry points, terms. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codebase.index.grammars import grammar_for
from codebase.wiki.entries import Entry, entries_in, programs
from codebase.wiki.glossary import Term, candidates, chosen, words_in
from codebase.wiki.known import Known
from codebase.wiki.model import Citation, Sentence
from codebase.wiki.parts import Part, find_parts, role_of
from codebase.wiki.public import Name, public_names
from codebase.wiki.readme import find_readme, first_paragraph
from codebase.wiki.text import first_sentence, slug
from codebase.wiki.uses import Use, calls_in_folders, joined, uses_between

FILES_READ = 200  # of a part; of more files, the longest
_BYTES_READ = 16 << 20  # of a part
_PROGRAM_FILES = ("pyproject.toml", "Cargo.toml", "package.json", "setup.cfg")
_MOST_PROGRAM_FILES = 200


@dataclass(frozen=True)
class Survey:
    """By the index of a part: the name of its page, the files that were `read`, their public `names`, its `uses` of
    others. `graph`: path to the files it uses, each with the line."""

    known: Known
    parts: Sequence[Part]
    pages: Sequence[str]
    read: Sequence[Sequence[str]]
    names: Sequence[Sequence[Name]]
    uses: Mapping[tuple[int, int], Use]
    graph: Mapping[str, Mapping[str, int]]
    entries: Sequence[Entry]
    terms: Sequence[Term]

    def lines_in(self, part: Part) -> int:
        return sum(self.known.lines_of(path) for path in part.paths)

    def about(self, part: Part) -> Sentence | None:
        """What a part says it is: the docstring of its package or its one file, else the README beside it."""
        known = self.known
        for path in _speaking(part):
            doc = known.first_doc(path)
            if doc is not None and first_sentence(doc[1]):
                return Sentence((first_sentence(doc[1]),), (Citation(path, doc[0], doc[0]),))
        folder = part.folder.rstrip("/")
        readme = find_readme(known.contents.files, folder) if folder and len(part.paths) > 1 else None
        if readme is not None:
            found = first_paragraph(known.contents.lines(readme))
            if found is not None:
                return Sentence((first_sentence(found[2]),), (Citation(readme, found[0], found[1]),))
        return None


def _speaking(part: Part) -> list[str]:
    """The files whose documentation speaks for the whole part."""
    if len(part.paths) == 1:
        return list(part.paths)
    if part.grouped:
        return []
    mains = ("__init__.py", "mod.rs", "lib.rs", "main.rs", "doc.go", "index.ts", "index.js", "package-info.java")
    inner = part.folder.lstrip("/")
    last = part.folder.strip("/").rpartition("/")[2]
    wanted = [f"{inner}{name}" for name in (*mains, f"{last}.go")]
    wanted += [f"{inner}src/{name}" for name in ("lib.rs", "main.rs", "index.ts")]
    own = frozenset(part.paths)
    return [path for path in wanted if path in own]


def survey(known: Known) -> Survey:
    """Reads what the pages need of the files, some 200 of each part."""
    # A folder may have changed since it was indexed: what is gone is left out.
    there = known.contents.files
    code = {
        path: one.lines
        for path, one in known.blobs.items()
        if grammar_for(path) and not one.generated and path in there
    }
    graph = joined(known.imports, calls_in_folders(known.blobs, known.links))
    parts = find_parts(code, graph, known.name)
    read: list[list[str]] = []
    names: list[list[Name]] = []
    entries = _programs(known)
    named = candidates(known.blobs, [path for part in parts if part.role == "code" for path in part.paths])
    wanted = {name.encode("ascii"): name for name in named}
    stands_in: Counter[str] = Counter()
    for part in parts:
        files = _read_of(known, part)
        known.contents.load(files)
        read.append(files)
        names.append([])
        for path in files:
            lines = known.contents.lines(path)
            stands_in.update(wanted[word] for word in words_in(known.contents.read(path) or b"") if word in wanted)
            if part.role != "tests":
                names[-1] += public_names(path, known.blobs[path], lines)
            grammar = grammar_for(path)
            if part.role == "code" and grammar is not None:
                entries += entries_in(path, grammar.name, lines)
    return Survey(
        known, parts, _page_names(parts), read, names, uses_between(parts, graph), graph, entries,
        chosen(named, stands_in, known.blobs),
    )  # fmt: skip


def _read_of(known: Known, part: Part) -> list[str]:
    """The files of a part that are read, in the order of their paths."""
    ranked = sorted(part.paths, key=lambda path: (-known.lines_of(path), path))[:FILES_READ]
    room = _BYTES_READ
    chosen = []
    for path in ranked:
        room -= known.contents.files[path].size
        if room >= 0:
            chosen.append(path)
    return sorted(chosen)


def _programs(known: Known) -> list[Entry]:
    paths = [path for path in known.contents.files if path.rpartition("/")[2] in _PROGRAM_FILES]
    paths = [path for path in paths if role_of(path, known.name) == "code"][:_MOST_PROGRAM_FILES]
    known.contents.load(paths)
    return [entry for path in sorted(paths) for entry in programs(path, "\n".join(known.contents.lines(path)))]


def _page_names(parts: Sequence[Part]) -> list[str]:
    found: dict[str, None] = {}
    for part in parts:
        name = f"part-{slug(part.title)}"
        while name in found:
            name += "-x"
        found[name] = None
    return list(found)
