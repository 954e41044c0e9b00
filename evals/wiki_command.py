"""`forgehand eval wiki`: what is published of a careful author and of one that makes things up; do all links lead?"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli import solve_folder
from cli.errors import CannotRun
from cli.output import console, document
from evals.wiki_authors import Written, measure


def command(
    clones: Annotated[list[str], typer.Argument(metavar="NAME=DIR", help="Clones of repositories, each with a name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write each repository's wiki twice, with two scripted authors. Exits with 1 when a sentence was published that
    its lines do not show, when anything of the author that makes things up was, or when a link leads nowhere.

    Example: forgehand eval wiki flask=/clones/flask gin=/clones/gin"""
    found: list[Written] = []
    for given in clones:
        name, _, directory = given.partition("=")
        if not directory or not solve_folder.is_repository(Path(directory)):
            raise CannotRun(f"{given}: name a clone as NAME=DIR")
        with tempfile.TemporaryDirectory(prefix="forgehand-wiki-") as folder, console(as_json=True).status(name):
            found += measure(Path(directory).resolve(), name, Path(folder))
    if as_json:
        document([asdict(one) for one in found])
    else:
        table = Table(box=None, pad_edge=False)
        for field in fields(Written):
            table.add_column(field.name)
        for one in found:
            table.add_row(*(str(value) for value in asdict(one).values()))
        console().print(table)
    if any(one.unverified or one.broken or (one.author == "careless" and one.published) for one in found):
        raise typer.Exit(1)
