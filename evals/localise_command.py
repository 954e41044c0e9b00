"""`forgehand eval localise`: search measured on issues of which it is known what was changed for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document, printable
from codebase.index.reranking import Embedder
from evals import from_history, localise, static_vectors
from repositories import RepositoryError

Rows = list[dict[str, Any]]


def command(
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Issues with base commits and gold places, as JSON.")
    ] = None,
    clones: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Clones of their repositories, as owner+name.")
    ] = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            "--from-history", metavar="CLONE", help="Make the issues from this repository's commits. May be repeated."
        ),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many issues to make from each history.")] = 40,
    ablate: Annotated[bool, typer.Option(help="Also leave each part of the ranking out in turn.")] = False,
    second_look: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also with the word vectors in DIR (evals/static_vectors.py)."),
    ] = None,
    misses: Annotated[bool, typer.Option(help="Name the issues whose files are not among the first ten.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How often search puts the places that a known change touched among its first k, with 95% intervals.

    Example: forgehand eval localise --data dev.json --clones ~/clones
    Example: forgehand eval localise --from-history ~/flask --from-history ~/click --ablate"""
    screen = console(as_json=True)
    with screen.status("Reading repositories") as status:
        rows, where = _asked(data, clones, history or [], most)
        contenders = {**localise.CONTENDERS, **(localise.ABLATIONS if ablate else {})}
        found = localise.measure(
            rows, where, lambda name: status.update(printable(name)), contenders, _model(second_look)
        )
    if as_json:
        document(localise.as_document(found))
        return
    out = console()
    out.print(f"{len(rows)} issues; mean and 95% interval")
    out.print(_figures({name: found[name] for name in localise.CONTENDERS}))
    if len(found) > len(localise.CONTENDERS):
        out.print("\nDifference to forgehand, issue by issue; mean and 95% interval")
        out.print(_differences({name: found[name] for name in found if name not in list(localise.CONTENDERS)[1:]}))
    if misses:
        for outcome in found["forgehand"]:
            for path in outcome.missed:
                out.print(f"missed  {printable(outcome.instance)}  {printable(path)}")


def _asked(
    data: Path | None, clones: Path | None, history: Sequence[Path], most: int
) -> tuple[Rows, Callable[[str], Path]]:
    """The issues, and where a repository's clone is."""
    if bool(history) == (data is not None) or (data is None) != (clones is None):
        raise CannotRun("Give issues with --data FILE and --clones DIR, or repositories with --from-history CLONE")
    if data is not None and clones is not None:
        try:
            rows: Rows = json.loads(data.read_bytes())
        except (OSError, ValueError) as error:
            raise CannotRun(f"--data {data}: {error}") from None
        folder = clones
        return rows, lambda name: localise.clone_in(folder, name)
    by_name = {clone.resolve().name.replace("+", "/"): clone.resolve() for clone in history}
    rows = []
    for name, clone in by_name.items():
        try:
            rows += from_history.instances(from_history.git_dir(clone), name, most=most)
        except RepositoryError as error:
            raise CannotRun(f"--from-history {clone}: {error}") from None
    if not rows:
        raise CannotRun("No commit of these histories changes code and tests and says why in at least twenty words")
    return rows, lambda name: from_history.git_dir(by_name[name])


def _model(folder: Path | None) -> Embedder | None:
    if folder is None:
        return None
    try:
        return static_vectors.embedder(folder)
    except (OSError, ValueError) as error:
        raise CannotRun(f"--second-look {folder}: {error}") from None


def _figures(found: Mapping[str, list[localise.Outcome]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("", *found):
        table.add_column(name, justify="right" if name else "left")
    told = {name: localise.figures(outcomes) for name, outcomes in found.items()}
    for measure in next(iter(told.values())).means:
        cells = [one.means[measure] for one in told.values()]
        table.add_row(measure, *(f"{mean:.3f}  ({low:.2f}-{high:.2f})" for mean, low, high in cells))
    table.add_row("query, p50 / p90", *(f"{one.query_ms[0]:.0f} / {one.query_ms[1]:.0f} ms" for one in told.values()))
    return table


def _differences(found: Mapping[str, list[localise.Outcome]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in list(found)[1:]:
        told = localise.differences(found["forgehand"], found[name])
        for number, (measure, (mean, low, high)) in enumerate(told.items()):
            table.add_row("" if number else name, measure, f"{mean:+.3f}", f"({low:+.2f} to {high:+.2f})")
    return table
