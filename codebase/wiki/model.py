"""What a page of the wiki says, before it is HTML: statements that each stand on lines of the repository."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a statement comes from: lines `start` to `end` of a tracked file, from 1. Zero: the path as a whole, which
    may then be a folder (ending in `/`; the root is `/`)."""

    path: str
    start: int = 0
    end: int = 0

    def __post_init__(self) -> None:
        if not self.path or not 0 <= self.start <= self.end:
            raise ValueError(f"no place in a repository: {self.path!r} {self.start}-{self.end}")


@dataclass(frozen=True, slots=True)
class Code:
    """A name, a command or a path, as it is written there."""

    text: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words of the repository, not of the wiki."""

    text: str


@dataclass(frozen=True, slots=True)
class To:
    """A link to another page of the wiki, by its name."""

    text: str
    page: str


Piece = str | Code | Quoted | To | Citation
"""A citation among the words is the link itself, and is not repeated behind them."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A statement about the repository. ValueError without a citation: such a statement has no place in the wiki."""

    pieces: tuple[Piece, ...]
    citations: tuple[Citation, ...]

    def __post_init__(self) -> None:
        if not self.citations:
            raise ValueError(f"a statement without a citation: {self.pieces!r}")


@dataclass(frozen=True, slots=True)
class Note:
    """A statement about the wiki itself: what it left out, how a drawing is read."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    sentences: tuple[Sentence, ...]
    written_by: str = ""  # the model that wrote it; empty: nobody did, it was read off the code


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A table's row is a statement too. `anchor`: what links to the row name it by."""

    cells: tuple[tuple[Piece, ...], ...]
    citations: tuple[Citation, ...]
    anchor: str = ""

    def __post_init__(self) -> None:
        if not self.citations:
            raise ValueError(f"a row without a citation: {self.cells!r}")


@dataclass(frozen=True, slots=True)
class Table:
    """`head` names the cells; a last column for the citations is added when it is drawn."""

    head: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a file as they stand there."""

    text: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class Box:
    """A node of a drawing: `page` is where a click leads, empty for nowhere; `strong` marks the page's own subject."""

    key: str
    label: str
    below: str
    page: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """From the one that uses to the one that is used, `weight` times."""

    start: str
    end: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Drawing:
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


Block = Paragraph | Listing | Table | Excerpt | Drawing | Note


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """`name` is the file's name without `.html`. `chapter`: it stands in every page's navigation, under that word."""

    name: str
    title: str
    sections: tuple[Section, ...]
    chapter: str = ""
    lead: tuple[Sentence, ...] = field(default=())

    def citations(self) -> list[Citation]:
        """Every citation of the page, each once, in the order they first stand there."""
        found: dict[Citation, None] = {}
        for sentence in self.lead:
            found.update(dict.fromkeys(sentence.citations))
        for section in self.sections:
            for block in section.blocks:
                found.update(dict.fromkeys(_of_block(block)))
        return list(found)


def _of_block(block: Block) -> list[Citation]:
    if isinstance(block, Paragraph):
        return [one for sentence in block.sentences for one in sentence.citations]
    if isinstance(block, Listing):
        return [one for item in block.items for one in item.citations]
    if isinstance(block, Table):
        return [one for row in block.rows for one in row.citations]
    return [block.citation] if isinstance(block, Excerpt) else []
