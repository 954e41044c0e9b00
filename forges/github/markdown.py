"""What of a comment is its author's own prose, and what is safe to say back.

Mentions and commands count only in prose: not in code, quotes or hidden HTML comments. Block rules follow CommonMark
(https://spec.commonmark.org/0.31.2/) with one deliberate difference: a line after a quote that does not start with `>`
is prose here (CommonMark calls it a lazy continuation), because the person typed it.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Literal

COMMENT_LIMIT = 65_536
"""Characters in a GitHub comment, issue body or pull request body."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_QUOTE = re.compile(r"[ \t]{0,3}>")
_INDENTED = re.compile(r"(?: {4}| {0,3}\t)")
_BACKTICKS = re.compile(r"`+")
_COMMENT_OPEN = "<!--"
_COMMENT_CLOSE = "-->"
_BASE_OPTION = re.compile(r"(?:^|\s)base:(\S+)")
_BRANCH = re.compile(r"[A-Za-z0-9._/+@#-]{1,244}")
_POLITELY = r"(?:(?:can|could|would)[ \t]+you[ \t]+)?(?:please[ \t]+)?"
QUESTION_LIMIT = 4_000
ZERO_WIDTH_SPACE = "\u200b"

Verb = Literal["fix", "stop", "retry"]
_VERBS: tuple[Verb, ...] = ("stop", "retry", "fix")


_TARGET = re.compile(r"(?!.*//)(?!(?:.*/)?\.\.(?:/|\Z))[A-Za-z0-9_.][A-Za-z0-9_.@+/-]{0,299}(?<!/)")


