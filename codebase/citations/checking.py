"""The verdict on each sentence an author wrote: every name, quotation and number in it stands in the lines it cites."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from codebase.citations.naming import NEGATIONS, NEUTRAL, NUMBERS, OPENING, SWEEPING, words_of
from codebase.citations.reading import Citation, Kind, Piece, Sentence, read_sentences
from codebase.index.words import terms_of

LINES_AT_MOST = 80
CITATIONS_AT_MOST = 6
_CONNECTING_WORDS = 10
_NAME = re.compile(r"[\w$]+(?:(?:\.|::|#|->)[\w$]+)*")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9]+)?")
_NEGATED = re.compile(
    r"!(?=[=\w(])|\b(?:not|no|never|cannot|without|nothing|except|unless|neither|nor)\b|n't\b", re.IGNORECASE
)


class Verdict(StrEnum):
    """What became of a sentence. Only `supported` and `connecting` may be published."""

    supported = "supported"
    connecting = "connecting"
    not_prose = "not_prose"
    hidden_characters = "hidden_characters"
    no_citation = "no_citation"
    words_after_citation = "words_after_citation"
    too_many_citations = "too_many_citations"
    unsafe_path = "unsafe_path"
    other_commit = "other_commit"
    no_such_file = "no_such_file"
    no_such_line = "no_such_line"
    too_broad = "too_broad"
    not_shown = "not_shown"
    name_not_there = "name_not_there"
    quotation_not_there = "quotation_not_there"
    number_not_there = "number_not_there"
    negation_not_there = "negation_not_there"
    nothing_checkable = "nothing_checkable"
    idle_citation = "idle_citation"


KEPT = frozenset({Verdict.supported, Verdict.connecting})


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence with its verdict; `reason` says in words what failed, empty for what is kept."""

    sentence: Sentence
    verdict: Verdict
    reason: str = ""

    @property
    def block(self) -> int:
        return self.sentence.block

    @property
    def kind(self) -> Kind:
        return self.sentence.kind

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return self.sentence.pieces

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Each once, in the order of the text."""
        return tuple(dict.fromkeys(self.sentence.citations))

    @property
    def text(self) -> str:
        return self.sentence.text


class Shown:
    """What an author was given to read: spans of files at one commit.

    `lines_of` gives a file's lines at that commit, empty where there is no such file (`codebase.index.Contents.lines`).
    """

    def __init__(
        self, spans: Iterable[Citation], lines_of: Callable[[str], Sequence[str]], *, commit: str = ""
    ) -> None:
        self.commit, self._lines_of = commit, lines_of
        self._spans: Mapping[str, list[tuple[int, int]]] = _merged(spans)

    @property
    def paths(self) -> Sequence[str]:
        return list(self._spans)

    def lines(self, path: str) -> Sequence[str]:
        return self._lines_of(path)

    def covers(self, citation: Citation) -> bool:
        """Every cited line was shown."""
        return any(
            start <= citation.start_line and citation.end_line <= end
            for start, end in self._spans.get(citation.path, ())
        )

    def text(self, citation: Citation) -> str:
        return "\n".join(self._lines_of(citation.path)[citation.start_line - 1 : citation.end_line])


def _merged(spans: Iterable[Citation]) -> dict[str, list[tuple[int, int]]]:
    by_path: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for span in sorted(spans, key=lambda one: (one.path, one.start_line)):
        of_path = by_path[span.path]
        if of_path and span.start_line <= of_path[-1][1] + 1:
            of_path[-1] = of_path[-1][0], max(of_path[-1][1], span.end_line)
        else:
            of_path.append((span.start_line, span.end_line))
    return dict(by_path)


def check(text: str, shown: Shown) -> list[Claim]:
    """Every sentence of an author's text with its verdict, in order."""
    return [check_claim(sentence, shown) for sentence in read_sentences(text, shown.paths)]


def kept(claims: Iterable[Claim]) -> list[Claim]:
    """What may be published; connecting words and headings only where a supported claim follows them."""
    found: list[Claim] = []
    waiting: list[Claim] = []
    for claim in claims:
        if claim.verdict is Verdict.connecting:
            waiting = [*(one for one in waiting if one.kind == "heading" and claim.kind != "heading"), claim]
        elif claim.verdict is Verdict.supported:
            found += [*waiting, claim]
            waiting = []
    return found


