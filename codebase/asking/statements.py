"""Statements about a passage that can be checked letter by letter: where it is defined, what it says, who calls it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from codebase.asking.question import Question
from codebase.citations import Citation, Piece, Sentence
from codebase.index.corpus import Corpus
from codebase.index.links import Call, Links
from codebase.index.words import terms

_SIGNATURE_CHARS = 160
_QUOTED_CHARS = 240
_TELLING_LINES = 2
_LOOKED_AT = 2_000
_DOC_LINES = 4
_HEAD_LINES = 12
_ASIDE = ("@", "#", "//", "*", "/*")
_TYPES = re.compile(r"<[^<>]*>")
_SENTENCE = re.compile(r"(.+?[.!?])(?:\s|$)")
_ONLY_MARKS = re.compile(r"[\W_]*")
Lines = Sequence[str]


class Speaker:
    """Statements about places of a corpus. `lines_of`: a file's lines; `weights`: how much each term tells."""

    def __init__(self, corpus: Corpus, contents: Mapping[str, Lines], weights: Mapping[int, float]) -> None:
        self._corpus, self._contents, self._weights = corpus, contents, weights

    def definition(self, block: int, place: int) -> Iterator[Sentence]:
        """Where the place is defined, with the lines that say so."""
        name, path = plain_name(self._corpus.name(place)), self._corpus.path(place)
        at = self._named_line(place)
        if not name or at is None:
            return
        last, signature = self._signature(path, at)
        said = [Piece(name, "code"), Piece(" is defined as "), Piece(signature, "code"), Piece(".")]
        yield _sentence(block, said, [Citation(path, at, last), *self._owner(place)])

    def documentation(self, block: int, place: int, links: Links | None) -> Iterator[Sentence]:
        """The first sentence of what documents the place, or what of it stands on its first line."""
        number = place - int(self._corpus.first[int(self._corpus.file_of[place])])
        if links is None or number not in links.docs:
            return
        path = self._corpus.path(place)
        line, paragraph = links.docs[number]
        lines = self._contents.get(path, ())
        found = _SENTENCE.match(paragraph)
        sentence = (found[1] if found else paragraph)[:_QUOTED_CHARS]
        for last in range(line, min(line + _DOC_LINES, len(lines)) + 1):
            quoted = sentence
            if sentence not in " ".join(" ".join(lines[line - 1 : last]).split()):
                quoted = _shared(paragraph, lines[line - 1]) if last == min(line + _DOC_LINES, len(lines)) else ""
            if quoted:
                at = last if quoted == sentence else line
                said = [Piece("It is documented as "), Piece(quoted, "quote")]
                said += [] if quoted.endswith((".", "!", "?")) else [Piece(".")]
                yield _sentence(block, said, [Citation(path, line, at)])
                return

    def telling(self, block: int, place: int, links: Links | None) -> Iterator[Sentence]:
        """The lines of the place that have most to do with the question, each new word of it counted once."""
        start, end = (int(line) for line in self._corpus.spans[place])
        number = place - int(self._corpus.first[int(self._corpus.file_of[place])])
        doc = links.docs[number][0] if links is not None and number in links.docs else 0
        path, at = self._corpus.path(place), self._named_line(place)
        if at is not None:
            head = range(at, self._signature(path, at)[0] + 1)
            yield from self.lines(block, path, start, min(end, start + _LOOKED_AT), {doc, *head})
        else:
            yield from self.lines(block, path, start, end, {doc, *self._within(place)}, named=True)

    def lines(
        self, block: int, path: str, start: int, end: int, said: set[int], *, named: bool = False
    ) -> Iterator[Sentence]:
        """The most telling lines from `start` to `end`, without those `said` already; `named`: with the file's name."""
        own = self._contents.get(path, ())[start - 1 : end]
        taken: set[int] = set()
        for _ in range(_TELLING_LINES):
            worth = [self._worth(line, taken) if start + at not in said else 0.0 for at, line in enumerate(own)]
            at = max(range(len(own)), key=lambda one: (worth[one], -one), default=0)
            if not own or worth[at] <= 0:
                return
            said.add(start + at)
            taken |= set(terms(own[at]))
            text = _cut(own[at].strip(), _QUOTED_CHARS)
            cited = [Citation(path, start + at, start + at)]
            subject = [Piece(path, "code"), Piece(" reads ")] if named else [Piece("It reads ")]
            yield _sentence(block, [*subject, Piece(text, "code"), Piece(".")], cited)

    def call(self, block: int, place: int, call: Call) -> Iterator[Sentence]:
        """That a place calls something, with the line that does."""
        path, name = self._corpus.path(place), plain_name(self._corpus.name(place))
        lines = self._contents.get(path, ())
        if not 1 <= call.line <= len(lines):
            return
        text = _cut(lines[call.line - 1].strip(), _SIGNATURE_CHARS)
        last = call.name.rpartition(".")[2]
        if re.search(rf"(?<![\w$]){re.escape(last)}(?![\w$])", text) is None:
            return
        cited = [Citation(path, call.line, call.line)]
        said = [Piece(" calls "), Piece(last, "code"), Piece(": "), Piece(text, "code"), Piece(".")]
        at = self._named_line(place)
        if name and at is not None:
            cited += [Citation(path, at, at), *self._owner(place)]
            yield _sentence(block, [Piece(name, "code"), *said], cited)
        else:
            yield _sentence(block, [Piece(path, "code"), *said], cited)

    def _within(self, place: int) -> Iterator[int]:
        """The lines of the definitions in a file: they are not its own."""
        for other in self._corpus.places_of(int(self._corpus.file_of[place])):
            if other != place:
                start, end = (int(line) for line in self._corpus.spans[other])
                yield from range(start, end + 1)

    def _worth(self, line: str, taken: set[int]) -> float:
        if len(line) > 1_000 or _ONLY_MARKS.fullmatch(line):
            return 0.0
        return sum(self._weights.get(term, 0.0) for term in set(terms(line)) - taken)

    def _named_line(self, place: int) -> int | None:
        """The line that names a definition."""
        name, path = plain_name(self._corpus.name(place)), self._corpus.path(place)
        if not name:
            return None
        word = re.compile(rf"(?<![\w$]){re.escape(name.rpartition('.')[2])}(?![\w$])")
        start, end = (int(line) for line in self._corpus.spans[place])
        lines = self._contents.get(path, ())
        for at in range(start, min(end, start + _HEAD_LINES, len(lines)) + 1):
            if not lines[at - 1].lstrip().startswith(_ASIDE) and word.search(lines[at - 1]):
                return at
        return None

    def _signature(self, path: str, at: int) -> tuple[int, str]:
        """A definition's head from the line that names it: its last line and its text; one line where it is long."""
        lines = self._contents.get(path, ())
        text = ""
        for last in range(at, min(at + _HEAD_LINES, len(lines)) + 1):
            text = f"{text} {lines[last - 1].strip()}".strip()
            if len(text) > _SIGNATURE_CHARS:
                break
            if text.count("(") <= text.count(")"):
                return last, text.rstrip("{:").strip()
        return at, _cut(lines[at - 1].strip().rstrip("{:").strip(), _SIGNATURE_CHARS)

    def _owner(self, place: int) -> list[Citation]:
        """The lines that name the definitions around a place, so that its whole name stands in what is cited."""
        name = plain_name(self._corpus.name(place))
        file = int(self._corpus.file_of[place])
        found: list[Citation] = []
        around = name.rpartition(".")[0]
        own = self._named_line(place)
        while around:
            for other in self._corpus.places_of(file):
                at = self._named_line(other) if plain_name(self._corpus.name(other)) == around else None
                if at is not None and at != own:
                    found.append(Citation(self._corpus.paths[file], at, at))
                    break
            around = around.rpartition(".")[0]
        return found


