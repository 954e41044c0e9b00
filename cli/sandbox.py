"""`forgehand sandbox`: does the wall of a backend hold, and how fast is it? For any backend, by its contract alone."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from cli import sandbox_bench
from cli.errors import CannotRun
from cli.output import console, document, printable
from sandboxes import Backend, SandboxSpec
from sandboxes.checking import CHECKS, THEMES, Check, Ground, Result, Theme, perform
from sandboxes.checking.ground import SPEC
from sandboxes.contract import LIMITS
from sandboxes.measuring import Peers, measure
from sandboxes.measuring.bench import Rounds
from sandboxes.measuring.boxes import new_name
from settings import Settings, load_settings
from workers.backends import make_backend

BackendOption = Annotated[
    Literal["local", "docker", "kubernetes"] | None, typer.Option(help="Default: FORGEHAND_SANDBOX.")
]
ImageOption = Annotated[str | None, typer.Option(metavar="NAME", help="Default: the backend's own.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

app = typer.Typer(help="Show that a sandbox backend holds, and how fast it is.", no_args_is_help=True)
_STYLES = {"held": "green", "breached": "bold red", "not run": "yellow"}


def chosen(backend: str | None, image: str | None) -> tuple[Backend, Settings]:
    """The backend of the settings, or another one, or with another image. SandboxUnavailable, LimitUnenforceable."""
    given = {"sandbox": backend, "sandbox_image": image}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    return make_backend(settings), settings


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
    check was made and held and every limit has a means that imposes it, 1 when not, 2 when no box could be made.

    Example: forgehand sandbox check --backend docker --only walls --only network"""
    themes = _themes(only)
    found, _ = chosen(backend, image)
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


@app.command()
def bench(
    backend: BackendOption = None,
    image: ImageOption = None,
    boxes: Annotated[int, typer.Option(min=1, max=1000, help="How many boxes are made at once.")] = 50,
    peers: Annotated[bool, typer.Option("--peers", help="Measure docker and SWE-ReX beside it, on --image.")] = False,
    peer_image: Annotated[
        str | None, typer.Option(metavar="NAME", help="The same image in docker, where its name differs there.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the rounds: a look, no figures to quote.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure a backend: boxes, commands, warm claims, trees, memory. Nothing else should run on the machine.

    The overhead of a command is the time its caller waits for /bin/true, less what /bin/true takes itself: that is a
    200th of the time in which one shell of the same box runs it 200 times, measured inside. Create to first command is
    from asking for a box to the answer of its first command. A warm claim is from asking a full pool for a box to the
    same answer. With --peers, `docker run`, `docker exec` and SWE-ReX (from PyPI, below ~/.cache/forgehand) are
    measured on the same image in turns with ours, less the same time of the program. The exit status is 1 when a box
    of those at once could not be made, 2 when there was nothing to measure.

    Example: forgehand sandbox bench --backend docker --image python:3.12 --peers"""
    found, settings = chosen(backend, image)
    spec = replace(_BENCH, image=image)
    rounds = Rounds(boxes=boxes)
    if quick:
        rounds = Rounds(creations=2, commands=50, slow_commands=5, throughput=1, claims=3, boxes=boxes)
    beside = _peers(found, spec, peer_image or settings.sandbox_image) if peers else None
    with sandbox_bench.progress(console(as_json=True)) as told:
        figures = measure(found, spec, rounds, beside, told)
    if as_json:
        document({"backend": found.name, "image": settings.sandbox_image or None, **sandbox_bench.report(figures)})
    else:
        sandbox_bench.show(console(), found.name, figures)
    raise typer.Exit(1 if figures.at_once.errors else 0)


_BENCH = SandboxSpec(memory_bytes=256 << 20, disk_bytes=128 << 20, processes=128, lifetime_s=3600.0)


def _peers(backend: Backend, spec: SandboxSpec, image: str) -> Peers:
    """The peers on the image of the boxes, on the runtime of the backend where it is Docker's."""
    if not image:
        raise CannotRun("--peers: there is no image to run them on. Name one with --image")
    with backend.create(spec, name=new_name()) as box:
        isolation = box.isolation
    runtime = isolation.removeprefix("docker (").removesuffix(")") if isolation.startswith("docker (") else "runc"
    return Peers(image, runtime)


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
    screen.print(f"\n{sandbox_bench.titled(backend, isolation)}: {held} held, {breached} breached, {not_run} not run")
    for limit in unenforced:
        screen.print(f"the limit {limit} is not enforced by this backend", style="bold red")
