"""`forgehand readiness`: what an agent finds to check its work with in a repository, with evidence and what to add."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.errors import CannotRun
from cli.output import console, document, printable
from cli.repository import tree_of
from codebase import Source
from codebase.facts import facts_of
from codebase.index import Contents
from codebase.readiness import Report, as_markdown, files_to_read, report

_COLOURS = {"enforced": "green", "present": "cyan", "partial": "yellow", "missing": "red"}


def command(
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A git clone, or any folder with code.")],
    rev: Annotated[str, typer.Option(help="The commit to look at, in a git clone.")] = "HEAD",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request or a wiki.")] = False,
) -> None:
    """Report how ready a repository is for an agent: eight kinds of validation, each with evidence and what to do next.

    A kind is "enforced" where CI runs it before a merge and fails by it. Nothing of the repository is run; no model,
    no network. The exit status is 1 when a kind is missing.

    Example: forgehand readiness --repo . --markdown > readiness.md"""
    if as_json and markdown:
        raise CannotRun("--json and --markdown cannot both be printed. Choose one")
    found = _report(repo, rev)
    if as_json:
        document(_writable(found.to_json()))
    elif markdown:
        sys.stdout.write(as_markdown(found).encode("utf-8", "replace").decode())
    else:
        _show(found)
    if found.count("missing"):
        raise typer.Exit(1)


def _writable(value: Any) -> Any:
    """Plain data with what is no text in names of files written out, as `\\udcff`."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _writable(item) for key, item in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list) else value


def _report(repo: Path, rev: str) -> Report:
    tree, _ = tree_of(repo, rev)
    contents = Contents(tree)
    paths = list(contents.files)
    contents.load(files_to_read(paths))
    source = Source(lambda: paths, contents.read)
    return report(facts_of(source), source)


def _show(found: Report) -> None:
    screen = console()
    screen.print(f"{found.summary}. Judged for {found.language or 'no language'}.\n")
    table = Table(box=None, pad_edge=False, show_header=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("evidence", overflow="fold")
    for one in found.assessments:
        lines = [printable(f"{sign.text}  {sign.place}") for sign in one.signs]
        lines += [printable(one.note)] if one.note else []
        table.add_row(one.kind, Text(one.state, style=_COLOURS[one.state]), "\n".join(lines))
    screen.print(table)
    _next(found)
    for text in found.blind:
        screen.print(f"Not read: {printable(text)}")


def _next(found: Report) -> None:
    screen = console()
    for one in (one for one in found.assessments if one.todo):
        screen.print(f"\n{one.kind}: {one.why}")
        for step in one.todo:
            screen.print(f"  - {printable(step)}")
