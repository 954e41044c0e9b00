"""`forgehand demo`: the whole way on the embedded default, against a GitHub twin, watched on the terminal."""

import json
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.demo_house import House, furnished
from cli.demo_scenarios import SCENARIOS, Ending
from cli.errors import CannotRun
from store import Stage, proofs
from workers.status import describe


def command(
    scenario: Annotated[str, typer.Option(help="One of: " + ", ".join(SCENARIOS))] = "issue-to-pr",
    keep: Annotated[bool, typer.Option("--keep", help="Keep everything running for a browser until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Run the whole way on this machine: a GitHub twin, web, worker, an issue assigned, a proven pull request.

    Needs no account, key or server. Example: forgehand demo --scenario issue-to-pr --keep"""
    if scenario not in SCENARIOS:
        raise CannotRun(f"there is no scenario {scenario!r}: choose one of {', '.join(SCENARIOS)}")
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    # An end from outside takes the same way out as Ctrl-C: the processes started here end as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="forgehand-demo-", ignore_cleanup_errors=True) as folder:
        began = time.monotonic()
        console.print("starting a GitHub twin, the web and a worker")
        with furnished(Path(folder)) as house:
            console.print(f"  twin       {house.twin.url}/{house.stage.repository}")
            console.print(f"  web        {house.web_url}")
            console.print(f"  sandbox    {_sandbox(house)}")
            watch = _Watch(house, console, time.monotonic())
            ending = _play(scenario, house, watch)
            document = _document(scenario, house, ending, time.monotonic() - began)
            _report(console, house, ending, document)
            if as_json:
                json.dump(document, sys.stdout)
                sys.stdout.write("\n")
                sys.stdout.flush()
            if keep:
                console.print("everything keeps running: Ctrl-C ends it")
                _until_interrupted(house)
    raise typer.Exit(0 if ending.held else 1)


def _play(scenario: str, house: House, watch: "_Watch") -> Ending:
    watcher = threading.Thread(target=watch.follow, name="watch", daemon=True)
    watcher.start()
    try:
        return SCENARIOS[scenario](house, watch.say)
    finally:
        watch.ended.set()
        watcher.join(timeout=5)


@dataclass
class _Watch:
    """Prints what people do and what the task's log says, as it comes."""

    house: House
    console: Console
    began: float

    def __post_init__(self) -> None:
        self.ended = threading.Event()
        self._seen: dict[str, int] = {}

    def say(self, text: str) -> None:
        self._line(text, style="bold")

    def _line(self, text: str, style: str = "") -> None:
        self.console.print(f"{time.monotonic() - self.began:7.2f} s  {text}", style=style, markup=False)

    def follow(self) -> None:
        while not self.ended.wait(0.1):
            self._news()
        self._news()

    def _news(self) -> None:
        for task in self.house.tasks():
            for event in self.house.events(task.id, after=self._seen.get(task.id, 0)):
                self._seen[task.id] = event.seq
                line = describe(event)
                if line is not None:
                    self._line(line.removeprefix("- "))


def _sandbox(house: House) -> str:
    if house.isolation == "none":
        return "NONE: bubblewrap cannot run here, so the demo's own code runs as plain processes, unisolated"
    return house.isolation


def _document(scenario: str, house: House, ending: Ending, seconds: float) -> dict[str, Any]:
    repository, issue = house.stage.repository, house.stage.issue
    task = ending.task
    document: dict[str, Any] = {
        "scenario": scenario,
        "issue_url": f"{house.twin.url}/{repository}/issues/{issue}",
        "pull_request_url": None,
        "pull_request_state": None,
        "checks": [],
        "proof": None,
        "events": 0,
        "seconds": round(seconds, 2),
        "held": ending.held,
    }
    if task is None:
        return document
    document["events"] = len(house.events(task.id))
    document["stage"] = task.stage
    with house.database.read() as session:
        document["proof"] = proofs.latest(session, task.id)
    if task.pull_number is not None:
        pull = house.maintainer.ask("GET", f"/repos/{repository}/pulls/{task.pull_number}")
        runs = house.maintainer.ask("GET", f"/repos/{repository}/commits/{task.head_sha}/check-runs")["check_runs"]
        document["pull_request_url"] = f"{house.twin.url}/{repository}/pull/{task.pull_number}"
        document["pull_request_state"] = "draft" if pull["draft"] else "merged" if pull["merged"] else pull["state"]
        document["checks"] = [{"name": run["name"], "conclusion": run["conclusion"]} for run in runs]
    return document


def _report(console: Console, house: House, ending: Ending, document: dict[str, Any]) -> None:
    console.print()
    console.print(f"issue          {document['issue_url']}")
    if document["pull_request_url"]:
        console.print(f"pull request   {document['pull_request_url']} ({document['pull_request_state']})")
        checks = ", ".join(f"{one['name']}: {one['conclusion']}" for one in document["checks"])
        console.print(f"checks         {checks}")
    if document["proof"]:
        console.print(f"proof          {document['proof']['verdict']}: {document['proof']['reason']}")
    if ending.task is not None and ending.task.stage in (Stage.CANCELLED, Stage.FAILED, Stage.NEEDS_HUMAN):
        console.print(f"ended          {ending.task.stage}: {ending.task.reason}")
    console.print(f"took           {document['seconds']} s")
    console.print("everything held" if ending.held else f"DID NOT HOLD: {ending.why}", style="bold")


def _until_interrupted(house: House) -> None:
    """CannotRun as soon as one of the processes has ended by itself."""
    with suppress(KeyboardInterrupt):
        house.await_an_end()
