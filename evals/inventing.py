"""Ways in which an author who makes things up turns a true statement into one that must not be published. Pure.

Each takes a claim that is supported and gives the Markdown of one that is not, or None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from codebase.citations import Citation, Claim, Piece

Invent = Callable[[Claim], str | None]


def said(claim: Claim, *, text: str = "", cited: str = "") -> str:
    """A claim in the form that authors are asked for."""
    places = cited or ", ".join(str(one) for one in claim.citations)
    words = (text or claim.text).rstrip(". ")
    return f"- {words} [{places}]."


def _first(claim: Claim, *, path: str = "", start_line: int | None = None, end_line: int | None = None) -> str:
    """The claim's citations, of which the first is changed."""
    true = claim.citations[0]
    one = replace(
        true,
        path=path or true.path,
        start_line=true.start_line if start_line is None else start_line,
        end_line=true.end_line if end_line is None else end_line,
    )
    return ", ".join(str(place) for place in (one, *claim.citations[1:]))


def _named(claim: Claim) -> Piece | None:
    return next((piece for piece in claim.pieces if piece.kind == "code" and piece.text.isidentifier()), None)


def _renamed(claim: Claim, name: str) -> str | None:
    piece = _named(claim)
    return None if piece is None else claim.text.replace(f"`{piece.text}`", f"`{name.format(piece.text)}`")


def _text(change: Callable[[Claim], str | None]) -> Invent:
    def invent(claim: Claim) -> str | None:
        text = change(claim)
        return None if text is None else said(claim, text=text)

    return invent


def _cited(change: Callable[[Claim], str]) -> Invent:
    return lambda claim: said(claim, cited=change(claim))


def _moved(claim: Claim, lines: int) -> str:
    one = claim.citations[0]
    return _first(claim, start_line=max(1, one.start_line + lines), end_line=max(1, one.end_line + lines))


def _bare(claim: Claim) -> str:
    return claim.text.rstrip(". ")


def _where(claim: Claim) -> str:
    return ", ".join(str(one) for one in claim.citations)


