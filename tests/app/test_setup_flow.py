"""Registering the App: the browser's way through our page, GitHub's, and back."""

import html
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from app.setup_flow import CALLBACK_PATH, create_setup_app
from forges.github.app_manifest import AppCredentials
from tests.app.serving import serving

KEY = "-----BEGIN RSA PRIVATE KEY-----\nQUJD\n-----END RSA PRIVATE KEY-----\n"


def github() -> FastAPI:
    """The one endpoint of GitHub that is used: a code is good for one conversion."""
    app = FastAPI()
    left = {"good-code"}

    @app.post("/app-manifests/{code}/conversions", status_code=201)
    def convert(code: str) -> Any:
        if code not in left:
            return JSONResponse({"message": "Not Found"}, status_code=404)
        left.remove(code)
        return {
            "id": 7,
            "slug": "our-hand",
            "html_url": "https://github.com/apps/our-hand",
            "pem": KEY,
            "webhook_secret": "w" * 40,
            "client_id": "Iv1.x",
            "client_secret": "c" * 40,
        }

    return app


class Receiver:
    def __init__(self) -> None:
        self.got: list[AppCredentials] = []
        self.fails = False

    def __call__(self, credentials: AppCredentials) -> None:
        if self.fails:
            raise PermissionError(13, "Permission denied", "/etc/forgehand")
        self.got.append(credentials)


@contextmanager
def setup(receiver: Receiver, organization: str | None = None) -> Iterator[httpx.Client]:
    with serving(github()) as api:
        app = create_setup_app(
            name="Our <hand>",
            public_url="https://hand.example.org",
            listen_url="http://127.0.0.1:9",
            github_web_url="https://github.com",
            github_api_url=str(api.base_url).rstrip("/"),
            on_credentials=receiver,
            organization=organization,
        )
        with serving(app) as client:
            yield client


def form(page: str) -> tuple[str, dict[str, Any]]:
    """The address the form posts to, and the manifest in it."""
    action = re.search(r'action="([^"]*)"', page)
    value = re.search(r'name="manifest" value="([^"]*)"', page)
    assert action is not None
    assert value is not None
    return html.unescape(action[1]), json.loads(html.unescape(value[1]))


def state_of(client: httpx.Client) -> str:
    action, _ = form(client.get("/setup").text)
    return action.partition("state=")[2]


def test_the_page_posts_the_manifest_to_github() -> None:
    with setup(Receiver()) as client:
        page = client.get("/setup")
    action, manifest = form(page.text)
    assert action.startswith("https://github.com/settings/apps/new?state=")
    assert manifest["name"] == "Our <hand>"
    assert "<hand>" not in page.text
    assert manifest["hook_attributes"]["url"] == "https://hand.example.org/webhooks/github"
    assert manifest["redirect_url"] == f"http://127.0.0.1:9{CALLBACK_PATH}"
    policy = page.headers["content-security-policy"]
    assert "form-action https://github.com" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


def test_an_organization_registers_it_for_itself() -> None:
    with setup(Receiver(), organization="octo-org") as client:
        assert form(client.get("/setup").text)[0].startswith(
            "https://github.com/organizations/octo-org/settings/apps/new"
        )


def test_the_way_back_hands_over_the_credentials_once_and_shows_none() -> None:
    receiver = Receiver()
    with setup(receiver) as client:
        given = {"state": state_of(client), "code": "good-code"}
        first = client.get(CALLBACK_PATH, params=given)
        second = client.get(CALLBACK_PATH, params=given)
    assert (first.status_code, second.status_code) == (200, 409)
    (credentials,) = receiver.got
    assert (credentials.app_id, credentials.slug, credentials.private_key) == (7, "our-hand", KEY)
    assert "https://github.com/apps/our-hand/installations/new" in first.text
    for secret in ("QUJD", "w" * 40, "c" * 40):
        assert secret not in first.text + second.text


def test_two_at_once_convert_once() -> None:
    receiver = Receiver()
    with setup(receiver) as client:
        given = {"state": state_of(client), "code": "good-code"}
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(client.get(CALLBACK_PATH, params=given).status_code))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(statuses) == [200, 409, 409, 409]
    assert len(receiver.got) == 1


@pytest.mark.parametrize("state", [None, "", "guessed", "\u00e9"])
def test_an_answer_with_another_state_is_refused(state: str | None) -> None:
    receiver = Receiver()
    given = {"code": "good-code"} | ({} if state is None else {"state": state})
    with setup(receiver) as client:
        assert client.get(CALLBACK_PATH, params=given).status_code == 403
    assert receiver.got == []


@pytest.mark.parametrize(("code", "status"), [("", 400), ("../../user", 400), ("x" * 200, 400), ("spent-code", 502)])
def test_a_wrong_code_is_told_and_may_be_tried_again(code: str, status: int) -> None:
    receiver = Receiver()
    with setup(receiver) as client:
        state = state_of(client)
        assert client.get(CALLBACK_PATH, params={"state": state, "code": code}).status_code == status
        assert client.get(CALLBACK_PATH, params={"state": state, "code": "good-code"}).status_code == 200
    assert len(receiver.got) == 1


def test_credentials_that_cannot_be_written_are_said_to_be_lost() -> None:
    receiver = Receiver()
    receiver.fails = True
    with setup(receiver) as client:
        answer = client.get(CALLBACK_PATH, params={"state": state_of(client), "code": "good-code"})
    assert answer.status_code == 500
    assert "Permission denied" in answer.text
    assert "QUJD" not in answer.text


def test_only_under_its_own_name() -> None:
    with setup(Receiver()) as client:
        assert client.get("/setup", headers={"host": "evil.example.org"}).status_code == 400


def test_an_address_github_would_not_take() -> None:
    with pytest.raises(ValueError, match="https://"):
        create_setup_app(
            name="x",
            public_url="http://hand.example.org",
            listen_url="http://127.0.0.1:9",
            github_web_url="https://github.com",
            github_api_url="https://api.github.com",
            on_credentials=Receiver(),
        )
