"""`forgehand solve`: the engineer on a local repository, in this process, with no GitHub and no broker."""

import hashlib
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from sqlalchemy import select

from agent import Phase
from cli import solve_folder
from cli.errors import CannotRun
from cli.issue_file import Issue, read_issue
from cli.output import console, document, printable, told
from cli.serve import secrets_of
from cli.solve_results import Result, write_results
from observability import configure_logging
from repositories import Mirror, Remote
from sandboxes import PlainBackend
from settings import Settings, load_settings
from store import Database, NewTask, tasks
from store.events import Event
from store.migrating import migrate
from store.schema import Task
from workers.backends import make_backend
from workers.conductor import Conductor
from workers.local_source import LocalSource, find_base, mirror_path
from workers.models import Models
from workers.retrying import limits_from
from workers.service import owner_name
from workers.stage_table import STAGES
from workers.sweeper import reap
from workers.workshop import Workshop

LOOK_EVERY_S = 0.2
USER = "you"


def command(
    repo: Annotated[Path, typer.Option(metavar="DIR", help="A git repository. Its working tree is never touched.")],
    issue: Annotated[str, typer.Option(metavar="FILE|-", help="Text file: first line the title, then the body.")],
    base: Annotated[str | None, typer.Option(metavar="REV", help="Branch, tag or commit; default: DIR's HEAD.")] = None,
    model: Annotated[
        str | None, typer.Option(help="As LiteLLM names it, or scripted:FILE; default: FORGEHAND_MODEL.")
    ] = (None),
    sandbox: Annotated[
        Literal["local", "docker", "kubernetes"] | None, typer.Option(help="Default: FORGEHAND_SANDBOX.")
    ] = None,
    test: Annotated[str | None, typer.Option(metavar="CMD", help="The test command; default: found in DIR.")] = None,
    attempts: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many attempts to choose from: only 1 yet.")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="For results and state; default: a new folder in the state folder."),
    ] = None,
    allow_unisolated: Annotated[
        bool, typer.Option("--allow-unisolated", help="Without bubblewrap, run commands as plain processes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Work on an issue in a clone of a local repository; leave a branch there, and patch, proof and trajectory.

    The exit status is 0 for a proven change, 1 for any other end, 2 when work could not begin. Ctrl-C stops; what was
    killed goes on when it is called again with the same --repo, --issue and --out.

    Example: forgehand solve --repo . --issue issue.md --model anthropic/claude-sonnet-4-5"""
    if attempts != 1:
        raise CannotRun(f"--attempts {attempts}: choosing among several attempts is not built yet. Leave it out")
    asked = read_issue(issue)
    directory = solve_folder.repository(repo)
    given: dict[str, Any] = {"model": model, "sandbox": sandbox, "sandbox_allow_unisolated": allow_unisolated or None}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    if not settings.model:
        raise CannotRun("No model is set: give --model or FORGEHAND_MODEL, such as anthropic/claude-sonnet-4-5")
    began = time.monotonic()
    screen = console(as_json=as_json)
    with ExitStack() as ending:
        folder = ending.enter_context(solve_folder.opened(out, settings.state_dir, directory))
        log = ending.enter_context((folder / "log.jsonl").open("a", encoding="utf-8"))
        configure_logging(settings.log_level, secrets=secrets_of(settings), as_json=True, stream=log)
        watch = _Watch(screen)
        source = LocalSource(watch.show)
        workshop = ending.enter_context(_workshop(settings, folder, source))
        task_id = _task(workshop, directory, asked, base, test)
        _announce(screen, workshop, folder, task_id)
        _run(workshop, source, watch, task_id)
        result = write_results(workshop, task_id, directory, folder, seconds=time.monotonic() - began)
    if as_json:
        document(result.as_json())
    else:
        _tell(screen, result, directory, folder)
    raise typer.Exit(0 if result.outcome == "proven" else 1)


@contextmanager
def _workshop(settings: Settings, folder: Path, source: LocalSource) -> Iterator[Workshop]:
    """The means of one solve: a database and boxes of its own, everything else as a worker has it."""
    if not settings.sandbox_owner:
        mark = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:10]
        settings = settings.model_copy(update={"sandbox_owner": f"solve-{mark}"})
    backend = make_backend(settings)
    models = Models(settings)
    database = Database(f"sqlite:///{folder / 'forgehand.db'}")
    try:
        client = models.client()
        if settings.task_budget_usd > 0:
            for phase in Phase:
                client.check_prices(phase.value, phase.value)
        migrate(database)
        workshop = Workshop(
            settings=settings,
            database=database,
            backend=backend,
            models=models,
            sources={"local": source},
            ring=lambda _: None,
            owner=owner_name(),
            clock=time.time,
        )
        reap(workshop)  # what a solve in this folder left when it was killed
        try:
            yield workshop
        finally:
            workshop.indexes.close()
            workshop.close_pools()
    finally:
        models.close()
        database.close()


def _task(workshop: Workshop, directory: Path, issue: Issue, base: str | None, test: str | None) -> str:
    """The task to work on: the unfinished one in this folder, or a new one. CannotRun, RepositoryError."""
    asked = hashlib.sha256(f"{issue.title}\0{issue.body}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    subject = f"local:{directory}#{asked}"
    with workshop.database.read() as session:
        live = session.scalar(select(Task).where(Task.active_subject.is_not(None)))
    if live is not None:
        if live.subject != subject:
            raise CannotRun(
                f"--out holds unfinished work on another issue or repository: {printable(live.ticket['title'])!r}. "
                "Choose another folder"
            )
        return live.id
    find_base(Mirror.open(mirror_path(workshop.mirrors, str(directory)), Remote(str(directory))), base)
    said = {"author": USER, "permission": "admin"}
    new = NewTask(
        source="local",
        subject=subject,
        repository=directory.name,
        request={
            "trigger": "solve",
            "actor": USER,
            **said,
            "directory": str(directory),
            "base": base,
            "test_command": test,
        },
        ticket={"reference": issue.name, "title": issue.title, "body": issue.body, **said, "comments": []},
        limits=limits_from(workshop.settings),
    )
    with workshop.database.write() as session:
        task = tasks.create(session, new, now=workshop.clock())
    if task is None:
        raise CannotRun("Another solve has just begun in this folder. Choose another with --out")
    return task.id


def _announce(screen: Console, workshop: Workshop, folder: Path, task_id: str) -> None:
    screen.print(f"task       {task_id}")
    screen.print(f"kept in    {folder}")
    if isinstance(workshop.backend, PlainBackend):
        screen.print("sandbox    NONE: commands run unisolated, with all you may do on this machine", style="bold red")
    else:
        screen.print(f"sandbox    {workshop.backend.name}")


class _Watch:
    """Prints what happens, and turns the first Ctrl-C into a stop of the task."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._began = time.monotonic()
        self.stop_wanted = threading.Event()
        self.ended = threading.Event()

    def say(self, line: str, style: str = "") -> None:
        self._screen.print(f"{time.monotonic() - self._began:8.1f} s  {line}", style=style)

    def show(self, new: Sequence[Event]) -> None:
        for event in new:
            if line := told(event):
                self.say(line, "bold" if event.kind == "stage" else "")

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """The first Ctrl-C (or SIGTERM) asks the task to stop; the second one ends the program."""

        def interrupted(_number: int, _frame: FrameType | None) -> None:
            if self.stop_wanted.is_set():
                raise KeyboardInterrupt
            self.stop_wanted.set()

        before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def follow(self, workshop: Workshop, source: LocalSource, task_id: str) -> None:
        """Shows events as they come and passes the stop on; runs on a thread until `ended`."""
        asked = False
        while not self.ended.wait(LOOK_EVERY_S):
            source.catch_up(workshop.database, task_id)
            if self.stop_wanted.is_set() and not asked:
                asked = True
                self.say("stopping; Ctrl-C again ends at once")
                with workshop.database.write() as session:
                    tasks.request_stop(session, task_id, "you (Ctrl-C)", now=workshop.clock())


def _run(workshop: Workshop, source: LocalSource, watch: _Watch, task_id: str) -> None:
    """Conducts the task to its end, waiting where it waits. CannotRun when a second Ctrl-C ended it."""
    conductor = Conductor(workshop, STAGES)
    follower = threading.Thread(target=watch.follow, args=(workshop, source, task_id), name="watch", daemon=True)
    with watch.interruptible():
        follower.start()
        try:
            told_of_lease = False
            while True:
                mine = conductor.run(task_id)
                task = _row(workshop, task_id)
                if task.finished_at is not None:
                    break
                now = workshop.clock()
                lease_s = (task.lease_until or now) - now
                if not mine and lease_s > 0 and not told_of_lease:
                    told_of_lease = True
                    watch.say(f"an earlier run was killed: going on when its lease ends, in at most {lease_s:.0f} s")
                _wait(watch, lease_s if lease_s > 0 else (task.wake_at or now) - now)
        except KeyboardInterrupt:
            raise CannotRun("Ended at once. Call it again with the same --out to go on") from None
        finally:
            watch.ended.set()
            follower.join(timeout=10)
    source.catch_up(workshop.database, task_id)
    reap(workshop)  # what a killed run left behind; only now, because its lease protected it


def _wait(watch: _Watch, seconds: float) -> None:
    """At most one second, so that a stop or anything else that wakes the task is met soon."""
    deadline = time.monotonic() + min(1.0, max(LOOK_EVERY_S, seconds))
    while (left := deadline - time.monotonic()) > 0:
        if watch.stop_wanted.wait(left):
            # Passed on by the follower; what is left of the wait is its time to do so.
            threading.Event().wait(min(LOOK_EVERY_S, max(0.0, deadline - time.monotonic())))
            return


def _row(workshop: Workshop, task_id: str) -> Task:
    with workshop.database.read() as session:
        return session.get_one(Task, task_id)


def _tell(screen: Console, result: Result, directory: Path, folder: Path) -> None:
    styles = {"proven": "bold green", "unproven": "bold yellow", "needs_human": "bold yellow", "failed": "bold red"}
    screen.print()
    screen.print(result.outcome.replace("_", " "), style=styles[result.outcome], end="")
    screen.print(f"  {printable(result.reason)}")
    rows: dict[str, Any] = {
        "branch": result.branch and f"{result.branch} in {directory}",
        "patch": result.patch,
        "proof": result.proof and folder / "proof.md",
        "trajectory": result.trajectory,
        "used": f"{result.steps} model calls, {result.tokens} tokens, ${result.cost_usd:.4f}, {result.seconds:.1f} s",
    }
    for name, value in rows.items():
        if value is not None:
            screen.print(f"{name:<11}{value}")
