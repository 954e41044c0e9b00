"""What a README says first: its first paragraph of prose, with its lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

_NAMES = re.compile(r"readme(\.(md|markdown|rst|txt|adoc|org))?\Z", re.IGNORECASE)
_PREFERRED = (".md", ".markdown", ".rst", ".adoc", ".txt", ".org", "")
_LOOKED_AT = 400
_CHOICE = 5
_DEFINES = re.compile(r"\b(?:is|are) (?:an?|the)\b", re.IGNORECASE)
_LONGEST = 900
_BADGE = re.compile(r"\[?!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])(\]?(\([^)]*\)|\[[^\]]*\])?)")
_LINK = re.compile(r"\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])")
_SHORT_LINK = re.compile(r"\[(?![ xX]\])([^\[\]]+)\](?![\[(:])")
_RST_LINK = re.compile(r"`([^`<]+?)\s*<[^>]*>`__?")
_RST_ROLE = re.compile(r":[\w:+-]+:`~?\.?([^`<]+?)(?:\s*<[^>]*>)?`")
_TAG = re.compile(r"<[^<>]{0,500}>")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_ITALIC = re.compile(r"(?<![\w*])[_*](?=[^\s_*])([^_*`]+?)(?<=\S)[_*](?![\w*])")
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*\Z")
_NO_PROSE = re.compile(r"\s*(#|\.\. |=|>|\||```|~~~|---|\*\*\*|:\w+:|\[[^\]]+\]:|<!--|[-*+]\s|\d+[.)]\s|!\[|\{%|\$ )")


def find_readme(paths: Iterable[str], folder: str = "") -> str | None:
    """The README of a folder (`""`: the top one), None where there is none."""
    inner = f"{folder}/" if folder else ""
    found = [path for path in paths if path.startswith(inner) and _NAMES.fullmatch(path[len(inner) :])]

    def rank(path: str) -> tuple[int, str]:
        name = path.rpartition("/")[2].lower()
        return _PREFERRED.index(name[len("readme") :]), path

    return min(found, key=rank, default=None)


def first_paragraph(lines: Sequence[str]) -> tuple[int, int, str] | None:
    """First line, last line and the words of the first paragraph of prose: no heading, badge, list, table or code.

    Of the first few, the first that says what something is: news and thanks to sponsors may stand before it.
    """
    found = list(islice(_paragraphs(lines), _CHOICE))
    return next((one for one in found if _DEFINES.search(one[2])), found[0] if found else None)


def _paragraphs(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    start = 0
    gathered: list[str] = []
    hidden = ""  # what ends the stretch that is being passed over
    for number, line in enumerate(lines[:_LOOKED_AT], start=1):
        text = line.strip()
        if hidden:
            if hidden in text:
                hidden = ""
            continue
        opening = next(
            (end for mark, end in (("```", "```"), ("~~~", "~~~"), ("<!--", "-->")) if text.startswith(mark)), ""
        )
        if opening:
            if opening not in text[3:]:
                hidden = opening
            text = ""
        said = prose(text)
        following = lines[number].strip() if number < len(lines) else ""
        heading = bool(_UNDERLINE.fullmatch(following)) and not gathered
        indented = line.startswith(("    ", "\t", "   ")) and not gathered
        no_prose = _NO_PROSE.match(text) or _UNDERLINE.fullmatch(text)
        if not said or heading or indented or (no_prose and not text.startswith("**")):
            if _enough(gathered):
                yield start, number - 1, _cut(" ".join(gathered))
            gathered = []
            continue
        if not gathered:
            start = number
        gathered.append(said)
    if _enough(gathered):
        yield start, start + len(gathered) - 1, _cut(" ".join(gathered))


def prose(text: str) -> str:
    """A line without its markup: links become their words, badges and tags go."""
    text = _BADGE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _SHORT_LINK.sub(r"\1", text)
    text = _RST_ROLE.sub(r"\1", _RST_LINK.sub(r"\1", text))
    text = _TAG.sub("", text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _ITALIC.sub(r"\1", text)
    text = re.sub(r"`+([^`]*)`+", r"\1", text)
    return " ".join(text.replace("&nbsp;", " ").split())


def _enough(gathered: Sequence[str]) -> bool:
    """A line of links between bullets, or a slogan of two words, is no description."""
    said = " ".join(gathered)
    return len(re.findall(r"[^\W\d_]{2,}", said)) >= 4 and said.count("•") + said.count("|") < 2


def _cut(text: str) -> str:
    text = prose(text)  # once more: a link may be spread over two lines
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
