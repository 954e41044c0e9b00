"""`forgehand kernel optimize`: a model writes candidates, each is verified, and what is really faster is kept."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.asking import Notes, Purse
from agent.model import ModelRejected
from agent.optimising import Bounds, NotGradable, Outcome, Try, optimise
from agent.optimising.prompting import summary
from agent.prices import PriceUnknown
from cli.errors import CannotRun
from cli.kernel_turn import turn_of_timing
from cli.output import console, document, printable
from kernels.broker import Broker
from kernels.candidate import Candidate, read_candidate
from kernels.task import Task, TaskError, read_task
from sandboxes.contract import BoxLost
from settings import Settings, load_settings
from workers.kernel_checks.exclusive import lock_folder
from workers.kernel_place import make_place
from workers.models import Models
from workers.optimising import Lane, Settled, settle, subject_of, turns_of, unfit, verifier


def command(
    task: Annotated[Path, typer.Argument(help="A Python file in KernelBench's form, or a folder with task.toml.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where a faster candidate is written; must not be there.")],
    candidate: Annotated[
        Path | None, typer.Argument(help="The candidate there is, which has to be beaten; default: none.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="As LiteLLM names it, or scripted:FILE; default: FORGEHAND_MODEL.")
    ] = None,
    turns: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="Candidates to try at most.")] = 8,
    branches: Annotated[
        int, typer.Option(metavar="N", min=1, max=20, help="Conversations begun before the best is gone on with.")
    ] = 2,
    patience: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="Turns without anything better before it ends.")
    ] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Have a model make a kernel faster, in turns: propose, verify, be told what came of it.

    Turns are verified quickly. The best is verified once more, whole, by processes and with inputs that are new, and
    only that number is told; a candidate that was there has to be beaten by more than the intervals. The exit status
    is 0 when FILE was written, 1 when no gain was found, 2 when it could not be done.

    Example: forgehand kernel optimize softmax.py --out faster.py --model anthropic/claude-sonnet-4-5 --turns 8"""
    began = time.monotonic()
    found, present = _read(task, candidate)
    for file in (candidate, out):
        if file is not None and (why := unfit(found, file.name)) is not None:
            raise CannotRun(printable(f"This cannot be made faster here: {why}"))
    if out.exists():
        raise CannotRun(f"--out {out} is there already. Name a file that is not, so that nothing is lost")
    if not out.absolute().parent.is_dir():
        raise CannotRun(f"--out {out}: there is no folder {out.absolute().parent}. Make it first")
    given: dict[str, Any] = {} if model is None else {"model": model, "models": {}, "model_fallbacks": ()}
    settings = load_settings(**given)
    if not settings.model:
        raise CannotRun("No model is set: give --model or FORGEHAND_MODEL, such as anthropic/claude-sonnet-4-5")
    screen = console(as_json=True)

    def tell(line: str) -> None:
        screen.print(f"{time.monotonic() - began:8.1f} s  {printable(line)}")

    def turn(one: Try) -> None:
        tell(f"turn {one.number} of {turns}: {summary(one)}{f' ({one.trouble})' if one.trouble else ''}")

    lane = Lane(make_place(settings), lock_folder(settings), turn_of_timing(screen))
    outcome = _tried(settings, lane, found, present, Bounds(turns, branches, patience), turn)
    if not outcome.tries:
        raise CannotRun(printable(f"No candidate was tried: {outcome.reason}"))
    try:
        settled = settle(lane, found, present, outcome, _repro(task, out), told=tell)
    except BoxLost as lost:
        raise CannotRun(printable(f"Nothing can be said of the best candidate: {lost}")) from None
    if settled.gain:
        _write(out, settled.source)
    if as_json:
        document(_document(outcome, settled, out, time.monotonic() - began))
    else:
        _show(outcome, settled, out)
    raise typer.Exit(0 if settled.gain else 1)


def _read(task: Path, candidate: Path | None) -> tuple[Task, Candidate | None]:
    try:
        return read_task(task), None if candidate is None else read_candidate(candidate)
    except TaskError as error:
        raise CannotRun(printable(str(error))) from None


def _tried(
    settings: Settings, lane: Lane, task: Task, present: Candidate | None, bounds: Bounds, turn: Callable[[Try], None]
) -> Outcome:
    """CannotRun when nothing could be found out."""
    models = Models(settings)
    purse = Purse(Decimal(str(settings.task_budget_usd)), settings.task_budget_tokens)
    try:
        client = models.client()
        with Broker(lane.place) as broker:
            return optimise(
                subject_of(task, present), verifier(lane, broker, task), client, ledger=purse, journal=Notes(),
                window="1/optimise", bounds=bounds, told=turn,
            )  # fmt: skip
    except NotGradable as error:
        raise CannotRun(printable(f"Nothing can be found out about candidates: {error}")) from None
    except (ModelRejected, PriceUnknown) as error:
        raise CannotRun(printable(f"--model {settings.model}: {error}")) from None
    finally:
        models.close()


def _write(out: Path, source: str) -> None:
    """The whole file or none, and never over one that has come meanwhile."""
    whole = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        whole.write_text(source, encoding="utf-8", newline="")
        os.link(whole, out)
    except OSError as error:
        raise CannotRun(f"The faster candidate is kept in {whole}: {out} cannot be written: {error.strerror}") from None
    whole.unlink()


def _repro(task: Path, out: Path) -> str:
    return shlex.join(["forgehand", "kernel", "verify", str(task), str(out)])


def _document(outcome: Outcome, settled: Settled, out: Path, seconds: float) -> dict[str, Any]:
    report = settled.report
    timing = report["timing"] if report is not None else None
    return {
        "outcome": "gain" if settled.gain else "no_gain",
        "reason": settled.why,
        "verdict": None if report is None else report["verdict"],
        "speedup": None if timing is None else timing["speedup"],
        "interval_95": None if timing is None else timing["interval_95"],
        "baseline": None if timing is None else timing["baseline"],
        "out": str(out) if settled.gain else None,
        "turn": settled.turn or None,
        "repro": report["repro"] if settled.gain and report is not None else None,
        "end": outcome.end.value,
        "turns": turns_of(outcome),
        "report": report,
        "present": settled.present,
        "models": list(outcome.models),
        "tokens": outcome.tokens,
        "cost_usd": float(outcome.cost_usd),
        "seconds": round(seconds, 3),
    }


def _show(outcome: Outcome, settled: Settled, out: Path) -> None:
    screen = console()
    if settled.gain and settled.report is not None:
        screen.print("gain", style="bold green", end="")
        screen.print(f"  {settled.why}")
        rows = {"written": str(out), "turn": str(settled.turn), "verify it": settled.report["repro"]}
    else:
        screen.print("no gain found", style="bold yellow", end="")
        screen.print(f"  {printable(settled.why)}")
        rows = {}
    cost = f"${outcome.cost_usd:.4f}" if outcome.cost_usd else "no known cost"
    rows["used"] = f"{len(outcome.tries)} turns, {outcome.tokens} tokens, {cost}"
    for name, value in rows.items():
        screen.print(f"{name:<11}{printable(value)}")
