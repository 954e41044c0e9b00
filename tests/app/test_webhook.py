"""The webhook over real HTTP: who gets in, what is stored, and what each sender is told."""

import hashlib
import hmac
import json
import socket
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select

from app.webhook import Webhook
from store.database import Database
from store.inbox import InboxWriter
from store.schema import Delivery
from tests.app.serving import NEW_SECRET, PATH, SECRET, headers, payload, sign, web


@pytest.fixture
def client(database: Database) -> Iterator[httpx.Client]:
    with web(database) as client:
        yield client


@pytest.fixture
def sqlite_client(sqlite_database: Database) -> Iterator[httpx.Client]:
    with web(sqlite_database) as client:
        yield client


def rows(database: Database) -> list[Delivery]:
    with database.read() as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def test_a_signed_delivery_is_stored_as_it_came(client: httpx.Client, database: Database) -> None:
    body = b'{ "action" :"assigned", "text": "\xc3\xa9" }\n'
    answer = client.post(PATH, content=body, headers=headers(body, delivery="d-1"))
    assert answer.status_code == 202
    (row,) = rows(database)
    assert (row.source, row.app_id, row.delivery_id, row.event) == ("github", "7", "d-1", "issues")
    assert (row.content_type, row.body, row.state, row.attempts) == ("application/json", body, "pending", 0)
    assert row.received_at > 1_700_000_000


def test_a_repeated_delivery_is_told_so_and_stored_once(client: httpx.Client, database: Database) -> None:
    body = payload()
    answers = [client.post(PATH, content=body, headers=headers(body, delivery="same")) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202, 200, 200, 200, 200]
    assert len(rows(database)) == 1


def test_two_apps_may_share_a_delivery_id(client: httpx.Client, database: Database) -> None:
    body = payload()
    for app_id in ("7", "8"):
        given = headers(body, delivery="same", x_github_hook_installation_target_id=app_id)
        assert client.post(PATH, content=body, headers=given).status_code == 202
    assert [row.app_id for row in rows(database)] == ["7", "8"]


@pytest.mark.parametrize("secret", [SECRET, NEW_SECRET])
def test_every_live_secret_lets_in(sqlite_client: httpx.Client, secret: str) -> None:
    body = payload()
    given = headers(body, x_hub_signature_256=sign(body, secret))
    assert sqlite_client.post(PATH, content=body, headers=given).status_code == 202


def _sha1(body: bytes) -> str:
    return "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()


BODY = payload(title="x")
WRONG_SIGNATURES = {
    "missing": None,
    "empty": "",
    "of another secret": sign(BODY, "some-other-secret-of-theirs"),
    "of another body": sign(BODY + b" "),
    "sha1": _sha1(BODY),
    "sha1 digest named sha256": _sha1(BODY).replace("sha1", "sha256"),
    "without its prefix": sign(BODY).removeprefix("sha256="),
    "cut short": sign(BODY)[:-1],
    "prolonged": sign(BODY) + "0",
    "not hexadecimal": "sha256=" + "z" * 64,
    "of nothing": sign(b""),
}


@pytest.mark.parametrize("signature", WRONG_SIGNATURES.values(), ids=WRONG_SIGNATURES.keys())
def test_a_wrong_signature_is_refused_without_detail(
    sqlite_client: httpx.Client, sqlite_database: Database, signature: str | None
) -> None:
    answer = sqlite_client.post(PATH, content=BODY, headers=headers(BODY, x_hub_signature_256=signature))
    assert answer.status_code == 401
    assert answer.text == "The signature does not match.\n"
    assert rows(sqlite_database) == []


def test_a_sha1_signature_beside_a_missing_sha256_does_not_count(sqlite_client: httpx.Client) -> None:
    given = headers(BODY, x_hub_signature_256=None, x_hub_signature=_sha1(BODY))
    assert sqlite_client.post(PATH, content=BODY, headers=given).status_code == 401


BAD_HEADERS: dict[str, tuple[dict[str, str | None], int]] = {
    "no event": ({"x_github_event": None}, 400),
    "an event of two words": ({"x_github_event": "issues opened"}, 400),
    "an endless event": ({"x_github_event": "e" * 65}, 400),
    "no delivery id": ({"x_github_delivery": None}, 400),
    "an endless delivery id": ({"x_github_delivery": "d" * 65}, 400),
    "a delivery id that is SQL": ({"x_github_delivery": "'; DROP TABLE deliveries; --"}, 400),
    "no App": ({"x_github_hook_installation_target_id": None}, 400),
    "an App that is no number": ({"x_github_hook_installation_target_id": "seven"}, 400),
    "a repository's webhook": ({"x_github_hook_installation_target_type": "repository"}, 400),
    "no content type": ({"content_type": None}, 415),
    "text": ({"content_type": "text/plain"}, 415),
    "a multipart form": ({"content_type": "multipart/form-data; boundary=x"}, 415),
    "almost JSON": ({"content_type": "application/jsonx"}, 415),
}


