"""An issue's text as what search looks for: weighted terms, and pointers to places it names outright. Pure.

What a template, a bot or `pip list` put there says nothing about where the trouble lies and is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from codebase.index.words import WORD, terms

LONGEST = 100_000
_TITLE_WEIGHT = 3
_MOST_OF_ONE = 3
_MOST_POINTERS = 500  # of a kind; each is looked up among all paths or names
_URL = re.compile(r"https?://\S+")
_PERMALINK = re.compile(
    r"https?://[^/\s]+/[^/\s]+/[^/\s]+/blob/[^/\s]+/([^\s#)\]>]+?)(?:#L(\d+)(?:-L(\d+))?)?(?=[\s)\]>,]|$)"
)
_FENCE = re.compile(r"^\s*(```|~~~)")
_FRAME = re.compile(r'File "([^"\n]{1,400})", line (\d+)(?:, in ([\w.<>]+))?')
_PYTEST_FRAME = re.compile(r"^([\w./\\-]{1,300}\.\w{1,4}):(\d+):(?: in (\w+))?", re.MULTILINE)
_JS_FRAME = re.compile(r"at (?:([\w.$<>]+) )?\(?([\w@./\\-]{1,300}\.[cm]?[jt]sx?):(\d+):\d+\)?")
_GO_FRAME = re.compile(r"^\s+([\w./@-]{1,300}\.go):(\d+)", re.MULTILINE)
_PATH = re.compile(
    r"(?<![\w/.-])((?:[\w.-]+/)*[\w-]+\.(?:pyi?|pyx|[cm]?[jt]sx?|go|rs|java|cc?|cpp|h|hpp|cu|rb|php|cs))\b"
)
_LONG_PATH = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)+[\w-]+\.\w{1,5})\b")
_DOTTED = re.compile(r"(?<![\w./])([A-Za-z_]\w*(?:(?:\.|::|#)[A-Za-z_]\w*){1,15})")
_TICKED = re.compile(r"``?([^`\n]{1,120})``?")
_CALL = re.compile(r"\b([A-Za-z_]\w{2,})\s*\(")
_CODELIKE = re.compile(r"\b(?:[A-Za-z]\w*_\w+|_\w{2,}|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*)\b")
_VERSIONS = re.compile(r"^\s*[\w.\[\]-]+\s*(?:==|[:=]|\s{2,}|\s)\s*v?\d+(?:\.\w+)+\S*\s*$")
_HEADINGS = re.compile(
    r"^(?:#+\s*|\*\*)?(?:environment|versions?|system info\w*|output of .*|system(?:/| )?.*versions?|checklist|"
    r"your environment|additional context|code of conduct|platform)\b.{0,60}$",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s|\*\*[^*]+\*\*\s*$)")


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of a traceback: the path as printed there, the line, the function if it says so; deepest last."""

    path: str
    line: int
    function: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`terms`: how much each counts. `frames`, `paths`, `dotted`: what the text points at. `named`: identifiers it
    shows as code, with how much each counts."""

    terms: dict[int, float]
    frames: tuple[Frame, ...] = ()
    paths: tuple[str, ...] = ()
    lines: tuple[Frame, ...] = ()
    dotted: tuple[str, ...] = ()
    named: dict[str, float] = field(default_factory=dict)


def read_report(text: str) -> Report:
    """The report in an issue: its first line counts as the title."""
    text = text[:LONGEST].replace("\r\n", "\n")
    title, _, body = text.strip().partition("\n")
    permalinks = [Frame(m[1], int(m[2] or 0)) for m in _PERMALINK.finditer(text)]
    body = _URL.sub(" ", _without_comments(body))
    frames = _frames(body)
    prose = _without_noise(body)
    counted: Counter[int] = Counter()
    for term in terms(_URL.sub(" ", title)):
        counted[term] += _TITLE_WEIGHT
    in_body = Counter(terms(prose))
    for term, times in in_body.items():
        counted[term] += min(_MOST_OF_ONE, times)
    named: dict[str, float] = {}
    for weight, source in ((2.0, title), (1.0, prose)):
        for name in _named(source):
            named[name] = max(named.get(name, 0.0), weight)
    both = f"{title}\n{prose}"
    paths = dict.fromkeys([*_PATH.findall(both), *_LONG_PATH.findall(both)])
    dotted = dict.fromkeys(re.sub(r"::|#", ".", found) for found in _DOTTED.findall(both))
    return Report(
        terms=dict(counted),
        frames=tuple(frames),
        paths=tuple(islice(paths, _MOST_POINTERS)),
        lines=tuple(permalinks[:_MOST_POINTERS]),
        dotted=tuple(islice(dotted, _MOST_POINTERS)),
        named=named,
    )


def _frames(text: str) -> list[Frame]:
    found = [(m.start(), Frame(m[1], int(m[2]), m[3] or "")) for m in _FRAME.finditer(text)]
    found += [(m.start(), Frame(m[1], int(m[2]), m[3] or "")) for m in _PYTEST_FRAME.finditer(text)]
    found += [(m.start(), Frame(m[2], int(m[3]), m[1] or "")) for m in _JS_FRAME.finditer(text)]
    found += [(m.start(), Frame(m[1], int(m[2]))) for m in _GO_FRAME.finditer(text)]
    return [frame for _, frame in sorted(found, key=lambda one: one[0])][-200:]


def _without_comments(text: str) -> str:
    """The text without HTML comments; one that nobody closed is text."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return " ".join([*kept, text[at:]])


def _without_noise(text: str) -> str:
    """The text without lists of versions and without sections that describe a machine."""
    kept: list[str] = []
    skipping = False
    fenced = False
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and _HEADINGS.match(line.strip()):
            skipping = True
        elif not fenced and _HEADING.match(line):
            skipping = False
        if not skipping and not _VERSIONS.match(line):
            kept.append(line)
    return "\n".join(kept)


def _named(text: str) -> set[str]:
    """Identifiers shown as code: in back-ticks, called, or written as only code is."""
    found = {word for ticked in _TICKED.findall(text) for word in WORD.findall(ticked)}
    found.update(_CALL.findall(text), _CODELIKE.findall(text))
    found.update(part for dotted in _DOTTED.findall(text) for part in re.split(r"\.|::|#", dotted))
    return {name for name in found if len(name) > 2}