def plain_name(name: str) -> str:
    """A definition's name without the types it is given: `Match<'a, T>.new` is `Match.new`."""
    shorter = _TYPES.sub("", name)
    return name if shorter == name else plain_name(shorter)


def _sentence(block: int, pieces: Sequence[Piece], citations: Sequence[Citation]) -> Sentence:
    return Sentence(block, "item", tuple(pieces), tuple(dict.fromkeys(citations)))


def _shared(paragraph: str, line: str) -> str:
    """The part of a documenting paragraph that stands on this line of the file."""
    bare = line.strip().strip("/*#!\"'` \t").removeprefix('r"""').strip()
    squeezed = " ".join(bare.split())
    if not squeezed or not re.search(r"\w", squeezed):
        return ""
    return squeezed if squeezed in paragraph else ""


def _cut(text: str, chars: int) -> str:
    """The text up to a place where no word is cut."""
    if len(text) <= chars:
        return text
    return re.sub(r"[\w$]+$", "", text[:chars]).rstrip() or text[:chars]


def weights(question: Question, rarity: Mapping[int, float]) -> dict[int, float]:
    """How much each term of the question tells: its word's weight by its rarity."""
    return {
        term: word.weight * rarity.get(term, 0.0)
        for word in question.words
        for term in word.terms
        if rarity.get(term, 0.0) > 0
    }
