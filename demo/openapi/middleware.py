"""An ASGI middleware that holds every exchange with the twin against GitHub's description and keeps what differs."""

import threading
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.openapi.validate import Exchange, Validator, Violation


class Witness:
    """Collects the violations of a twin's exchanges and webhooks: pass `wrap` and `webhook` to `Twin`."""

    def __init__(self, validator: Validator) -> None:
        self.validator = validator
        self.violations: list[Violation] = []
        self.exchanges = 0
        self.webhooks = 0
        self._lock = threading.Lock()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application with the witness around it."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if (
                scope["type"] != "http"
                or scope["path"].startswith(("/_twin/", "/favicon.ico"))
                or ".git/" in scope["path"]
            ):
                await app(scope, receive, send)
                return
            asked, answered = bytearray(), bytearray()
            start: Message = {}

            async def listen() -> Message:
                message = await receive()
                asked.extend(message.get("body", b""))
                return message

            async def tell(message: Message) -> None:
                if message["type"] == "http.response.start":
                    start.update(message)
                answered.extend(message.get("body", b""))
                whole = message["type"] == "http.response.body" and not message.get("more_body", False)
                if whole:
                    self.exchange(scope, bytes(asked), start, bytes(answered))
                await send(message)

            await app(scope, listen, tell)

        return watched

    def exchange(self, scope: Scope, asked: bytes, start: Mapping[str, Any], answered: bytes) -> None:
        """Checks one exchange; pages for people (HTML, CSS) are none."""
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        if headers.get("content-type", "").startswith(("text/html", "text/css", "text/plain")):
            return
        if start["status"] in (302, 303, 307) and not scope["path"].startswith("/repos/"):
            return
        one = Exchange(
            scope["method"],
            scope["path"],
            scope["query_string"].decode(),
            asked,
            start["status"],
            headers,
            answered,
        )
        found = self.validator.exchange(one)
        with self._lock:
            self.exchanges += 1
            self.violations += found

    def webhook(self, event: str, payload: dict[str, Any], headers: dict[str, str]) -> None:
        """Checks one webhook; the form that `Twin(observer=...)` takes."""
        found = self.validator.webhook(event, payload, headers)
        with self._lock:
            self.webhooks += 1
            self.violations += found
