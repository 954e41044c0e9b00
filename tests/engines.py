"""Real database and broker servers for the tests, private to one pytest process and gone when it ends.

An engine that is not installed skips its tests and is named at the end of the run. With FORGEHAND_REQUIRE_ENGINES=1
its absence fails them instead: that is how the full check runs.
"""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import redis
from _pytest.terminal import TerminalReporter
from sqlalchemy.engine import make_url

from store.database import Database
from store.migrating import migrate

START_DEADLINE_S = 60.0
ABSENT = "engine absent"
TEMPLATE = "forgehand_template"
SERVER_SETTINGS = ("listen_addresses=", "fsync=off", "shared_buffers=32MB", "max_connections=200")
_names = itertools.count(1)


def absent(what: str) -> NoReturn:
    """Skips the test for want of an engine, or fails it where engines are required."""
    message = f"{ABSENT}: {what}; `make engines` installs it"
    if os.environ.get("FORGEHAND_REQUIRE_ENGINES") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    skipped = [reason for reason in reasons if ABSENT in reason]
    if skipped:
        terminalreporter.section("tests that did not run for want of an engine", yellow=True, bold=True)
        for engine, tests in Counter(reason.split(ABSENT)[1] for reason in skipped).items():
            terminalreporter.write_line(f"{tests} skipped: {ABSENT}{engine}", yellow=True)


def _program(name: str) -> str | None:
    """A program's path; PostgreSQL's own are off the PATH on Debian."""
    on_path = shutil.which(name)
    if on_path:
        return on_path
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else None


def _await(ready: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"{process.args!r} did not start:\n{log.read_text()}", pytrace=False)
        time.sleep(0.02)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A SQLAlchemy URL of an empty database in a private cluster: unix socket only, superuser, no password.

    fsync is off: these tests crash our processes, never the machine under PostgreSQL.
    """
    initdb, server = _program("initdb"), _program("postgres")
    if initdb is None or server is None:
        absent("PostgreSQL (initdb and postgres)")
    owner = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if owner is not None and owner not in {entry.pw_name for entry in pwd.getpwall()}:
        absent("PostgreSQL needs a user named postgres when the tests run as root")
    # Not under tmp_path: a unix socket's path may have at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="forgehand-pg-"))
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        data, log = folder / "data", folder / "log"
        become = [] if owner is None else [f"--reuid={owner}", f"--regid={owner}", "--clear-groups"]
        # The server must not outlive a pytest that was killed.
        launch = ["setpriv", *become, "--pdeathsig=INT"]
        made = subprocess.run(
            [*launch, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            pytest.fail(f"initdb failed:\n{made.stdout.decode()}{made.stderr.decode()}", pytrace=False)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*launch, server, "-D", data, "-k", folder, *(f"-c{value}" for value in SERVER_SETTINGS)],
                stdout=output,
                stderr=output,
            )
        try:
            _await(lambda: _postgres_answers(folder), process, log)
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            process.send_signal(2)
            _end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_answers(folder: Path) -> bool:
    try:
        psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """redis://127.0.0.1:PORT/0 of a private Redis that keeps nothing on disk."""
    server = shutil.which("redis-server")
    if server is None:
        absent("Redis (redis-server)")
    folder = Path(tempfile.mkdtemp(prefix="forgehand-redis-"))
    try:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", server, "--bind", "127.0.0.1", "--port", str(port), "--save", ""],
                cwd=folder,
                stdout=output,
                stderr=output,
            )
        try:
            _await(lambda: _redis_answers(port), process, log)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            _end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _redis_answers(port: int) -> bool:
    client = redis.Redis(host="127.0.0.1", port=port)
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
    finally:
        client.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The cluster's URL once it holds a database with our tables, to be copied for each test."""
    _administer(postgres_url, f"CREATE DATABASE {TEMPLATE}")
    template = Database(make_url(postgres_url).set(database=TEMPLATE).render_as_string(hide_password=False))
    migrate(template)
    template.close()
    return postgres_url


def _administer(url: str, statement: str) -> None:
    parts = make_url(url)
    with psycopg.connect(
        host=str(parts.query["host"]), user=parts.username, dbname=parts.database, autocommit=True
    ) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with our tables, to be copied for each test."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    template = Database(f"sqlite:///{path}")
    migrate(template)
    template.close()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with our tables and no rows, this test's own; once for each engine."""
    if request.param == "sqlite":
        yield _copy(request.getfixturevalue("sqlite_template"), tmp_path)
        return
    with _postgres_copy(request.getfixturevalue("postgres_template")) as url:
        yield url


@contextmanager
def _postgres_copy(server: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_names)}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _copy(template: Path, folder: Path) -> str:
    path = folder / "forgehand.db"
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A clean SQLite database, for what does not depend on the engine."""
    opened = Database(_copy(sqlite_template, tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def postgres_database(postgres_template: str) -> Iterator[Database]:
    """A clean PostgreSQL database, for what only a server does."""
    with _postgres_copy(postgres_template) as url:
        opened = Database(url)
        yield opened
        opened.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A clean database, opened; once for each engine."""
    opened = Database(database_url)
    yield opened
    opened.close()
