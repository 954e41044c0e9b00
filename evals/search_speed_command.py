"""`forgehand eval search-speed`: how fast search is, beside its peers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document
from evals import search_speed
from evals.bars import Bar, drawn


def command(
    repo: Annotated[Path, typer.Option(metavar="CLONE", help="The repository that is indexed and asked.")],
    large: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of several million lines, for the memory.")
    ] = None,
    peers: Annotated[
        Path | None, typer.Option(metavar="PYTHON", help="A Python that has aider-chat and bm25s installed.")
    ] = None,
    chart: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the figures into this SVG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Cold index, warm query, a push of 100 files and memory, beside aider's repository map, a plain BM25 and ripgrep.

    Example: forgehand eval search-speed --repo ~/sqlalchemy --peers ~/peers/bin/python --chart docs/search-speed.svg"""
    if not repo.is_dir():
        raise CannotRun(f"--repo {repo}: there is no such folder")
    with console(as_json=True).status("") as status:
        try:
            speed = search_speed.measure(repo.resolve(), status.update, large=large, peers=peers)
        except search_speed.PartFailed as error:
            raise CannotRun(str(error)) from None
    found = search_speed.as_document(speed)
    if chart is not None:
        chart.write_text(drawn(_title(repo, found), _bars(found)))
    if as_json:
        document(found)
    else:
        _print(found)


def _title(repo: Path, found: dict[str, Any]) -> str:
    return f"A query over {found['cold_index']['lines']:,} lines ({repo.name}), milliseconds, median"


def _bars(found: dict[str, Any]) -> list[Bar]:
    bars = [Bar("forgehand", found["warm_query_ms"]["p50"], f"index {found['cold_index']['seconds']} s")]
    for name, peer in found["peers"].items():
        if not isinstance(peer, str):
            note = f"index {peer['index_s']} s" if peer["index_s"] else "no index"
            bars.append(Bar(name, peer["query_ms"]["p50"], note))
    return bars


def _print(found: dict[str, Any]) -> None:
    out = console()
    cold = found["cold_index"]
    for name, part in (("cold index", cold), ("large folder", found["large"])):
        if part is not None:
            out.print(
                f"{name}: {part['lines']:,} lines ({part['python_lines']:,} of Python) in {part['seconds']} s, "
                f"{part['lines_per_s']:,} lines/s; at most {part['peak_mb']} MB, "
                f"serving process {part['serving_mb']} MB"
            )
    out.print(f"first answer of a new process: {found['first_answer_from_cache_s']} s")
    push = found["push"]
    out.print(f"push of {push['files']} files: {push['seconds']} s; to be searched {push['searchable_s']} s")
    table = Table(box=None, pad_edge=False)
    for column in ("", "index", "query p50", "p90", "memory"):
        table.add_column(column, justify="right" if column else "left")
    query = found["warm_query_ms"]
    table.add_row(
        "forgehand", f"{cold['seconds']} s", f"{query['p50']} ms", f"{query['p90']} ms", f"{cold['peak_mb']} MB"
    )
    for name, peer in found["peers"].items():
        if isinstance(peer, str):
            table.add_row(name, peer)
        else:
            memory = f"{peer['peak_mb']} MB" if "peak_mb" in peer else ""
            took = peer["query_ms"]
            table.add_row(name, f"{peer['index_s']} s", f"{took['p50']} ms", f"{took['p90']} ms", memory)
    out.print(table)
