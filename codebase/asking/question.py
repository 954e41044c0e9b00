"""A question taken apart: what is asked, about which names, and which of its words would have to stand in an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from codebase.index.report import read_report
from codebase.index.words import WORD, terms_of, whole

LONGEST = 4_000
Asked = Literal["callers", "definition", "other"]
_CALLERS = re.compile(
    r"\b(?:who|what|which|where|everything|anything)\b.{0,40}\b(?:calls?|uses?|invokes?|called|used|invoked)\b"
    r"|\b(?:callers|users|usages|uses) of\b",
    re.IGNORECASE,
)
_OBJECT = re.compile(
    r"^\W*(?:who|what|which \w+) (?:calls?|uses?|invokes?)\s+(?:the\s+)?`?(?:[\w.]*\.)?([A-Za-z_]\w+)", re.IGNORECASE
)
_PASSIVE = re.compile(r"\b(?:called|used|invoked)\b", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from where|where|by whom|by what|who|what|which)\b", re.IGNORECASE)
_DEFINITION = re.compile(r"\bwhere\b.{0,60}\b(?:defined|declared|implemented|definition)\b|^what is\b", re.IGNORECASE)
_PLURAL_ACRONYM = re.compile(r"[A-Z]{2,}s")
_SPELLINGS = (("isation", "ization"), ("ising", "izing"), ("ised", "ized"), ("ises", "izes"), ("ise", "ize"),
              ("our", "or"), ("logue", "log"), ("elled", "eled"), ("elling", "eling"))  # fmt: skip
_COMMON_WORDS = """
about across add after again against allow along already always another any anything apply appropriate ask available
back based because become before begin behind below between bound break bring build built call caller cause change check
choose chosen class code come control convert correct create decide define defined depend describe determine different
during each end ensure enter ever every everything exactly exist explain fetch file find first follow for found function
get give given go handle happen happens hold implement important inside instead into involve keep kept kind know last
later lead leave left list live load long look lot made main make manage many mean mechanism method modify module must
name need never new next now number obtain off old once one onto open order other outside over own part particular pass
perform piece place point possible prepare prevent process produce provide put reach read really receive reference
repository respond responsible result return right run same save see select send sent set several show side since
someone something sometimes split start still stop store stored support take taken tell thing through together told
toward transform try turn two type under until update upon use user used using value various via way well whether whole
within without work write written
"""
_COMMON_WEIGHT = 0.4
_NAMED_WEIGHT = 1.5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word of the question: any of its `terms` would do. `weight`: how much it says about the subject."""

    text: str
    terms: tuple[int, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Question:
    """`dotted`: names of several parts, as `Session.close`. `names`: the identifiers it shows as code or spells as only
    code is, in its order."""

    text: str
    asked: Asked
    dotted: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[Wanted, ...]


def read_question(text: str) -> Question:
    """The question in a text of at most 4,000 characters; what goes beyond is not read."""
    text = text[:LONGEST]
    report = read_report(text)
    found = WORD.findall(text)
    place = {name: at for at, name in reversed(list(enumerate(found)))}
    dotted = {part for name in report.dotted for part in name.split(".")}
    called = _OBJECT.match(text)
    names = sorted(
        {*report.named, *(dotted & set(found)), *([called[1]] if called else ())}, key=lambda name: place.get(name, 0)
    )
    words: dict[tuple[int, ...], Wanted] = {}
    for word in dict.fromkeys(found):
        terms = _spellings(word)
        if terms:
            weight = _NAMED_WEIGHT if word in report.named else _COMMON_WEIGHT if _is_common(word) else 1.0
            words.setdefault(terms, Wanted(word, terms, weight))
    return Question(text, _asked(text, names), report.dotted, tuple(names), tuple(words.values()))


def _asked(text: str, names: Sequence[str]) -> Asked:
    if not names:
        return "other"
    if _CALLERS.search(text) and (not _PASSIVE.search(text) or _FROM.search(text)):
        return "callers"
    return "definition" if _DEFINITION.search(text) else "other"


def _spellings(word: str) -> tuple[int, ...]:
    """The terms of which any stands for this word: as written, in one piece or several, British or American."""
    if not terms_of(word):
        return ()
    forms = [word, word.lower(), word.lower().replace("_", "")]
    if _PLURAL_ACRONYM.fullmatch(word):
        forms.append(word[:-1])
    lower = word.lower()
    forms += [lower.removesuffix(ours) + theirs for ours, theirs in _SPELLINGS if lower.endswith(ours)]
    forms.append(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word))
    # `websocket` also as `WebSocket`: a capital at the end makes `whole` take it for a name of several parts.
    forms += [form[:-1] + form[-1].upper() for form in tuple(forms) if form.isalpha() and len(form) > 3]
    return tuple(dict.fromkeys(whole(form) for form in forms))


def _stems(text: str) -> frozenset[int]:
    return frozenset(whole(word) for word in text.split())


_COMMON = _stems(_COMMON_WORDS)


def _is_common(word: str) -> bool:
    return whole(word.lower()) in _COMMON
