"""`forgehand eval authors`: does anything that an inventing author says reach people?"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document
from evals import authors
from evals.asking import QUESTIONS

REPOSITORIES = ("pallets/flask", "gin-gonic/gin", "vitejs/vite")


def command(
    clones: Annotated[Path, typer.Option(metavar="DIR", help="Clones of the repositories, as owner+name.")],
    questions: Annotated[
        Path, typer.Option(metavar="FILE", help="Questions, in the form of evals/asking_questions.yml.")
    ] = QUESTIONS,
    each: Annotated[int, typer.Option(min=1, help="How many questions of each repository.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """A careful and an inventing author answer questions about repositories in Python, Go and TypeScript, played by the
    scripted model; says what of their words is published. Exits with 1 when a published claim is not shown by the lines
    it cites.

    Example: forgehand eval authors --clones ~/clones"""
    played: list[authors.Played] = []
    try:
        rows = yaml.safe_load(questions.read_text("utf-8"))
        with tempfile.TemporaryDirectory(prefix="forgehand-authors-") as cache:
            for ground in authors.grounds_of(clones, rows, REPOSITORIES, Path(cache)):
                asked = [row[0] for row in rows[ground.name]["there"]][:each]
                played += [authors.play(ground, asked, author) for author in authors.AUTHORS]
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise CannotRun(f"--questions {questions}: {error}") from None
    if as_json:
        document([_row(one) for one in played])
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("repository", "author", "questions", "sentences", "published", "changed", "unverified"):
            table.add_column(name, justify="left" if name in ("repository", "author") else "right")
        for one in played:
            counts = (one.questions, one.sentences, one.published, one.changed, len(one.unverified))
            table.add_row(one.ground, one.author, *map(str, counts))
        console().print(table)
        for one in played:
            for claim in one.unverified:
                console().print(f"unverified  {one.ground}  {claim}")
    if any(one.unverified for one in played):
        raise typer.Exit(1)


def _row(one: authors.Played) -> dict[str, Any]:
    return {
        "repository": one.ground,
        "author": one.author,
        "questions": one.questions,
        "sentences": one.sentences,
        "published": one.published,
        "changed": one.changed,
        "unverified": one.unverified,
        "verdicts": dict(one.verdicts),
    }
