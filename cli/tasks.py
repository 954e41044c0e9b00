"""`forgehand tasks`: the tasks in the service's database, looked at and steered from the terminal."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cli.errors import CannotRun
from cli.output import console, document, printable, told
from proofs import Proof, render_summary
from settings import Settings, load_settings
from store import Database, budgets, events, tasks
from store import proofs as kept
from store.budgets import dollars
from store.events import Event
from store.migrating import is_current
from store.schema import Task
from workers.celery_app import make_celery
from workers.retrying import again, limits_from
from workers.service import make_task_bell

OPERATOR = "operator (terminal)"

app = typer.Typer(
    help="Tasks from the terminal: list them, look at one, stop it, ask for it again.\n\n"
    "Example: forgehand tasks show 6a5c3f10ab12cd",
    invoke_without_command=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
TaskId = Annotated[str, typer.Argument(metavar="ID", help="The task's id, as `forgehand tasks` shows it.")]
Most = Annotated[int, typer.Option("--limit", min=1, help="How many to show, newest first.")]


@app.callback()
def by_default(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_tasks(as_json=as_json)


@app.command("list", help="List tasks, newest first. Example: forgehand tasks list --limit 10")
def list_tasks(limit: Most = 50, as_json: AsJson = False) -> None:
    now = time.time()
    with service_database() as (_, database), database.read() as session:
        newest = session.scalars(select(Task).order_by(Task.created_at.desc(), Task.id.desc()).limit(limit))
        rows = [_row(task, budgets.spending(session, task.id).usd_nanos, now) for task in newest]
    if as_json:
        document(rows)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "stage", "ticket", "title", "age", "spent"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        shown = (row["id"], row["stage"], row["ticket"], row["title"], _age(row["age_s"]), f"${row['spent_usd']:.4f}")
        table.add_row(*(printable(cell) for cell in shown))
    console().print(table if rows else "There are no tasks yet.")


@app.command("show", help="Show one task: row, events, proof. Example: forgehand tasks show 6a5c3f10ab12cd --json")
def show(task_id: TaskId, as_json: AsJson = False) -> None:
    now = time.time()
    with service_database() as (_, database), database.read() as session:
        task = _found(tasks.get(session, task_id), task_id)
        spent = budgets.spending(session, task_id)
        log = events.of_task(session, task_id)
        proof = kept.of_head(session, task_id, task.head_sha or "") or kept.latest(session, task_id)
        row = _row(task, spent.usd_nanos, now) | {
            "reason": task.reason,
            "asked_by": task.request.get("actor"),
            "trigger": task.request.get("trigger"),
            "base_branch": task.base_branch,
            "base_sha": task.base_sha,
            "branch": task.branch,
            "head_sha": task.head_sha,
            "pull_number": task.pull_number,
            "steps": spent.steps,
            "tokens": spent.tokens,
            "saved_patch": task.data.get("saved_patch"),
        }
    if as_json:
        document(row | {"proof": proof, "events": [_event(event) for event in log]})
        return
    screen = console()
    for name, value in row.items():
        if value is not None and name not in ("age_s", "live"):
            screen.print(f"{name:>12}  {printable(str(value))}")
    if proof is not None:
        screen.print(f"{'proof':>12}  {printable(render_summary(Proof.from_json(json.dumps(proof))))}")
    for event in log:
        if line := told(event):
            screen.print(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(event.at))}  {line}")


@app.command("stop", help="Ask a task to stop. Example: forgehand tasks stop 6a5c3f10ab12cd")
def stop(task_id: TaskId, as_json: AsJson = False) -> None:
    now = time.time()
    with service_database() as (settings, database):
        with database.write() as session:
            task = _found(tasks.get(session, task_id), task_id)
            live, before = task.wake_at is not None, task.stop_requested_by
            asked = tasks.request_stop(session, task_id, OPERATOR, now=now)
        if asked:
            make_task_bell(make_celery(settings), database)(task_id)
    if asked:
        message = f"task {task_id} is told to stop"
    elif live:
        message = f"task {task_id} was told to stop by {before} already"
    else:
        message = f"task {task_id} has ended: it is {task.stage}"
    _answer(asked, {"id": task_id, "message": message}, as_json)


@app.command("retry", help="Ask for an ended task again. Example: forgehand tasks retry 6a5c3f10ab12cd")
def retry(task_id: TaskId, as_json: AsJson = False) -> None:
    now = time.time()
    with service_database() as (settings, database):
        with database.write() as session:
            last = _found(tasks.get(session, task_id), task_id)
            live = tasks.live_on(session, last.subject)
            # Whoever can write the database may do anything in it: nobody's permission is asked at GitHub.
            asked = {"actor": OPERATOR, "actor_id": None, "permission": "admin", "comment_id": None}
            wanted = again(last, asked=asked, limits=limits_from(settings))
            new = None if live else tasks.create(session, wanted, now=now)
            if new is not None:
                tasks.rung(session, [new.id], now=now)
        if new is not None:
            make_task_bell(make_celery(settings), database)(new.id)
    if new is not None:
        _answer(True, {"id": new.id, "retry_of": task_id, "message": f"task {new.id} retries {task_id}"}, as_json)
    holder = live.id if live else task_id
    _answer(False, {"id": holder, "message": f"task {holder} is at it: stop it first, or wait for its end"}, as_json)


@contextmanager
def service_database(what: str = "tasks") -> Iterator[tuple[Settings, Database]]:
    """The settings and the database of the service. CannotRun when there is none, or none of this version. `what` is
    looked for in it."""
    settings = load_settings()
    with ExitStack() as end:
        try:
            database = Database(settings.effective_database_url) if _exists(settings) else None
            if database is not None:
                end.callback(database.close)
            current = database is not None and is_current(database)
        except SQLAlchemyError as error:
            # The first line: the rest of SQLAlchemy's message is a link and the statement.
            raise CannotRun(
                f"The database cannot be read: {str(error).splitlines()[0]}. Set FORGEHAND_DATABASE_URL or start it"
            ) from None
        if database is None or not current:
            raise CannotRun(
                f"There are no {what} to show: the database has not been set up by this version of Forgehand. Start "
                "`forgehand serve` or `forgehand worker` once, or set FORGEHAND_STATE_DIR or FORGEHAND_DATABASE_URL"
            )
        yield settings, database


def _exists(settings: Settings) -> bool:
    """Opening an SQLite file makes it: looking must leave nothing behind."""
    url = settings.effective_database_url
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()


def _found(task: Task | None, task_id: str) -> Task:
    if task is None:
        raise CannotRun(f"There is no task {printable(task_id)!r}. `forgehand tasks` lists those there are")
    return task


def _row(task: Task, usd_nanos: int, now: float) -> dict[str, Any]:
    return {
        "id": task.id,
        "stage": task.stage,
        "live": task.wake_at is not None,
        "ticket": task.repository if task.number is None else f"{task.repository}#{task.number}",
        "title": str(task.ticket.get("title", "")),
        "age_s": round(now - task.created_at, 1),
        "spent_usd": usd_nanos / 1e9,
        "limit": dollars(task.limit_usd_nanos),
    }


def _event(event: Event) -> dict[str, Any]:
    return {"seq": event.seq, "at": event.at, "kind": event.kind, "stage": event.stage, "data": event.data}


def _age(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _answer(yes: bool, said: dict[str, Any], as_json: bool) -> None:
    if as_json:
        document({"ok": yes} | said)
    else:
        console().print(printable(said["message"]))
    raise typer.Exit(0 if yes else 1)
