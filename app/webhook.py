"""POST /webhooks/github: a delivery is verified, stored, and only then answered.

A plain ASGI callable: at a thousand deliveries a second a framework's routing and models cost more than the storing.
The body is not parsed here. One that its signature proves to be GitHub's is kept even if it is malformed, and the
relay says so in its row.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from app.request import BODY_CAP, SIGNATURE, TOO_LARGE, Rejected, check
from forges.github.signature import verify_sha256
from store.group_insert import Arrival, Outcome
from store.inbox import InboxWriter

# Bodies being received, all together. Their senders are not yet known to be GitHub.
RECEIVING_CAP = 256 * 1024 * 1024
# GitHub itself gives up after ten seconds (thirty on GitHub Enterprise Server).
RECEIVE_DEADLINE_S = 30.0
RETRY_AFTER_S = 5

Headers = list[tuple[bytes, bytes]]
_COMMON: Headers = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class Gone(Exception):
    """The sender closed the connection before its body was complete."""


class Webhook:
    """The endpoint. `counts` holds this process's answers by result, for /metrics."""

    def __init__(self, writer: InboxWriter, secrets: Sequence[bytes]) -> None:
        if not secrets or not all(secrets):
            raise ValueError("no webhook secret: set FORGEHAND_GITHUB_WEBHOOK_SECRETS")
        self._writer = writer
        self._secrets = tuple(secrets)
        self._receiving = 0
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = check(scope["method"], scope["headers"])
        if isinstance(head, Rejected):
            await self._reject(send, head)
            return
        try:
            async with asyncio.timeout(RECEIVE_DEADLINE_S):
                body = await self._read(receive)
        except TimeoutError:
            await self._answer(send, 408, "too_slow", b"The delivery took too long to arrive.\n", _CLOSE)
            return
        except Gone:
            self.counts["disconnected"] += 1
            return
        if isinstance(body, Rejected):
            await self._reject(send, body)
            return
        if body is None:
            await self._answer(send, 503, "busy", b"Too much is being received; try again.\n", _LATER)
            return
        if not verify_sha256(body, head.signature, self._secrets):
            await self._reject(send, SIGNATURE)
            return
        arrival = Arrival("github", head.app_id, head.delivery_id, head.event, head.content_type, body, time.time())
        receipt = await self._writer.submit(arrival)
        if receipt.outcome is Outcome.NEW:
            await self._answer(send, 202, "accepted", b"Stored.\n")
        elif receipt.outcome is Outcome.DUPLICATE:
            await self._answer(send, 200, "duplicate", b"Already stored.\n")
        else:
            await self._answer(send, 503, "not_stored", b"Not stored; try again.\n", _LATER)

    async def _read(self, receive: Receive) -> bytes | Rejected | None:
        """The whole body; TOO_LARGE once it passes the cap, None when all bodies together do."""
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            whole: bytes = message.get("body", b"")
            return whole if len(whole) <= BODY_CAP else TOO_LARGE
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                if message["type"] != "http.request":
                    raise Gone
                part = message.get("body", b"")
                parts.append(part)
                size += len(part)
                self._receiving += len(part)
                if size > BODY_CAP:
                    return TOO_LARGE
                if self._receiving > RECEIVING_CAP:
                    return None
                if not message.get("more_body", False):
                    return b"".join(parts)
                message = await receive()
        finally:
            self._receiving -= size

    async def _reject(self, send: Send, why: Rejected) -> None:
        # What is left of a body nobody reads would be taken for the next request.
        extra = [*_CLOSE, (b"allow", b"POST")] if why.status == 405 else _CLOSE if why.status == 413 else []
        await self._answer(send, why.status, why.result, why.sentence.encode() + b"\n", extra)

    async def _answer(self, send: Send, status: int, result: str, text: bytes, extra: Headers | None = None) -> None:
        self.counts[result] += 1
        headers = [*_COMMON, (b"content-length", b"%d" % len(text)), *(extra or ())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


_CLOSE: Headers = [(b"connection", b"close")]
_LATER: Headers = [(b"retry-after", b"%d" % RETRY_AFTER_S)]
