"""The text of a pull request: the repository's own template filled in, or our own order without one.

Filling is deterministic: sections are known by their headings, what we have no words for stays as the template has it,
and no box of a checklist is ticked, because ticking is a person's promise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .markdown import COMMENT_LIMIT, fit, neutralise, size
from .markers import Marker
from .pulls import TITLE_LIMIT

_HEADING = re.compile(r"#{1,6}[ \t]+(.*?)[ \t#]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ASKS_FOR_LINK = re.compile(r"\b(fixes|closes|resolves)[\s:]+#", re.IGNORECASE)
_CHECKBOX = re.compile(r"^[ \t]*[-*+][ \t]+\[[ xX]\]", re.MULTILINE)
_KINDS = (
    ("issue", re.compile(r"\b(issues?|tickets?|fixes|closes|resolves|references?)\b", re.IGNORECASE)),
    ("proof", re.compile(r"\b(test(s|ed|ing)?( plan)?|verif(y|ied|ication)|checked|proof|qa)\b", re.IGNORECASE)),
    (
        "summary",
        re.compile(
            r"\b(description|summary|overview|changes?( made)?|what|why|motivation|purpose|proposed)\b", re.IGNORECASE
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullText:
    """What goes into a pull request. `summary` and `proof` are Markdown of our own making; `provenance` is a line on
    who asked, which model worked and what it cost. `issue_number` is None for a task that came from no issue.
    """

    issue_number: int | None
    issue_title: str
    summary: str
    proof: str
    provenance: str
    target: str
    default_branch: str
    marker: Marker
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """Title and body, within GitHub's limits."""

    title: str
    body: str


def compose(text: PullText) -> Composed:
    """Return the title and body of the pull request. The proof is cut first when they do not fit."""
    body = _assemble(text, text.proof)
    excess = size(body) - COMMENT_LIMIT
    if excess > 0 and size(text.proof) > excess + 200:
        note = "*The proof was cut here; the check run has all of it.*"
        body = _assemble(text, fit(text.proof, size(text.proof) - excess, note))
    return Composed(title_of(text.issue_title, text.issue_number), fit(body))


def title_of(issue_title: str, number: int | None) -> str:
    """Return the title in one line: the issue's, without control characters and at most 256 characters with `(#N)`."""
    words = " ".join("".join(c if c.isprintable() else " " for c in issue_title).split()) or "Untitled"
    suffix = "" if number is None else f" (#{number})"
    room = TITLE_LIMIT - len(suffix)
    words = neutralise(words)
    return (words if len(words) <= room else words[: room - 1].rstrip() + "…") + suffix


def issue_line(text: PullText) -> str:
    """Return the line that links the issue. A closing keyword works only on the way to the default branch."""
    if text.issue_number is None:
        return ""
    if text.target == text.default_branch:
        return f"Fixes #{text.issue_number}"
    return (
        f"Part of #{text.issue_number}. Merging into `{text.target}` will not close the issue: "
        f"GitHub does that only from the default branch, `{text.default_branch}`."
    )


def _assemble(text: PullText, proof: str) -> str:
    parts = {"issue": issue_line(text), "summary": text.summary, "proof": proof}
    template = (text.template or "").strip()
    if not template or size(template) > COMMENT_LIMIT // 2:
        sections = [parts["issue"], f"## What changed\n\n{text.summary}", f"## Proof\n\n{proof}"]
    else:
        filled, unplaced = _fill(template, parts)
        headings = {"issue": "", "summary": "## What changed\n\n", "proof": "## Proof\n\n"}
        sections = [
            filled,
            *(headings[kind] + parts[kind] for kind in ("issue", "summary", "proof") if kind in unplaced),
        ]
    sections += [text.provenance, str(text.marker)]
    return "\n\n".join(section.strip() for section in sections if section.strip())


def _fill(template: str, parts: dict[str, str]) -> tuple[str, set[str]]:
    """Return the template with each part under the first heading of its kind, and the kinds that found none."""
    unplaced = {kind for kind, content in parts.items() if content}
    result: list[str] = []
    for heading, content in _sections(template):
        kind = next((kind for kind, words in _KINDS if kind in unplaced and words.search(heading)), None)
        if kind in (None, "summary") and "issue" in unplaced and _ASKS_FOR_LINK.search(content):
            kind = "issue"
        if kind is None or _CHECKBOX.search(content):
            result.append(f"{heading}\n{content}".strip("\n"))
            continue
        unplaced.discard(kind)
        # What a comment explains to the author is done with; what the template says openly stays.
        left = _HTML_COMMENT.sub("", content).strip()
        left = (
            ""
            if kind == "issue" and re.fullmatch(r"(?i)(fixes|closes|resolves)?[\s:]*#?\s*(\(issue\))?", left)
            else left
        )
        result.append("\n\n".join(piece for piece in (heading, parts[kind], left) if piece))
    return "\n\n".join(piece for piece in result if piece), unplaced


def _sections(template: str) -> list[tuple[str, str]]:
    """Return (heading line, content) pairs; what stands before the first heading has an empty one."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in template.splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        if not fence and _HEADING.fullmatch(line):
            sections.append((line, []))
        else:
            sections[-1][1].append(line)
    return [(heading, "\n".join(lines)) for heading, lines in sections]