def check_claim(sentence: Sentence, shown: Shown) -> Claim:
    """One sentence with its verdict: the first thing that is wrong with it."""
    if sentence.trouble:
        return Claim(sentence, Verdict.not_prose, sentence.trouble)
    if odd := _odd_character(sentence):
        return Claim(sentence, Verdict.hidden_characters, f"it holds {odd}")
    if not sentence.citations:
        if _says_nothing(sentence):
            return Claim(sentence, Verdict.connecting)
        return Claim(sentence, Verdict.no_citation, "it cites no place")
    if sentence.words_after:
        return Claim(sentence, Verdict.words_after_citation, "words follow its last citation")
    citations = tuple(dict.fromkeys(sentence.citations))
    if len(citations) > CITATIONS_AT_MOST:
        return Claim(sentence, Verdict.too_many_citations, f"it cites more than {CITATIONS_AT_MOST} places")
    for citation in citations:
        if wrong := _wrong_place(citation, shown):
            return Claim(sentence, *wrong)
    verdict, reason = _Judgement(sentence, [_Cited(one, shown.text(one)) for one in citations]).verdict()
    return Claim(sentence, verdict, reason)


def _odd_character(sentence: Sentence) -> str:
    for piece in sentence.pieces:
        for char in piece.text:
            if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
                return f"the character U+{ord(char):04X}, which nobody sees"
    return ""


def _says_nothing(sentence: Sentence) -> bool:
    if any(piece.kind != "text" for piece in sentence.pieces):
        return False
    words = re.findall(r"\w+", " ".join(piece.text for piece in sentence.pieces).lower())
    return len(words) <= _CONNECTING_WORDS and all(word in NEUTRAL for word in words)


def _wrong_place(citation: Citation, shown: Shown) -> tuple[Verdict, str] | None:
    path = citation.path
    if path.startswith(("/", "~")) or "\\" in path or ":" in path or any(
        part in ("", ".", "..") for part in path.split("/")
    ):  # fmt: skip
        return Verdict.unsafe_path, f"{path} is no path from the repository's root"
    if citation.commit and not (shown.commit and shown.commit.startswith(citation.commit)):
        return Verdict.other_commit, f"{citation.commit} is not the commit that was shown"
    lines = shown.lines(path)
    if not lines:
        return Verdict.no_such_file, f"there is no {path}"
    if not 1 <= citation.start_line <= citation.end_line <= len(lines):
        return Verdict.no_such_line, f"{path} has {len(lines)} lines"
    if citation.end_line - citation.start_line >= LINES_AT_MOST:
        return Verdict.too_broad, f"{citation} has more than {LINES_AT_MOST} lines"
    if not shown.covers(citation):
        return Verdict.not_shown, f"{citation} was not shown"
    return None


class _Cited:
    """One cited span, in the forms it is compared in."""

    def __init__(self, citation: Citation, text: str) -> None:
        self.citation, self._text = citation, text

    @cached_property
    def squeezed(self) -> str:
        return " ".join(self._text.split())

    @cached_property
    def terms(self) -> frozenset[int]:
        return frozenset(term for word in re.findall(r"[^\W\d]\w*", self._text) for term in terms_of(word))

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(_plain_number(found) for found in _NUMBER.findall(self._text))

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(word.lower() for word in re.findall(r"\w+", self._text))

    def without(self, quoted: Iterable[str]) -> str:
        """What stands there beside what a claim quotes of it: a quoted "not" denies nothing else."""
        text = self.squeezed
        for one in quoted:
            if " " in one:
                text = text.replace(one, " ")
        return text

    def holds(self, text: str) -> bool:
        """The text stands there as whole words, whatever its white space."""
        squeezed = " ".join(text.split())
        before = r"(?<![\w$])" if re.match(r"[\w$]", squeezed) else ""
        after = r"(?![\w$])" if re.search(r"[\w$]$", squeezed) else ""
        return bool(squeezed) and re.search(before + re.escape(squeezed) + after, self.squeezed) is not None

    def is_named(self, text: str) -> bool:
        """The text is the cited file's path, its name or a folder above it."""
        path = self.citation.path
        return text in (path, path.rpartition("/")[2]) or path.startswith(f"{text.rstrip('/')}/")


def _plain_number(text: str) -> str:
    plain = text.replace("_", "").replace(",", "").lower()
    return plain if plain.startswith("0x") else plain.lstrip("0") or "0"