@pytest.mark.parametrize(("changes", "status"), BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
def test_headers_that_no_delivery_has(
    sqlite_client: httpx.Client, sqlite_database: Database, changes: dict[str, str | None], status: int
) -> None:
    assert sqlite_client.post(PATH, content=BODY, headers=headers(BODY, **changes)).status_code == status
    assert rows(sqlite_database) == []
    assert sqlite_client.post(PATH, content=BODY, headers=headers(BODY)).status_code == 202, (
        "the connection is still good"
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_post(sqlite_client: httpx.Client, method: str) -> None:
    answer = sqlite_client.request(method, PATH)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_an_unknown_event_is_recorded(client: httpx.Client, database: Database) -> None:
    given = headers(BODY, x_github_event="something_github_invents_next_year")
    assert client.post(PATH, content=BODY, headers=given).status_code == 202
    assert rows(database)[0].event == "something_github_invents_next_year"


def test_truncated_json_with_a_valid_signature_is_kept_for_the_relay(client: httpx.Client, database: Database) -> None:
    body = payload()[:-3]
    assert client.post(PATH, content=body, headers=headers(body)).status_code == 202
    assert rows(database)[0].body == body


def test_a_form_is_kept_as_it_came(client: httpx.Client, database: Database) -> None:
    body = urllib.parse.urlencode({"payload": json.dumps({"action": "assigned"})}).encode()
    given = headers(body, content_type="Application/X-WWW-Form-Urlencoded; charset=utf-8")
    assert client.post(PATH, content=body, headers=given).status_code == 202
    (row,) = rows(database)
    assert (row.content_type, row.body) == ("application/x-www-form-urlencoded", body)


def test_the_largest_delivery_github_sends_is_taken(client: httpx.Client, database: Database) -> None:
    body = b'{"x": "' + b"x" * (25 * 1024 * 1024 - 9) + b'"}'
    assert len(body) == 25 * 1024 * 1024
    assert client.post(PATH, content=body, headers=headers(body)).status_code == 202
    assert len(rows(database)[0].body) == len(body)


def _raw(client: httpx.Client, head: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=20)
    connection.sendall(head)
    return connection


def _head(body: bytes, **changes: str | None) -> bytes:
    lines = [f"POST {PATH} HTTP/1.1", "host: localhost", *(f"{k}: {v}" for k, v in headers(body, **changes).items())]
    return "\r\n".join(lines).encode() + b"\r\n"


def test_a_body_announced_over_the_cap_is_refused_unread(sqlite_client: httpx.Client) -> None:
    with _raw(sqlite_client, _head(b"", content_length=str(25 * 1024 * 1024 + 1)) + b"\r\n") as connection:
        answer = connection.recv(4096)
        assert b" 413 " in answer
        assert b"connection: close" in answer


def test_a_body_that_grows_past_the_cap_is_refused_while_it_comes(
    sqlite_client: httpx.Client, sqlite_database: Database
) -> None:
    """Chunked encoding announces no length: the cap is held against what has come."""
    with _raw(sqlite_client, _head(b"", transfer_encoding="chunked") + b"\r\n") as connection:
        chunk = b"%x\r\n%b\r\n" % (1 << 20, b"x" * (1 << 20))
        sent = 0
        connection.settimeout(20)
        try:
            while sent < 40:
                connection.sendall(chunk)
                sent += 1
        except OSError:
            pass  # it has hung up, which is what is wanted
        assert sent < 40
    assert rows(sqlite_database) == []
    assert sqlite_client.post(PATH, content=BODY, headers=headers(BODY)).status_code == 202


def test_a_sender_that_hangs_up_early_leaves_nothing(sqlite_client: httpx.Client, sqlite_database: Database) -> None:
    with _raw(sqlite_client, _head(BODY, content_length=str(len(BODY))) + b"\r\n" + BODY[:10]):
        pass
    assert sqlite_client.post(PATH, content=BODY, headers=headers(BODY, delivery="after")).status_code == 202
    assert [row.delivery_id for row in rows(sqlite_database)] == ["after"]


def test_500_deliveries_and_their_doubles_at_once_are_one_row_each(database: Database, client: httpx.Client) -> None:
    ids = [f"d-{number}" for number in range(500)]

    def post(delivery: str) -> int:
        body = payload(delivery=delivery)
        return client.post(PATH, content=body, headers=headers(body, delivery=delivery)).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(post, [*ids, *ids]))
    assert sorted(statuses) == [200] * 500 + [202] * 500
    assert sorted(row.delivery_id for row in rows(database)) == sorted(ids)


@pytest.mark.parametrize("secrets", [[], [b""], [b"good-secret-of-ours", b""]])
def test_no_service_without_a_secret(database: Database, secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="FORGEHAND_GITHUB_WEBHOOK_SECRETS"):
        Webhook(InboxWriter(database), secrets)
