"""`forgehand eval ask`: questions of which it is known whether and where their repository answers them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document
from evals import asking


def command(
    clones: Annotated[Path, typer.Option(metavar="DIR", help="Clones of the repositories, as owner+name.")],
    questions: Annotated[
        Path, typer.Option(metavar="FILE", help="Questions, in the form of evals/asking_questions.yml.")
    ] = asking.QUESTIONS,
    misses: Annotated[bool, typer.Option(help="Name the questions that were answered wrongly.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How often ask knows what is not there, and cites a file that answers what is. Exits with 1 when a claim that was
    given carries a citation that does not resolve.

    Example: forgehand eval ask --clones ~/clones --misses"""
    with console(as_json=True).status("Asking") as status:
        try:
            asked = asking.measure(clones, status.update, questions)
        except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
            raise CannotRun(f"--questions {questions}: {error}") from None
    found = asking.parts(asked)
    if as_json:
        document({name: asdict(one) for name, one in found.items()})
    else:
        _print(found)
        for one in asked if misses else ():
            if one.gold and not one.found:
                console().print(f"said not found  {one.repository}  {one.question}")
            elif one.gold and not one.gold_cited:
                console().print(f"cited another   {one.repository}  {one.question}  {', '.join(one.cited[:3])}")
            elif not one.gold and one.found:
                console().print(f"answered        {one.repository}  {one.question}  {', '.join(one.cited[:3])}")
    if found["all"].unverified:
        raise typer.Exit(1)


def _print(found: dict[str, asking.Figures]) -> None:
    table = Table(box=None, pad_edge=False)
    columns = ("", "asked", "absent", "prec.", "recall", "cited", "claims", "bad", "p50")
    for name in columns:
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for name, one in found.items():
        table.add_row(
            name, str(one.questions), str(one.absent), _share(one.precision), _share(one.recall),
            _share(one.gold_cited), str(one.claims), str(one.unverified), f"{one.p50_ms:.0f} ms",
        )  # fmt: skip
    console().print('prec. and recall: of "not found"; cited: a right file; bad: claims whose citations lead nowhere')
    console().print(table)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
