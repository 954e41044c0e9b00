"""`forgehand eval tests`: how well tests are chosen for a change, on repositories' own history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document, printable
from evals import choosing_tests
from evals.localise import Outcome, as_document, figures
from repositories import RepositoryError


def command(
    repo: Annotated[list[Path], typer.Option(metavar="CLONE", help="A clone with its history. May be repeated.")],
    most: Annotated[int, typer.Option(min=1, help="How many changes of each to judge.")] = 100,
    scan: Annotated[int, typer.Option(min=1, help="Among how many of the newest steps of the main line.")] = 1_500,
    misses: Annotated[bool, typer.Option(help="Name the tests that are not among the first ten.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How often the tests that went in with a change are among the first k chosen for it, with 95% intervals: by the
    map, by the map without the past, and by the naming convention alone.

    The map is that of the change's parent, and does not see the change's own tests.

    Example: forgehand eval tests --repo ~/flask --repo ~/pytest"""
    screen = console(as_json=True)
    with screen.status("Reading repositories") as status:
        try:
            found = choosing_tests.measure(repo, most=most, scan=scan, told=lambda line: status.update(printable(line)))
        except RepositoryError as error:
            raise CannotRun(str(error)) from None
    judged = {name: outcomes for name, outcomes in found.items() if all(outcomes.values())}
    if not judged:
        raise CannotRun("No change of these histories touches code and modifies tests that were there before")
    if as_json:
        document({name: as_document(outcomes) for name, outcomes in (*judged.items(), ("all", _all(judged)))})
        return
    out = console()
    for name, outcomes in (*judged.items(), ("all", _all(judged))):
        number = len(next(iter(outcomes.values())))
        out.print(f"\n{printable(name)}: {number} changes; mean and 95% interval", style="bold")
        out.print(_table(outcomes))
    if misses:
        for name, outcomes in judged.items():
            for one in outcomes["map"]:
                for path in one.missed:
                    out.print(f"missed  {printable(name)}  {one.instance[:12]}  {printable(path)}")


def _all(found: Mapping[str, Mapping[str, Sequence[Outcome]]]) -> dict[str, list[Outcome]]:
    """Every repository's changes together; each change counts the same."""
    return {
        contender: [one for outcomes in found.values() for one in outcomes[contender]]
        for contender in choosing_tests.CONTENDERS
    }


def _table(outcomes: Mapping[str, Sequence[Outcome]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("", *outcomes):
        table.add_column(name, justify="right" if name else "left")
    told = {name: figures(one) for name, one in outcomes.items()}
    for measure in next(iter(told.values())).means:
        cells = (one.means[measure] for one in told.values())
        table.add_row(measure, *(f"{mean:.3f}  ({low:.2f}-{high:.2f})" for mean, low, high in cells))
    table.add_row("time, p50 / p90", *(f"{one.query_ms[0]:.0f} / {one.query_ms[1]:.0f} ms" for one in told.values()))
    return table
