"""`forgehand sandbox bench`: the figures of a backend as the promised document, or as bars for people."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from cli.output import printable
from sandboxes.measuring import Figures, Spread
from sandboxes.measuring.bench import OURS, Told

_BAR = 20
_DIGITS = 3


def report(figures: Figures) -> dict[str, Any]:
    """The promised keys, and the rest: the raw times, what stands beside them, and what could not be measured."""
    together = figures.at_once
    return {
        "isolation": figures.isolation,
        "create_to_first_command_ms": _of(figures.creations[OURS]),
        "warm_claim_ms": _of(figures.warm_claims),
        "warm_claim_why": figures.no_claims or None,
        "command_overhead_ms": _of(figures.overhead()),
        "command_ms": _of(figures.commands[OURS]),
        "program_ms": round(figures.program_ms, _DIGITS),
        "throughput_mb_s": {"put": round(figures.put, 1), "get": round(figures.get, 1)},
        "memory_mb_per_box": None if together.memory_mb is None else round(together.memory_mb, 1),
        "memory_how": together.memory_how,
        "at_once": {
            "boxes": together.boxes,
            "made": len(together.first_commands),
            "seconds": round(together.seconds, 2),
            "create_to_first_command_ms": _of(figures.at_once_first),
            "errors": [printable(error) for error in together.errors],
        },
        "peers": _peers(figures),
    }


def _peers(figures: Figures) -> dict[str, Any] | None:
    """Per peer: its times, and how many times ours they are at the median. None when no peer was measured."""
    starts = {
        who: {
            "create_to_first_command_ms": _of(spread),
            "ours_to_it": round(figures.creations[OURS].p50 / spread.p50, _DIGITS),
        }
        for who, spread in figures.creations.items()
        if who != OURS
    }
    ours = figures.overhead().p50
    commands = {
        who: {
            "command_overhead_ms": _of(figures.overhead(who)),
            "times_ours": round(figures.overhead(who).p50 / ours, 1) if ours > 0 else None,
        }
        for who in figures.commands
        if who != OURS
    }
    return {**starts, **commands} or None


def _of(spread: Spread | None) -> dict[str, Any] | None:
    return None if spread is None else {name: round(value, _DIGITS) for name, value in asdict(spread).items()}


@contextmanager
def progress(screen: Console) -> Iterator[Told]:
    """Shows on a terminal what is being measured; elsewhere nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as shown:
        tasks: dict[str, Any] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done)

        yield told


def titled(backend: str, isolation: str) -> str:
    """A backend and what surrounds its boxes, which often begins with its name."""
    return isolation if isolation.startswith(backend) else f"{backend} ({isolation})"


def show(screen: Console, backend: str, figures: Figures) -> None:
    screen.print(titled(backend, figures.isolation), style="bold")
    overheads = {who: figures.overhead(who) for who in figures.commands}
    _bars(screen, f"a command, beyond the {figures.program_ms:.2f} ms of the program itself", overheads)
    _bars(screen, "from nothing to the answer of the first command", figures.creations)
    if figures.warm_claims:
        _bars(screen, "from claiming a warm box to the answer of its first command", {OURS: figures.warm_claims})
    else:
        screen.print(f"\nwarm boxes could not be measured: {printable(figures.no_claims)}", style="yellow")
    together = figures.at_once
    title = f"{together.boxes} boxes at once, all there after {together.seconds:.1f} s"
    _bars(screen, title, {OURS: figures.at_once_first} if figures.at_once_first else {})
    for error in dict.fromkeys(together.errors):
        screen.print(f"  {printable(error)}", style="red")
    screen.print(f"\ntrees in {figures.put:.0f} MB/s, changes out {figures.get:.0f} MB/s")
    memory = "unknown" if together.memory_mb is None else f"{together.memory_mb:.1f} MB"
    screen.print(f"memory of a box {memory}: {together.memory_how}")


def _bars(screen: Console, title: str, spreads: Mapping[str, Spread]) -> None:
    """A bar a row: full to the median, shaded to the 90th percentile. One scale for all rows."""
    table = Table(box=None, pad_edge=False, title=f"\n{title}", title_justify="left", title_style="bold")
    table.add_column("", no_wrap=True)
    for name in ("p50", "p90", "p99"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("ms", no_wrap=True)
    longest = max((spread.p90 for spread in spreads.values()), default=0.0)
    for who, spread in spreads.items():
        full, shaded = (
            round(_BAR * max(0.0, value) / longest) if longest > 0 else 0 for value in (spread.p50, spread.p90)
        )
        bar = "\N{FULL BLOCK}" * max(full, 1) + "\N{LIGHT SHADE}" * (shaded - max(full, 1))
        table.add_row(who, *(f"{value:.2f}" for value in (spread.p50, spread.p90, spread.p99)), bar)
    screen.print(table, soft_wrap=False)
