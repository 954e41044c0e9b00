"""An author's text as sentences with the places they cite. Pure; whatever is not plain prose is marked as trouble.

A citation is `path:12` or `path:12-20` (`path#L12-L20` too), bare, in brackets, parentheses or back-ticks, several in
one pair with commas between; a path with spaces in brackets, back-ticks or quotes. `@` and a commit may follow. Nobody
publishes the author's Markdown: pages and comments are written anew from the pieces, so no link or markup gets in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

LONGEST = 64_000
_FARTHEST = 600
Kind = Literal["heading", "item", "paragraph"]

_TAIL = re.compile(r"(?::L?|#L)([0-9]{1,9})(?:-L?([0-9]{1,9}))?(?:@([0-9a-f]{7,64}))?(?![\w:#@-])")
_BARE_PATH = re.compile(r"[^\s\[\]()`\"'“”<>|,;:#]{1,400}")
_PLAIN_PATH = re.compile(r"[\w./+-]+")
_LETTER = re.compile(r"[^\W\d_]")
_BETWEEN = re.compile(r"\s*(?:,|;|\band\b)\s*|\s+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://|www\.|mailto:|javascript:|data:", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\w+|\w+);")
_TAG = re.compile(r"<[A-Za-z/!?]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]+|$)(.*?)(?:[ \t]+#+)?[ \t]*")
_ITEM = re.compile(r"\s*(?:[-*+]|[0-9]{1,9}[.)])[ \t]+(.*)")
_RULE = re.compile(r"\s*(?:[-_*=][ \t]*){3,}")
_ENDING = re.compile(r"(?:[.!?…。！？]+[\"'”’)*_]*|;)(?=\s|$)")  # noqa: RUF001 - full-width marks end a sentence too
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|resp|approx)\.$", re.IGNORECASE)
_QUOTES = {'"': '"', "“": "”", "«": "»"}
_SINGLE = {"'": "'", "‘": "’"}  # noqa: RUF001 - what an author may write


@dataclass(frozen=True, slots=True)
class Citation:
    """Lines of a file, counted from 1, both ends included. `commit` is empty where the author did not say it."""

    path: str
    start_line: int
    end_line: int
    commit: str = ""

    def __str__(self) -> str:
        last = f"-{self.end_line}" if self.end_line != self.start_line else ""
        return f"{self.path}:{self.start_line}{last}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a sentence: words, code (it stood in back-ticks) or a quotation (in quotation marks)."""

    text: str
    kind: Literal["text", "code", "quote"] = "text"


@dataclass(frozen=True, slots=True)
class Sentence:
    """`block` numbers the paragraph, list item or heading it stands in. `trouble`: why it is no plain prose."""

    block: int
    kind: Kind
    pieces: tuple[Piece, ...]
    citations: tuple[Citation, ...] = ()
    trouble: str = ""
    words_after: bool = False

    @property
    def text(self) -> str:
        """The words without the citations, code in back-ticks."""
        said = ""
        for piece in self.pieces:
            if piece.kind == "text":
                words = re.sub(r"\s+", " ", piece.text)
                said = said.rstrip() + words.lstrip() if re.match(r"\s*[.,;!?]", words) else said + words
            else:
                mark = '"' if piece.kind == "quote" else "`"
                said += f"{mark}{' '.join(piece.text.split())}{mark}"
        return re.sub(r"\s+([.,;!?]+)$", r"\1", said.strip())


def read_sentences(text: str, paths: Iterable[str] = ()) -> list[Sentence]:
    """The sentences of an author's Markdown. `paths`: files whose names are known, however odd they are."""
    found: list[Sentence] = []
    known = sorted((path for path in set(paths) if path), key=len, reverse=True)
    for number, (kind, body, trouble) in enumerate(_blocks(text[:LONGEST])):
        if trouble:
            found.append(Sentence(number, kind, (Piece(body),), trouble=trouble))
        else:
            found.extend(_sentences(number, kind, _Scanner(body, known).tokens()))
    return found


def parse_citations(text: str, paths: Sequence[str] = ()) -> tuple[Citation, ...] | None:
    """The citations that a text consists of, nothing else; None when it is anything else."""
    found: list[Citation] = []
    known = sorted(paths, key=len, reverse=True)
    at, text = 0, text.strip()
    while at < len(text):
        one = _citation_at(text, at, known, spaces=True)
        if one is None:
            return None
        found.append(one[0])
        at = one[1]
        if at < len(text):
            between = _BETWEEN.match(text, at)
            if between is None or between.end() == len(text):
                return None
            at = between.end()
    return tuple(found) or None


