"""Crashes and full, locked or missing databases: what is acknowledged is stored, and stored once."""

import random
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from app import create_app
from store import group_insert
from store.database import Database
from store.schema import Delivery
from tests.app.processes import DIE_BEFORE_THE_ANSWER, web_process
from tests.app.serving import PATH, headers, payload, serving, web, web_settings


def ids(url: str) -> list[str]:
    database = Database(url)
    with database.read() as session:
        found = list(session.scalars(select(Delivery.delivery_id).order_by(Delivery.id)))
    database.close()
    return found


def post(client: httpx.Client, delivery: str) -> httpx.Response:
    body = payload(delivery=delivery)
    return client.post(PATH, content=body, headers=headers(body, delivery=delivery))


def test_killed_between_commit_and_answer(database_url: str, tmp_path: Path) -> None:
    with web_process(database_url, tmp_path / "web", before=DIE_BEFORE_THE_ANSWER) as first:
        with pytest.raises(httpx.TransportError):
            post(first.client, "d-1")
        assert first.process.wait(20) == -signal.SIGKILL
    assert ids(database_url) == ["d-1"]
    with web_process(database_url, tmp_path / "web") as second:
        assert post(second.client, "d-1").status_code == 200, "GitHub's redelivery finds it there"
        assert post(second.client, "d-2").status_code == 202
    assert ids(database_url) == ["d-1", "d-2"]


def test_killed_at_random_under_load(database_url: str, tmp_path: Path) -> None:
    """Each delivery is sent until it is acknowledged, as the poller would; meanwhile the process is killed thrice."""
    chance = random.Random(20261120)
    wanted = [f"d-{number}" for number in range(300)]
    left = list(wanted)
    acknowledged: set[str] = set()

    for turn in range(4):
        with web_process(database_url, tmp_path / "web") as running:
            if turn < 3:
                timer = threading.Timer(chance.uniform(0.01, 0.15), running.kill)
                timer.start()

            def send(delivery: str, client: httpx.Client = running.client) -> str | None:
                try:
                    return delivery if post(client, delivery).status_code in (200, 202) else None
                except httpx.TransportError:
                    return None

            with ThreadPoolExecutor(8) as pool:
                acknowledged |= {delivery for delivery in pool.map(send, left) if delivery}
            if turn < 3:
                timer.join()
        assert acknowledged <= set(ids(database_url)), "what was acknowledged is there after the crash"
        left = [delivery for delivery in wanted if delivery not in acknowledged]
    assert left == []
    assert sorted(ids(database_url)) == sorted(wanted), "each exactly once"


def test_terminated_it_answers_what_has_begun(tmp_path: Path, sqlite_database: Database) -> None:
    url = sqlite_database.url.render_as_string(hide_password=False)
    with web_process(url, tmp_path / "web") as running, ThreadPoolExecutor(8) as pool:
        assert post(running.client, "warm").status_code == 202
        with sqlite_database.writing_connection():
            answers = [pool.submit(post, running.client, f"d-{number}") for number in range(8)]
            _await_requests(running.client, 8)
            running.process.send_signal(signal.SIGTERM)
        assert {answer.result(20).status_code for answer in answers} == {202}
        assert running.process.wait(20) == -signal.SIGTERM, "uvicorn ends by the signal it was sent"
    assert len(ids(url)) == 9


def _await_requests(client: httpx.Client, count: int) -> None:
    """Until the kernel has that many connections whose request has been read by the server."""
    port = f":{client.base_url.port:04X}"

    def established() -> int:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        unread = [row[4].split(":")[1] for row in rows if row[1].endswith(port) and row[3] == "01"]
        return sum(1 for size in unread if int(size, 16) == 0)

    for _ in range(2000):
        if established() >= count:
            return
        threading.Event().wait(0.005)
    raise AssertionError("the requests did not arrive")


@contextmanager
def sqlite_session(monkeypatch: pytest.MonkeyPatch, *statements: str) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(group_insert, "SQLITE_SESSION", statements)
        yield


def test_a_locked_database_is_503_and_then_202(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite_session(monkeypatch, "PRAGMA busy_timeout=50"), web(sqlite_database) as client:
        with sqlite_database.writing_connection():
            refused = post(client, "d-1")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "locked" not in refused.text, "what is wrong with our database is not the sender's business"
        assert post(client, "d-1").status_code == 202


def test_a_full_disk_is_503_and_loses_nothing(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sqlite_database.url.render_as_string(hide_password=False)
    with sqlite_session(monkeypatch, "PRAGMA max_page_count=1"), web(sqlite_database) as client:
        body = b'"' + b"x" * 1_000_000 + b'"'
        refused = client.post(PATH, content=body, headers=headers(body, delivery="large"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "large" not in ids(url)
    with web(sqlite_database) as client:
        assert client.post(PATH, content=body, headers=headers(body, delivery="large")).status_code == 202


def test_a_database_that_is_away_is_503(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://postgres@/x?host={tmp_path}")
    with web(database) as client:
        assert post(client, "d-1").status_code == 503
        assert client.get("/healthz").status_code == 200, "the process itself is well"
        assert client.get("/metrics").status_code == 503
    database.close()


def test_too_many_waiting_is_503(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "store.inbox.InboxWriter.__init__.__kwdefaults__", {"max_waiting": 2, "max_waiting_bytes": 99999}
    )
    with web(sqlite_database) as client, ThreadPoolExecutor(12) as pool:
        with sqlite_database.writing_connection():
            answers = [pool.submit(post, client, f"d-{number}") for number in range(12)]
            while sum(answer.done() for answer in answers) < 12 - 4:  # at most two being written, two waiting
                threading.Event().wait(0.005)
            early = [answer.result() for answer in answers if answer.done()]
            assert {answer.status_code for answer in early} == {503}
        late = [answer.result().status_code for answer in answers]
    stored = ids(sqlite_database.url.render_as_string(hide_password=False))
    assert late.count(202) == len(stored) == 12 - late.count(503) >= 2


def test_bodies_still_arriving_are_bounded_together(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.webhook.RECEIVING_CAP", 1_000_000)
    body = b"x" * 2_000_000
    with web(sqlite_database) as client:
        refused = client.post(PATH, content=body, headers=headers(body))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert post(client, "d-1").status_code == 202, "the room is given back"


def test_a_body_that_never_comes_is_408(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.webhook.RECEIVE_DEADLINE_S", 0.1)
    with web(sqlite_database) as client:
        given = headers(b"", content_length="10") | {"host": "localhost"}

        def slow() -> Iterator[bytes]:
            yield b"12345"
            threading.Event().wait(1)
            yield b"67890"

        answer = client.post(PATH, content=slow(), headers=given)
        assert (answer.status_code, answer.headers["connection"]) == (408, "close")


def test_a_reader_of_the_database_does_not_hold_the_intake_up(sqlite_database: Database) -> None:
    connection = sqlite3.connect(str(sqlite_database.url.database))
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM deliveries").fetchone()
    with serving(create_app(web_settings(), sqlite_database)) as client:
        assert post(client, "d-1").status_code == 202
    connection.close()
