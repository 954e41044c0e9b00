"""The page for people, and what no address gives away."""

import pytest

from app import create_app
from app.main import github_app_url
from settings import Settings
from store.database import Database
from tests.app.serving import serving, web, web_settings


def test_the_page_says_what_this_is(sqlite_database: Database) -> None:
    with serving(create_app(web_settings(github_app_slug="our-hand"), sqlite_database)) as client:
        answer = client.get("/")
    assert answer.status_code == 200
    for part in ('<html lang="en">', "<h1>Forgehand</h1>", "https://github.com/apps/our-hand", 'href="/readyz"'):
        assert part in answer.text
    assert "<script" not in answer.text


def test_without_a_slug_there_is_no_link_to_an_app(sqlite_database: Database) -> None:
    with web(sqlite_database) as client:
        assert "/apps/" not in client.get("/").text


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics"])
def test_every_answer_carries_the_security_headers(sqlite_database: Database, path: str) -> None:
    with web(sqlite_database) as client:
        given = client.get(path).headers
    assert "default-src 'none'" in given["content-security-policy"]
    assert "frame-ancestors 'none'" in given["content-security-policy"]
    assert given["x-content-type-options"] == "nosniff"
    assert given["referrer-policy"] == "no-referrer"
    assert "server" not in given


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/setup", "/webhooks", "/webhooks/github/x"])
def test_nothing_else_is_there(sqlite_database: Database, path: str) -> None:
    with web(sqlite_database) as client:
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("api", "slug", "url"),
    [
        ("https://api.github.com", "hand", "https://github.com/apps/hand"),
        ("https://github.example.org/api/v3", "hand", "https://github.example.org/apps/hand"),
        ("https://api.github.com", "", None),
    ],
)
def test_where_the_app_is_installed(api: str, slug: str, url: str | None) -> None:
    assert github_app_url(api, slug) == url


def test_no_service_without_a_webhook_secret(sqlite_database: Database) -> None:
    with pytest.raises(ValueError, match="FORGEHAND_GITHUB_WEBHOOK_SECRETS"):
        create_app(Settings(), sqlite_database)