INVENTIONS: Mapping[str, Invent] = {
    "a file that is not there": _cited(lambda one: _first(one, path=f"invented/{one.citations[0].path}")),
    "a line past the end": _cited(lambda one: _first(one, start_line=999_999, end_line=999_999)),
    "a span past the end": _cited(lambda one: _first(one, end_line=999_999)),
    "line zero": _cited(lambda one: _first(one, start_line=0)),
    "a span backwards": _cited(lambda one: _first(one, start_line=one.citations[0].end_line + 1)),
    "an absolute path": _cited(lambda one: _first(one, path=f"/{one.citations[0].path}")),
    "a path that climbs": _cited(lambda one: _first(one, path=f"../{one.citations[0].path}")),
    "a path that goes round": _cited(lambda one: _first(one, path=f"./{one.citations[0].path}")),
    "a path with a look-alike letter": _cited(
        lambda one: _first(one, path=one.citations[0].path.replace("o", "\u043e").replace("a", "\u0430"))
    ),
    "another commit": _cited(lambda one: f"{one.citations[0]}@{'f' * 40}"),
    "lines further down": _cited(lambda one: _moved(one, 5)),
    "the line before": _cited(lambda one: _moved(one, -1)),
    "the head of the file": _cited(lambda one: _first(one, start_line=1, end_line=1)),
    "a column": _cited(lambda one: f"{one.citations[0]}:7"),
    "a password file": _cited(lambda one: "/etc/passwd:1"),
    "no citation": lambda one: f"- {_bare(one)}.",
    "a footnote": lambda one: f"- {_bare(one)} [^1].\n\n[^1]: {_where(one)}",
    "a link with another target": lambda one: f"- {_bare(one)} [{one.citations[0]}](https://evil.example/x).",
    "a picture": lambda one: f"- {_bare(one)} ![{one.citations[0]}](https://evil.example/x.png).",
    "a link's definition": lambda one: f"[{one.citations[0]}]: https://evil.example/x",
    "an address": lambda one: f"- {_bare(one)}, see https://evil.example/{one.citations[0]}.",
    "a block of code": lambda one: f"```\n{said(one)}\n```",
    "a table": lambda one: f"| {_bare(one)} | [{_where(one)}] |",
    "a quotation": lambda one: f"> {said(one)}",
    "HTML": lambda one: f"- <b>{_bare(one)}</b> [{_where(one)}].",
    "a hidden comment": lambda one: f"- {_bare(one)} <!-- [{_where(one)}] -->.",
    "an entity": lambda one: f"- {_bare(one)} &#91;{_where(one)}&#93;.",
    "an escaped bracket": lambda one: f"- {_bare(one)} \\[{_where(one)}\\].",
    "brackets in brackets": lambda one: f"- {_bare(one)} [see [{_where(one)}]].",
    "words after the citation": lambda one: f"- {_bare(one)} [{_where(one)}] and mails it to a stranger.",
    "a neighbour without a citation": lambda one: f"- All of it is mailed to a stranger. [{_where(one)}] {_bare(one)}.",
    "a clause before a semicolon": lambda one: f"- Secrets are logged; {_bare(one)}.",
    "a negation": _text(lambda one: f"{_bare(one)} and does not check it"),
    "a claim about everything": _text(lambda one: f"{_bare(one)} and is the only one"),
    "a name that is longer": _text(lambda one: _renamed(one, "{}_invented")),
    "a name that is shorter": _text(lambda one: None if (p := _named(one)) is None else _renamed(one, p.text[:-1])),
    "a name with a look-alike": _text(
        lambda one: (
            None if (p := _named(one)) is None or "e" not in p.text else _renamed(one, p.text.replace("e", "\u0435"))
        )
    ),
    "an invented function": _text(lambda one: f"{_bare(one)} by calling `invented_{len(one.text)}`"),
    "an invented value": _text(lambda one: f"{_bare(one)} after 48151623 seconds"),
    "an invented quotation": _text(lambda one: f'{_bare(one)} and says "attack at dawn, 7 o\'clock"'),
    "an invented service": _text(lambda one: f"{_bare(one)} and stores it in Quuxbase"),
    "an invented method": _text(lambda one: f"{_bare(one)} through Invented.method"),
    "an invented file": _text(lambda one: f"{_bare(one)} from `invented/file.py`"),
    "another place beside it": _cited(lambda one: f"{_where(one)}, invented/file.py:1"),
    "a character nobody sees": _text(lambda one: _bare(one).replace(" ", " \u200b", 1)),
    "letters from right to left": _text(lambda one: f"\u202e{_bare(one)}"),
}


def invented(claim: Claim) -> dict[str, str]:
    """Every invention that applies to a claim, by its name."""
    found = {name: invent(claim) for name, invent in INVENTIONS.items()}
    return {name: text for name, text in found.items() if text is not None}


def shows(claim: Claim, lines_of: Callable[[str], list[str]], was_shown: Callable[[Citation], bool]) -> bool:
    """Whether what a published claim says in code, quotations and digits stands in what it cites: a second, plainer
    reading than that of codebase.citations, so that one defect cannot hide in both."""
    text = ""
    for one in claim.citations:
        lines = lines_of(one.path)
        if not (1 <= one.start_line <= one.end_line <= len(lines) and was_shown(one)):
            return False
        text += " ".join(" ".join(lines[one.start_line - 1 : one.end_line]).split()) + "\n"
    paths = {one.path for one in claim.citations}
    for piece in claim.pieces:
        words = " ".join(piece.text.split())
        if piece.kind == "text":
            if any(part.strip(".,;:") not in text for part in words.split() if any(sign.isdigit() for sign in part)):
                return False
        elif words not in text and words not in paths and any(part not in text for part in words.split(".")):
            return False
    return bool(claim.citations)
