"""Words of a claim: which look like code, paths or numbers, and the few that need no proof. Pure tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

_EDGES = ".,;:!?…()[]{}\"'“”‘’«»*—–"  # noqa: RUF001 - what stands around words in prose
_CODE = re.compile(
    r"\w*_\w+|\w+_\w*"  # snake_case, _private
    r"|None|True|False|NULL|null|nil|undefined"
    r"|[a-z]+\w*[A-Z]\w*|[A-Z]\w*[a-z]\w*[A-Z]\w*"  # camelCase, CamelCase
    r"|.*(?:\w\.\w|::|->|=>|==|!=|\(\)|\$|=).*"  # dotted, operators, calls
    r"|.*[A-Za-z].*[0-9].*|.*[0-9].*[A-Za-z].*"  # utf8, 30s
)
_PLAIN_ALTERNATIVES = re.compile(r"[a-z]+(?:/[a-z]+)+")
_DOTTED_ABBREVIATION = re.compile(r"(?:[a-z]\.)+[a-z]?\.?", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F_]+|[0-9][0-9_,]*(?:\.[0-9]+)?)%?")

_COUNTED = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
NUMBERS: Mapping[str, str] = {
    name: str(value)
    for value, name in enumerate(_COUNTED.split())
    if value != 1  # `one` is more often a pronoun
} | {
    "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90", "hundred": "100",
    "thousand": "1000", "million": "1000000", "twice": "2", "thrice": "3", "double": "2", "triple": "3", "dozen": "12",
}  # fmt: skip

_NO = "no not never none nothing nowhere neither nor without cannot nobody"
NEGATIONS = frozenset(_NO.split())
_ALL = "always only every everything everywhere all entirely solely exclusively"
SWEEPING = frozenset(_ALL.split())
_OPENING_WORDS = """
after afterwards although another any because before besides both during each either every except few for given however
if instead internally later like many most much next now often once otherwise others rather several since some still
such thereby though through thus unless unlike until upon usually when whenever whereas while with within yet
"""
OPENING = frozenset(_OPENING_WORDS.split())
"""Words that a sentence may begin with though the cited lines do not hold them, beside those that end in -s, -ed, -ing
or -ly: any other first word may be the name of something that is not there."""
_NEUTRAL_WORDS = """
a also an and answer answers architecture are as at background below brief by code components conclusion connect
context details discussion entry example examples explanation finally findings first follow following follows for found
further here how in introduction is it its key list look main more next note notes of on one order other overview part
parts pieces place places points question read reading reference references related second section sections see short
sources steps structure summary that the then there these they things third this to together under what where which
why with work works
"""
NEUTRAL = frozenset(_NEUTRAL_WORDS.split())
"""Headings and connecting words may be made of these without a citation: nothing about code can be said with them."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    looks_like: Literal["word", "code", "path", "number"]


def words_of(text: str) -> Iterator[Word]:
    """The words of prose, without the punctuation around them."""
    for found in re.split(r"\s+|[—–]|\.\.\.|(?<=[A-Za-z])-(?=[A-Za-z])", text):  # noqa: RUF001
        calls = found.rstrip(".,;:!?").endswith("()")
        word = found.strip(_EDGES)
        if not word:
            continue
        if _NUMBER.fullmatch(word) and word.isascii():
            yield Word(word.strip("-+%"), "number")
        elif any(char.isnumeric() and not char.isascii() for char in word):
            yield Word(word, "number")
        elif _PLAIN_ALTERNATIVES.fullmatch(word) and "/" in word and word.count("/") < 3:
            yield from (Word(part, "word") for part in word.split("/"))
        elif "/" in word:
            yield Word(word, "path")
        elif _DOTTED_ABBREVIATION.fullmatch(word):
            continue
        elif calls or _CODE.fullmatch(word):
            yield Word(word, "code")
        else:
            yield Word(word, "word")
