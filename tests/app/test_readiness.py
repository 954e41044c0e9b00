"""/healthz and /readyz: alive is not ready, and what is wrong is named."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from app.readiness import MARK, Readiness
from store.database import Database
from store.duties import mark
from store.group_insert import GroupInsert
from store.inbox import InboxWriter
from store.migrating import downgrade
from tests.app.serving import PATH, headers, payload, web


def test_ready(database: Database) -> None:
    with web(database) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": {}})
        assert client.get("/healthz").text == "alive\n"
    with database.read() as session:
        assert mark(session, MARK) is not None, "it really wrote"


def test_a_database_of_another_version_is_not_ready(database: Database) -> None:
    downgrade(database, "base")
    with web(database) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "forgehand web" in answer.json()["problems"]["migrations"]
        assert client.get("/healthz").status_code == 200


def test_a_database_that_cannot_be_written_is_not_ready(database: Database) -> None:
    if database.is_sqlite:
        database.engine.dispose()
        name = str(database.url.database)
        readiness = Readiness(Database(f"sqlite:///file:{name}?mode=ro&uri=true"), _running(database))
    else:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"ALTER DATABASE {database.url.database} SET default_transaction_read_only = on"))
        database.engine.dispose()
        readiness = Readiness(database, _running(database))
    problems = readiness.problems()
    assert list(problems) == ["database"]
    assert "cannot be written" in problems["database"]


class Alive(InboxWriter):
    alive = True


def _running(database: Database) -> InboxWriter:
    return Alive(database)


def test_a_database_that_is_away_is_not_ready(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://postgres@/x?host={tmp_path}")
    with web(database) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "cannot be written (OperationalError)" in answer.json()["problems"]["database"]
        assert str(tmp_path) not in answer.text, "where our database is, is not the prober's business"
    database.close()


def test_a_file_that_is_no_database_is_not_ready(tmp_path: Path) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(b"not a database" * 100)
    database = Database(f"sqlite:///{path}")
    assert list(Readiness(database, Alive(database)).problems()) == ["database"]
    database.close()
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("SELECT 1 FROM marks")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death is the point
def test_a_dead_writer_is_not_ready(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(GroupInsert, "store", die)
    with web(sqlite_database) as client:
        assert client.get("/readyz").status_code == 200
        body = payload()
        assert client.post(PATH, content=body, headers=headers(body)).status_code == 503
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert list(answer.json()["problems"]) == ["writer"]


def test_probes_share_one_look(sqlite_database: Database) -> None:
    now = [100.0]
    readiness = Readiness(sqlite_database, Alive(sqlite_database), clock=lambda: now[0])
    assert readiness.problems() == {}
    with sqlite_database.write() as session:
        session.execute(text("DROP TABLE marks"))
    assert readiness.problems() == {}, "looked a moment ago"
    now[0] += 1.0
    assert list(readiness.problems()) == ["database"]
