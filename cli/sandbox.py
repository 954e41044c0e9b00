"""`forgehand sandbox`: does the wall of a backend hold, and how fast is it? For any backend, by its contract alone."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from cli.errors import CannotRun
from cli.output import console, document, printable
from sandboxes import Backend
from sandboxes.checking import CHECKS, THEMES, Check, Ground, Result, Theme, perform
from sandboxes.checking.ground import SPEC
from sandboxes.contract import LIMITS
from settings import load_settings
from workers.backends import make_backend

BackendOption = Annotated[
    Literal["local", "docker", "kubernetes"] | None, typer.Option(help="Default: FORGEHAND_SANDBOX.")
]
ImageOption = Annotated[str | None, typer.Option(metavar="NAME", help="Default: the backend's own.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

app = typer.Typer(help="Show that a sandbox backend holds, and how fast it is.", no_args_is_help=True)
_STYLES = {"held": "green", "breached": "bold red", "not run": "yellow"}


def chosen(backend: str | None) -> Backend:
    """The backend of the settings, or another one of theirs. SandboxUnavailable, LimitUnenforceable."""
    return make_backend(load_settings(**({} if backend is None else {"sandbox": backend})))


@app.command()
def check(
    backend: BackendOption = None,
    image: ImageOption = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="THEME", help=f"One of {', '.join(THEMES)}; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make every check of the contract, the limits and the walls against a live backend.

    The attacks among the checks are harmless where they succeed, and no box but the checks' own is touched. A check
    that needs what the image lacks (python3) is reported as not run, never as passed. The exit status is 0 when every
    check held and every limit has a means that imposes it, 1 when not, 2 when no box could be made.

    Example: forgehand sandbox check --backend docker --only walls --only network"""
    themes = _themes(only)
    found = chosen(backend)
    checks = [one for one in CHECKS if one.theme in themes]
    with Ground(found, replace(SPEC, image=image)) as ground:
        isolation = ground.box.isolation
        means = found.enforcement()
        results = _perform(checks, ground, console(as_json=True))
    unenforced = [limit for limit in LIMITS if limit not in means]
    if as_json:
        document({"backend": found.name, "isolation": isolation, **report(results, unenforced)})
    else:
        _show(console(), found.name, isolation, results, unenforced)
    raise typer.Exit(0 if not unenforced and all(result.outcome == "held" for result in results) else 1)


def _themes(only: Sequence[str] | None) -> Sequence[Theme]:
    for theme in only or ():
        if theme not in THEMES:
            raise CannotRun(f"--only {printable(theme)}: there is no such theme. Choose from {', '.join(THEMES)}")
    return [theme for theme in THEMES if not only or theme in only]


def _perform(checks: Sequence[Check], ground: Ground, screen: Console) -> list[Result]:
    """Makes the checks one after the other; on a terminal a line says which."""
    results = []
    columns = (SpinnerColumn(), TextColumn("{task.completed}/{task.total}  {task.description}"))
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("", total=len(checks))
        for one in checks:
            progress.update(task, description=f"{one.theme}: {one.name}")
            results.append(perform(one, ground))
            progress.advance(task)
    return results


def report(results: Sequence[Result], unenforced: Sequence[str]) -> dict[str, Any]:
    """The promised keys, and what could not be checked apart from them: it has neither passed nor failed."""

    def entry(result: Result) -> dict[str, Any]:
        return {
            "name": result.check.name,
            "theme": result.check.theme,
            "passed": result.outcome == "held",
            "seconds": round(result.seconds, 3),
            "detail": result.detail,
        }

    made = [result for result in results if result.outcome != "not run"]
    return {
        "passed": sum(result.outcome == "held" for result in made),
        "failed": sum(result.outcome == "breached" for result in made),
        "unenforced": list(unenforced),
        "checks": [entry(result) for result in made],
        "not_run": [entry(result) for result in results if result.outcome == "not run"],
    }


def _show(screen: Console, backend: str, isolation: str, results: Sequence[Result], unenforced: Sequence[str]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in ("outcome", "check", "seconds"):
        table.add_column(no_wrap=False)
    table.add_column(overflow="fold", style="dim")
    for theme, of_theme in groupby(results, key=lambda result: result.check.theme):
        table.add_row("", f"\n{theme}", style="bold")
        for result in of_theme:
            style = _STYLES[result.outcome]
            table.add_row(
                result.outcome, result.check.name, f"{result.seconds:5.1f} s", printable(result.detail), style=style
            )
    screen.print(table, soft_wrap=False)
    held, breached, not_run = (sum(r.outcome == outcome for r in results) for outcome in _STYLES)
    screen.print(f"\n{backend} ({isolation}): {held} held, {breached} breached, {not_run} not run")
    for limit in unenforced:
        screen.print(f"the limit {limit} is not enforced by this backend", style="bold red")
