"""The web service on a real socket, in a thread, and deliveries for it."""

import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp

from app import create_app, server_config
from settings import Settings
from store.database import Database

SECRET = "an-old-webhook-secret"
NEW_SECRET = "the-new-webhook-secret"
PATH = "/webhooks/github"


def web_settings(**values: Any) -> Settings:
    return Settings(github_webhook_secrets=(SecretStr(SECRET), SecretStr(NEW_SECRET)), github_app_id=7, **values)


@contextmanager
def serving(app: ASGIApp) -> Iterator[httpx.Client]:
    """A client of `app`, served by uvicorn as in production; shut down gracefully at the end."""
    server = uvicorn.Server(server_config(app, host="127.0.0.1", port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server ended before it started"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not shut down"


@contextmanager
def web(database: Database) -> Iterator[httpx.Client]:
    with serving(create_app(web_settings(), database)) as client:
        yield client


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(body: bytes, *, delivery: str | None = None, **changes: str | None) -> dict[str, str]:
    """The headers GitHub sends with `body`. A change to None leaves one out; `_` stands for `-`."""
    given: dict[str, str | None] = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/0000000",
        "x-github-event": "issues",
        "x-github-delivery": delivery or str(uuid.uuid4()),
        "x-github-hook-id": "1",
        "x-github-hook-installation-target-id": "7",
        "x-github-hook-installation-target-type": "integration",
        "x-hub-signature-256": sign(body),
    }
    given |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in given.items() if value is not None}


def payload(**fields: Any) -> bytes:
    return json.dumps({"action": "assigned", **fields}).encode()
