"""`forgehand ask`: a question about a repository, answered with the lines that show it, or "not found"."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.asking import Authored, Library, Notes, Purse, write_answer
from agent.contract import BudgetExhausted
from agent.model import ContextExceeded, ModelRejected, ModelUnavailable
from cli.errors import CannotRun
from cli.output import console, document, printable
from cli.repository import opened
from codebase.asking import Answer, IndexedTree, answer
from codebase.asking.question import LONGEST
from codebase.citations import Citation
from settings import load_settings
from workers.models import Models

TOKENS_AT_MOST = 200_000


def command(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know about the code.")],
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A git clone, or any folder with code.")],
    rev: Annotated[str, typer.Option(help="The commit to ask about, in a git clone.")] = "HEAD",
    model: Annotated[
        str | None, typer.Option(help="As LiteLLM names it, or scripted:FILE; default: none, the code speaks.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Answer a question about a repository. Every statement carries the file and line where it can be checked.

    Exits with 1 and says "not found" when the code holds no answer. With --model a model words the answer, and whatever
    of it cannot be shown in the lines it cites is left out.

    Example: forgehand ask --repo . "Where is the session cookie signed?" """
    if not question.strip():
        raise CannotRun("The question is empty. Say what you want to know")
    if len(question) > LONGEST:
        raise CannotRun(f"The question has {len(question):,} characters, {LONGEST:,} at most are read. Shorten it")
    began = time.monotonic()
    with opened(repo, rev, show_progress=not as_json) as one:
        found = Authored(answer(question, one))
        if model is not None:
            found = _written(found.answer, one, model)
        if as_json:
            document(as_json_document(found, one.commit, time.monotonic() - began))
        else:
            _print(found)
    if not found.answer.found:
        raise typer.Exit(1)


def _written(start: Answer, one: IndexedTree, model: str) -> Authored:
    """The answer a model gives. CannotRun when none can be had."""
    settings = load_settings(model=model, models={}, model_fallbacks=())
    models = Models(settings)
    purse = Purse(Decimal(str(settings.task_budget_usd)), min(TOKENS_AT_MOST, settings.task_budget_tokens))
    library = Library(one.corpus, one.contents, one.commit)
    try:
        return write_answer(start, library, models.client(), ledger=purse, journal=Notes(), window="ask")
    except (ModelUnavailable, ModelRejected, ContextExceeded, BudgetExhausted) as error:
        raise CannotRun(f"--model {model}: {error}. Without --model the code itself answers") from None
    finally:
        models.close()


def as_json_document(found: Authored, commit: str, seconds: float) -> dict[str, Any]:
    answer = found.answer
    return {
        "found": answer.found,
        "question": answer.question,
        "commit": commit or None,
        "answer": [
            {"text": claim.text, "citations": _places(claim.citations), "block": claim.block} for claim in answer.claims
        ],
        "reason": answer.reason or None,
        "places": _places(answer.places),
        "models": list(found.models),
        "dropped": [{"text": claim.text, "verdict": claim.verdict, "reason": claim.reason} for claim in found.dropped],
        "tokens": found.tokens,
        "cost_usd": float(found.cost_usd),
        "seconds": round(seconds, 3),
    }


def _places(citations: Sequence[Citation]) -> list[dict[str, Any]]:
    return [{"path": one.path, "start_line": one.start_line, "end_line": one.end_line} for one in citations]


def _print(found: Authored) -> None:
    screen, answer = console(), found.answer
    if not answer.found:
        screen.print(f"Not found: {printable(answer.reason)}.")
        if answer.places:
            screen.print("The places that come closest:")
        for place in answer.places:
            screen.print(f"  {printable(str(place))}")
        return
    block = answer.claims[0].block
    for claim in answer.claims:
        if claim.block != block:
            screen.print()
            block = claim.block
        screen.print(printable(claim.text))
        if claim.citations:
            screen.print(f"    {printable(', '.join(str(one) for one in claim.citations))}")
    if answer.reason:
        screen.print(f"\nBut {printable(answer.reason)}.")
    if found.dropped:
        screen.print(f"\nLeft out: {len(found.dropped)} statements of the model that its citations do not show.")