class _Judgement:
    """One sentence held against the spans it cites. `_borne` gathers which of them had any part in it."""

    def __init__(self, sentence: Sentence, cited: Sequence[_Cited]) -> None:
        self._sentence, self._cited = sentence, cited
        self._borne: set[Citation] = set()
        self._exact = 0
        self._plain: set[int] = set()
        quoted = [" ".join(piece.text.split()) for piece in sentence.pieces if piece.kind != "text"]
        self._rest = [one.without(quoted) for one in cited]

    def verdict(self) -> tuple[Verdict, str]:
        first = True
        for piece in self._sentence.pieces:
            if piece.kind == "text":
                failed, first = self._words(piece.text, first=first)
            else:
                there = self._name(piece.text) if piece.kind == "code" else self._quotation(piece.text)
                kind = Verdict.name_not_there if piece.kind == "code" else Verdict.quotation_not_there
                failed = None if there else (kind, f"{piece.text!r} does not stand there")
                first = False
            if failed:
                return failed
        if not self._exact and len(self._plain) < 2:
            return Verdict.nothing_checkable, "none of its words stands there"
        idle = [one.citation for one in self._cited if one.citation not in self._borne]
        if idle:
            return Verdict.idle_citation, f"{idle[0]} has nothing to do with it"
        return Verdict.supported, ""

    def _bearing(self, test: Callable[[_Cited], bool]) -> bool:
        """Whether any span passes; those that do bear the claim."""
        passed = {one.citation for one in self._cited if test(one)}
        self._borne |= passed
        return bool(passed)

    def _stands(self, text: str) -> bool:
        return self._bearing(lambda one: one.holds(text))

    def _has_number(self, number: str) -> bool:
        return self._bearing(lambda one: number in one.numbers)

    def _name(self, text: str) -> bool:
        name = text.strip()
        name = re.sub(r"\((?:\.\.\.|…)?\)$", "", name)
        if not re.search(r"\w", name):
            return self._stands(name)
        named = self._stands(name) or self._bearing(lambda one: one.is_named(name))
        if not named and _NAME.fullmatch(name):
            parts = [part for part in re.split(r"\.|::|#|->", name) if part]
            named = len(parts) > 1 and all(self._stands(part) for part in parts)
        self._exact += named
        return named

    def _quotation(self, text: str) -> bool:
        there = self._stands(text) or self._bearing(lambda one: one.is_named(text))
        self._exact += there and re.search(r"\w", text) is not None
        return there

    def _words(self, text: str, *, first: bool) -> tuple[tuple[Verdict, str] | None, bool]:
        for word in words_of(text):
            if word.looks_like == "code" or word.looks_like == "path":
                if not self._name(word.text):
                    return (Verdict.name_not_there, f"{word.text!r} does not stand there"), False
            elif word.looks_like == "number":
                number = _plain_number(word.text)
                if not self._has_number(number):
                    return (Verdict.number_not_there, f"{word.text} does not stand there"), False
                self._exact += 1
            elif failed := self._plain_word(word.text, first=first):
                return failed, False
            first = False
        return None, first

    def _plain_word(self, word: str, *, first: bool) -> tuple[Verdict, str] | None:
        lower = word.lower()
        if lower in NUMBERS:
            if not self._bearing(lambda one: lower in one.words or NUMBERS[lower] in one.numbers):
                return Verdict.number_not_there, f"{word!r} does not stand there"
            self._exact += 1
        elif lower in NEGATIONS or lower.endswith(("n't", "n’t")):  # noqa: RUF001 - as typed
            if not any(_NEGATED.search(text) for text in self._rest):
                return Verdict.negation_not_there, f"{word!r}: nothing there says no"
        elif lower in SWEEPING:
            if not any(re.search(rf"\b{re.escape(lower)}\b", text, re.IGNORECASE) for text in self._rest):
                return Verdict.negation_not_there, f"{word!r} does not stand there"
        else:
            found = terms_of(word)
            there = bool(found) and self._bearing(lambda one: set(found) <= one.terms)
            if there:
                self._plain.update(found)
            elif found and word[0].isupper() and not (_may_open(lower) if first else lower in NEUTRAL):
                return Verdict.name_not_there, f"{word!r} does not stand there"
            elif not word.isascii() and _scripts(word) > 1:
                return Verdict.hidden_characters, f"{word!r} mixes alphabets"
        return None


def _may_open(word: str) -> bool:
    return word in OPENING or word in NEUTRAL or word.endswith(("s", "ed", "ing", "ly"))


def _scripts(word: str) -> int:
    """How many alphabets a word's letters are from: a Latin word with a Cyrillic letter in it mixes two."""
    return len({unicodedata.name(char, "?").split(" ")[0] for char in word if char.isalpha()})