def _citation_at(text: str, at: int, known: Sequence[str], *, spaces: bool = False) -> tuple[Citation, int] | None:
    for path in known:
        if text.startswith(path, at) and (tail := _TAIL.match(text, at + len(path))):
            return _cited(path, tail), tail.end()
    if text[at : at + 1] in ('"', "“"):
        end = text.find(_QUOTES[text[at]], at + 1)
        tail = _TAIL.match(text, end + 1) if end > at + 1 else None
        return (_cited(text[at + 1 : end], tail), tail.end()) if tail else None
    bare = _BARE_PATH.match(text, at)
    if bare and _is_path(bare[0]) and (tail := _TAIL.match(text, bare.end())):
        return _cited(bare[0], tail), tail.end()
    # In brackets or back-ticks all of it is meant as a path, though no file has that name.
    if spaces and (tail := re.compile(_TAIL.pattern + r"\s*$").search(text, at)) and _is_path(text[at : tail.start()]):
        return _cited(text[at : tail.start()], tail), tail.end()
    return None


def _is_path(text: str) -> bool:
    return ("." in text or "/" in text or "\\" in text) and _LETTER.search(text) is not None


def _cited(path: str, tail: re.Match[str]) -> Citation:
    start = int(tail[1])
    return Citation(path, start, int(tail[2]) if tail[2] else start, tail[3] or "")


def _blocks(text: str) -> Iterator[tuple[Kind, str, str]]:
    """Kind, words and trouble of each block."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kind: Kind = "paragraph"
    held: list[str] = []
    fence = ""
    for line in [*text.split("\n"), ""]:
        opened = _FENCE.match(line)
        item = _ITEM.fullmatch(line)
        ends = not line.strip() or opened or fence or item or _RULE.fullmatch(line) or line.lstrip()[0] in "#|>"
        if held and ends:
            yield kind, "\n".join(held), ""
            held, kind = [], "paragraph"
        if fence:
            if opened and opened[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            elif line.strip():
                yield "paragraph", line.strip(), "it stands in a block of code"
        elif opened:
            fence = opened[1]
        elif not line.strip() or _RULE.fullmatch(line):
            continue
        elif heading := _HEADING.fullmatch(line):
            yield "heading", heading[1], ""
        elif line.lstrip()[0] in "|>":
            yield "paragraph", line.strip(), "it stands in a table or a quotation"
        elif item:
            held, kind = [item[1]], "item"
        elif not held and re.match(r" {4}| {0,3}\t", line):
            yield "paragraph", line.strip(), "it stands in a block of code"
        else:
            held.append(line.strip())


@dataclass(slots=True)
class _Token:
    piece: Piece | None = None
    citations: tuple[Citation, ...] = ()
    trouble: str = ""


class _Scanner:
    """One block's inline parts, from left to right."""

    def __init__(self, text: str, known: Sequence[str]) -> None:
        self._text, self._known, self._pairs = text, known, _pairs(text)
        self._words: list[str] = []
        self._found: list[_Token] = []

    def tokens(self) -> list[_Token]:
        at = 0
        while at < len(self._text):
            at = self._step(at)
        self._flush()
        return self._found

    def _flush(self) -> None:
        if self._words:
            self._found.append(_Token(Piece("".join(self._words))))
            self._words = []

    def _add(self, token: _Token, end: int) -> int:
        self._flush()
        self._found.append(token)
        return end

    def _step(self, at: int) -> int:
        text, char = self._text, self._text[at]
        if char == "`":
            return self._ticked(at)
        if char == "[":
            return self._bracketed(at)
        if char == "(" and at < (end := self._pairs.get(at, -1)) < at + _FARTHEST:
            cited = parse_citations(text[at + 1 : end], self._known)
            if cited:
                return self._add(_Token(citations=cited), end + 1)
        if char == "\\" or _TAG.match(text, at) or _ENTITY.match(text, at) or text.startswith("![", at):
            return self._add(_Token(Piece(char), trouble="it holds markup"), at + 1)
        starts = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_/.\\@~:-%+=&?#")
        if starts:
            if url := _URL.match(text, at):
                return self._add(_Token(Piece(url[0]), trouble="it holds a link"), url.end())
            if one := _citation_at(text, at, self._known):
                return self._add(_Token(citations=(one[0],)), one[1])
        if char in _QUOTES or (char in _SINGLE and starts):
            return self._quoted(at)
        self._words.append(char)
        return at + 1

    def _ticked(self, at: int) -> int:
        text = self._text
        run = next((place for place in range(at, len(text)) if text[place] != "`"), len(text)) - at
        closing = re.compile(rf"(?<!`)`{{{run}}}(?!`)").search(text, at + run)
        if closing is None:
            return self._add(_Token(Piece(text[at:]), trouble="a back-tick is left open"), len(text))
        inside = " ".join(text[at + run : closing.start()].split())
        cited = parse_citations(inside, self._known)
        token = _Token(citations=cited) if cited else _Token(Piece(inside, "code"))
        return self._add(token, closing.end())

    def _bracketed(self, at: int) -> int:
        text = self._text
        end = self._pairs.get(at, -1)
        if end < 0:
            return self._add(_Token(Piece(text[at:]), trouble="a bracket is left open"), len(text))
        inside = text[at + 1 : min(end, at + _FARTHEST)].strip()
        ticked = inside.strip("`") if inside.count("`") == 2 and inside[0] == inside[-1] == "`" else inside
        cited = parse_citations(ticked, self._known)
        follows = text[end + 1 : end + 2]
        if follows == "(" or (follows == ":" and at == 0):
            return self._add(_Token(Piece(inside), trouble="it holds a link"), end + 1)
        if not cited:
            trouble = "it holds a footnote" if inside.startswith("^") else "what stands in brackets is no citation"
            return self._add(_Token(Piece(inside), trouble=trouble), end + 1)
        return self._add(_Token(citations=cited), end + 1)

    def _quoted(self, at: int) -> int:
        text, char = self._text, self._text[at]
        closer = (_QUOTES | _SINGLE)[char]
        end = text.find(closer, at + 1)
        while char in _SINGLE and end > 0 and text[end + 1 : end + 2].isalnum():
            end = text.find(closer, end + 1)  # an apostrophe
        if end <= at + 1:
            if char in _SINGLE:
                self._words.append(char)
                return at + 1
            return self._add(_Token(Piece(text[at:]), trouble="a quotation is left open"), len(text))
        return self._add(_Token(Piece(text[at + 1 : end], "quote")), end + 1)


