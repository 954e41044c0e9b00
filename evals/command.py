"""`forgehand eval`: the product measured against data of which the right answer is known."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document
from evals import asking_command
from evals import localise as measures

app = typer.Typer(help="Measure the product against data of which the right answer is known.", no_args_is_help=True)


app.command("ask")(asking_command.command)


@app.callback()
def _all() -> None:
    """Measure the product against data of which the right answer is known."""


@app.command()
def localise(
    data: Annotated[Path, typer.Option(metavar="FILE", help="Issues with base commits and gold places, as JSON.")],
    clones: Annotated[Path, typer.Option(metavar="DIR", help="Clones of their repositories, as owner+name.")],
    misses: Annotated[bool, typer.Option(help="Name the issues whose files are not among the first ten.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How often search puts the places that a known change touched among its first k, with 95% intervals.

    Example: forgehand eval localise --data dev.json --clones ~/clones"""
    try:
        rows = json.loads(data.read_bytes())
    except (OSError, ValueError) as error:
        raise CannotRun(f"--data {data}: {error}") from None
    screen = console(as_json=True)
    with screen.status("Reading repositories") as status:
        found = measures.measure(rows, clones, lambda name: status.update(f"{name}"))
    if as_json:
        document(measures.as_document(found))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    told = {name: measures.figures(outcomes) for name, outcomes in found.items()}
    for measure in next(iter(told.values())).means:
        cells = [one.means[measure] for one in told.values()]
        table.add_row(measure, *(f"{mean:.3f}  ({low:.2f}-{high:.2f})" for mean, low, high in cells))
    table.add_row("query, p50 / p90", *(f"{one.query_ms[0]:.0f} / {one.query_ms[1]:.0f} ms" for one in told.values()))
    out = console()
    out.print(f"{len(rows)} issues; mean and 95% interval")
    out.print(table)
    if misses:
        for outcome in found["forgehand"]:
            for path in outcome.missed:
                out.print(f"missed  {outcome.instance}  {path}")