@dataclass(frozen=True, slots=True)
class Optimization:
    """A request to make a kernel faster. `target`: a path or a name as it was written, empty where there is a problem.
    `problem` is what its author should be told."""

    target: str
    base: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A request in prose. `problem` is what its author should be told when an option could not be taken."""

    verb: Verb
    base: str | None = None
    problem: str | None = None


def prose(text: str) -> str:
    """Return `text` with code, quotes and HTML comments blanked by spaces; lines and offsets stay where they are."""
    written = text.split("\n")
    kept: list[str] = []
    paragraph: list[str] = []
    fence = ""
    after_blank = True

    def flush() -> None:
        if paragraph:
            kept.extend(_without_code_spans("\n".join(paragraph)).split("\n"))
            paragraph.clear()

    for line, original in zip(_without_comments(text).split("\n"), written, strict=True):
        bare = line.rstrip("\r")
        opening = _FENCE.fullmatch(bare)
        if fence:
            kept.append(" " * len(line))
            if opening and opening[1].startswith(fence) and not opening[2].strip():
                fence = ""
            after_blank = True
        elif opening and not (opening[1][0] == "`" and "`" in opening[2]):
            flush()
            fence = opening[1]
            kept.append(" " * len(line))
        elif _QUOTE.match(bare) or (after_blank and bare.strip() and _INDENTED.match(original)):
            flush()
            kept.append(" " * len(line))
        elif not bare.strip():
            flush()
            kept.append(line)
            after_blank = True
        else:
            paragraph.append(line)
            after_blank = False
    flush()
    return "\n".join(kept)


def _blank(text: str) -> str:
    return "".join(character if character in "\r\n" else " " for character in text)


def _without_comments(text: str) -> str:
    """Blank HTML comments. One inside a code fence is blanked too: it is code, so nothing is lost."""
    pieces: list[str] = []
    place = 0
    while (start := text.find(_COMMENT_OPEN, place)) >= 0:
        end = text.find(_COMMENT_CLOSE, start + len(_COMMENT_OPEN))
        end = len(text) if end < 0 else end + len(_COMMENT_CLOSE)
        pieces += text[place:start], _blank(text[start:end])
        place = end
    pieces.append(text[place:])
    return "".join(pieces)


def _without_code_spans(paragraph: str) -> str:
    """Blank `code spans`: a run of backticks up to the next run of the same length. Linear in the text."""
    runs = [(match.start(), match.end()) for match in _BACKTICKS.finditer(paragraph)]
    waiting: dict[int, deque[int]] = defaultdict(deque)
    for start, end in runs:
        waiting[end - start].append(start)
    pieces: list[str] = []
    place = 0
    for start, end in runs:
        if start < place:
            continue
        backslashes = start - len(paragraph[:start].rstrip("\\")) if paragraph[start - 1 : start] == "\\" else 0
        opening = start + backslashes % 2
        closers = waiting[end - opening]
        while closers and closers[0] < end:
            closers.popleft()
        if opening < end and closers:
            close = closers.popleft() + (end - opening)
            pieces += paragraph[place:opening], _blank(paragraph[opening:close])
            place = close
    pieces.append(paragraph[place:])
    return "".join(pieces)


def mention_line(text: str, slug: str) -> str | None:
    """Return the first line of prose that mentions `@slug` (or `@slug[bot]`) as a whole word, else None."""
    if not slug:
        return None
    pattern = re.compile(
        rf"(?<![\w@/.+-])@{re.escape(slug)}(?:\[bot\])?(?![\w/-])(?!\.[A-Za-z0-9])", re.IGNORECASE | re.ASCII
    )
    return next((line for line in prose(text).splitlines() if pattern.search(line)), None)


def find_command(text: str, prefix: str, slug: str) -> Command | None:
    """Return the command in the prose of `text`: a line `/prefix verb [base:x]`, or a line that is only `@slug verb`.

    Of several commands a stop counts before all others, then the first.
    """
    if not prefix:
        return None
    slash = re.compile(rf" {{0,3}}/{re.escape(prefix)}[ \t]+(fix|stop|retry)\b(?![\w-])(.*)", re.IGNORECASE)
    spoken = re.compile(rf" {{0,3}}@{re.escape(slug)}(?:\[bot\])?[,:]?[ \t]+(stop|retry)[ \t]*[.!]*()", re.IGNORECASE)
    found: list[Command] = []
    for line in prose(text).splitlines():
        match = slash.fullmatch(line.rstrip()) or (spoken.fullmatch(line.rstrip()) if slug else None)
        if match:
            verb = next(verb for verb in _VERBS if verb == match[1].lower())
            base, problem = base_option(match[2])
            found.append(Command(verb, base, problem))
    return next((command for command in found if command.verb == "stop"), found[0] if found else None)


def find_question(text: str, prefix: str, slug: str) -> str | None:
    """Return what follows `@slug explain` or a line's `/prefix explain` in prose, to the end of the text, else None.

    Empty when nothing follows: then the subject itself is to be explained. Code and quotes belong to the question.
    """
    if not (prefix and slug):
        return None
    asks = re.compile(
        rf"(?:(?<![\w@/.+-])@{re.escape(slug)}(?:\[bot\])?[,:]?[ \t]+{_POLITELY}|^ {{0,3}}/{re.escape(prefix)}[ \t]+)"
        r"explain\b(?![\w-])",
        re.IGNORECASE | re.MULTILINE,
    )
    found = asks.search(prose(text))
    return None if found is None else _without_comments(text)[found.end() :].lstrip(" \t:,").strip()[:QUESTION_LIMIT]


def find_verification(text: str, prefix: str) -> str | None:
    """Return what follows a line's `/prefix verify-kernel` in prose (a kernel's name, empty for all), else None."""
    if not prefix:
        return None
    asks = re.compile(rf" {{0,3}}/{re.escape(prefix)}[ \t]+verify-kernels?(?:[ \t]+(.*))?", re.IGNORECASE)
    found = (asks.fullmatch(line.rstrip()) for line in prose(text).splitlines())
    return next(((one[1] or "").strip() for one in found if one), None)


def find_optimization(text: str, prefix: str, slug: str) -> Optimization | None:
    """Return the request of the first line of prose `/prefix optimize PATH [base:x]`, or `@slug optimize PATH`.

    The path may stand in back-ticks, as people write paths.
    """
    if not (prefix and slug):
        return None
    asks = re.compile(
        rf" {{0,3}}(?:/{re.escape(prefix)}|@{re.escape(slug)}(?:\[bot\])?[,:]?)[ \t]+optimi[sz]e(?![\w-])",
        re.IGNORECASE,
    )
    for line, original in zip(prose(text).split("\n"), _without_comments(text).split("\n"), strict=True):
        if (found := asks.match(line)) is None:
            continue
        words = [word for word in original[found.end() :].replace("`", " ").split() if not word.startswith("base:")]
        base, problem = base_option(line)
        if not words:
            problem = "say what to optimize: the path of a candidate, or a kernel's name, as `.forgehand.yml` has them"
        elif len(words) > 1 or not _TARGET.fullmatch(words[0]):
            problem = f"`{neutralise(' '.join(words)[:60])}` is neither a path nor a name: one of them is needed"
        return Optimization("" if problem else words[0], base, problem)
    return None


def base_option(text: str) -> tuple[str | None, str | None]:
    """Return (branch, problem) of the option `base:branch` in one line of text; both None when it is absent."""
    match = _BASE_OPTION.search(text)
    if match is None:
        return None, None
    if is_branch_name(match[1]):
        return match[1], None
    return None, f"`base:{neutralise(match[1][:60])}` does not name a branch"


def is_branch_name(name: str) -> bool:
    """Say whether `name` is a branch name safe to hand to git: a strict subset of `git check-ref-format --branch`."""
    parts = name.split("/")
    return (
        _BRANCH.fullmatch(name) is not None
        and not name.startswith("-")
        and not name.endswith(".")
        and ".." not in name
        and name not in ("@", "HEAD")
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    )


_MENTION = re.compile(r"@(?=[A-Za-z0-9])")
_REFERENCE = re.compile(r"(?<![&\w])#(?=\d)|(?<=\w)#(?=\d)")
_DASHED = re.compile(r"\b(GH)-(?=\d)", re.IGNORECASE)
_CLOSING = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b(?=:?\s+(?:#|GH-|https?://|[\w.-]+/[\w.-]+#))", re.IGNORECASE
)


def neutralise(text: str) -> str:
    """Return untrusted `text` so that quoting it notifies nobody, links and closes nothing and plants no marker.

    A zero-width space goes into @mentions, #references, closing keywords before a reference and HTML comment openers.
    The words people read stay the same.
    """
    text = text.replace(_COMMENT_OPEN, "<" + ZERO_WIDTH_SPACE + "!--")
    text = _CLOSING.sub(lambda match: match[0][:2] + ZERO_WIDTH_SPACE + match[0][2:], text)
    text = _MENTION.sub("@" + ZERO_WIDTH_SPACE, text)
    text = _REFERENCE.sub("#" + ZERO_WIDTH_SPACE, text)
    return _DASHED.sub(rf"\1{ZERO_WIDTH_SPACE}-", text)


def quote(text: str) -> str:
    """Return untrusted `text` neutralised and as a Markdown quote."""
    return "\n".join(f"> {line}".rstrip() for line in neutralise(text).splitlines())


def size(text: str) -> int:
    """Return the length of `text` in UTF-16 units: never less than GitHub's count of characters."""
    return len(text) + sum(character > "\uffff" for character in text)


def fit(text: str, limit: int = COMMENT_LIMIT, note: str = "*The rest was left out: it did not fit.*") -> str:
    """Return `text` cut to `limit` characters at a line end where possible, an open code fence closed, `note` added."""
    if size(text) <= limit:
        return text
    room = limit - size(note) - 16
    if room <= 0:
        raise ValueError(f"a limit of {limit} leaves no room for the note")
    cut = text[:room]
    while size(cut) > room:
        cut = cut[: len(cut) - (size(cut) - room + 1) // 2]
    line_end = cut.rfind("\n")
    if line_end > room // 2:
        cut = cut[:line_end]
    return f"{cut}\n{_closing_fence(cut)}\n{note}"


def _closing_fence(text: str) -> str:
    fence = ""
    for line in text.splitlines():
        match = _FENCE.fullmatch(line)
        if match and not fence:
            fence = match[1]
        elif match and match[1].startswith(fence) and not match[2].strip():
            fence = ""
    # A fence longer than the room kept for it would pass the limit; three characters close only a fence of three.
    return fence if len(fence) <= 12 else ""
