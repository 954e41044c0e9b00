"""`forgehand ask`: a question about a repository, answered with the lines that show it, or "not found"."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import CannotRun
from cli.output import console, document, printable
from cli.repository import opened
from codebase.asking import Answer, answer
from codebase.asking.question import LONGEST
from codebase.citations import Citation


def command(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know about the code.")],
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A git clone, or any folder with code.")],
    rev: Annotated[str, typer.Option(help="The commit to ask about, in a git clone.")] = "HEAD",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Answer a question about a repository. Every statement carries the file and line where it can be checked.

    Exits with 1 and says "not found" when the code holds no answer.

    Example: forgehand ask --repo . "Where is the session cookie signed?" """
    if not question.strip():
        raise CannotRun("The question is empty. Say what you want to know")
    if len(question) > LONGEST:
        raise CannotRun(f"The question has {len(question):,} characters, {LONGEST:,} at most are read. Shorten it")
    began = time.monotonic()
    with opened(repo, rev, show_progress=not as_json) as one:
        found = answer(question, one.corpus, one.contents, one.links_of, commit=one.commit)
        if as_json:
            document(as_json_document(found, one.commit, time.monotonic() - began))
        else:
            _print(found)
    if not found.found:
        raise typer.Exit(1)


def as_json_document(found: Answer, commit: str, seconds: float) -> dict[str, Any]:
    return {
        "found": found.found,
        "question": found.question,
        "commit": commit or None,
        "answer": [
            {"text": claim.text, "citations": _places(claim.citations), "block": claim.block} for claim in found.claims
        ],
        "reason": found.reason or None,
        "places": _places(found.places),
        "seconds": round(seconds, 3),
    }


def _places(citations: Sequence[Citation]) -> list[dict[str, Any]]:
    return [{"path": one.path, "start_line": one.start_line, "end_line": one.end_line} for one in citations]


def _print(found: Answer) -> None:
    screen = console()
    if not found.found:
        screen.print(f"Not found: {printable(found.reason)}.")
        if found.places:
            screen.print("The places that come closest:")
        for place in found.places:
            screen.print(f"  {printable(str(place))}")
        return
    block = found.claims[0].block
    for claim in found.claims:
        if claim.block != block:
            screen.print()
            block = claim.block
        cited = ", ".join(str(one) for one in claim.citations)
        screen.print(f"{printable(claim.text)}\n    {printable(cited)}")