def _pairs(text: str) -> dict[int, int]:
    """Where each bracket and parenthesis that is closed is closed."""
    found: dict[int, int] = {}
    for opening, closing in ("()", "[]"):
        waiting: list[int] = []
        for place in re.finditer(re.escape(opening) + "|" + re.escape(closing), text):
            if place[0] == opening:
                waiting.append(place.start())
            elif waiting:
                found[waiting.pop()] = place.start()
    return found


@dataclass(slots=True)
class _Open:
    """A sentence that is being put together."""

    pieces: list[Piece] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    trouble: str = ""
    words_after: bool = False

    def add(self, token: _Token) -> None:
        self.trouble = self.trouble or token.trouble
        self.citations.extend(token.citations)
        if token.citations:
            self.words_after = False
        if token.piece is not None and token.piece.text:
            self.pieces.append(token.piece)
            if self.citations and (token.piece.kind != "text" or re.search(r"\w", token.piece.text)):
                self.words_after = True

    @property
    def silent(self) -> bool:
        """There are citations at most, and no words."""
        return not self.trouble and not any(re.search(r"\w", one.text) or one.kind != "text" for one in self.pieces)


def _sentences(block: int, kind: Kind, tokens: Iterable[_Token]) -> list[Sentence]:
    found: list[_Open] = [_Open()]
    for token in tokens:
        if token.piece is None or token.piece.kind != "text" or token.trouble:
            found[-1].add(token)
            continue
        for part, ends in _parts(token.piece.text):
            found[-1].add(_Token(Piece(part)))
            if ends:
                found.append(_Open())
    merged: list[_Open] = []
    for one in found:
        if one.silent and merged:
            merged[-1].citations.extend(one.citations)
            merged[-1].words_after = merged[-1].words_after and not one.citations
        elif not one.silent:
            merged.append(one)
    return [
        Sentence(block, kind, tuple(one.pieces), tuple(one.citations), one.trouble, one.words_after) for one in merged
    ]


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut behind the ends of sentences, and whether a sentence ends there."""
    start = 0
    for ending in _ENDING.finditer(text):
        if _ABBREVIATION.search(text, start, ending.end()):
            continue
        yield text[start : ending.end()], True
        start = ending.end()
    if start < len(text):
        yield text[start:], False
