"""Which device a kernel is put to the test on in a shell, and who keeps account of it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from sqlalchemy.exc import SQLAlchemyError

from cli.errors import CannotRun
from settings import Settings
from store import Database
from store.migrating import migrate
from workers.kernel_checks.devices import InstallationKeeper

DeviceOption = Annotated[
    Literal["cpu", "cuda"], typer.Option(help="cuda: a GPU of this machine's or of the boxes' engine or cluster.")
]


@contextmanager
def keeper_of(settings: Settings, device: str, pause: Callable[[float], object]) -> Iterator[InstallationKeeper | None]:
    """Who keeps account of devices beside the processor: the database of this installation, made where there is none.
    `pause`: of who waits for one. CannotRun where the database cannot be used."""
    if device == "cpu":
        yield None
        return
    with _database(settings) as database:
        owner = f"{socket.gethostname()}/shell/{os.getpid()}"
        with InstallationKeeper(database, time.time, owner, pause, here=settings.node_name) as keeper:
            yield keeper


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    url = settings.effective_database_url
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    try:
        database = Database(url)
        migrate(database)
    except (SQLAlchemyError, OSError) as error:
        raise CannotRun(
            "Which devices may be used is kept in the database, and that cannot be read: "
            f"{str(error).splitlines()[0]}. Set FORGEHAND_DATABASE_URL or start it"
        ) from None
    try:
        yield database
    finally:
        database.close()
