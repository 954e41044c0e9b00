"""Webhook deliveries as GitHub makes them: signed, tried once, logged, and sent again only when asked.

Delivery facts: https://docs.github.com/webhooks. On request the courier also doubles, shuffles and loses deliveries.
"""

import hashlib
import hmac
import json
import queue
import random
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx

from demo.github.clock import now
from demo.github.records import App
from demo.github.world import World

TIMEOUT_S = 10.0
GATHER_S = 0.1  # how long a shuffle waits for its window to fill
Json = dict[str, Any]
Observer = Callable[[str, Json, dict[str, str]], None]


@dataclass
class Delivery:
    """One try to send one event to one App. `request_body` is what went over the wire, byte for byte."""

    id: int
    guid: str
    app_id: int
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    url: str
    payload: Json
    redelivery: bool = False
    delivered_at: datetime = field(default_factory=now)
    duration: float = 0.0
    status: str = "pending"
    status_code: int = 0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] | None = None
    response_body: str | None = None


@dataclass(frozen=True)
class Knobs:
    """What the network between GitHub and a receiver does wrong.

    Every delivery is sent `copies` times; within a window of `shuffle` deliveries the order is drawn from `seed`;
    of all deliveries the share `lose` (0 to 1) never arrives and is logged as failed.
    """

    copies: int = 1
    shuffle: int = 1
    lose: float = 0.0
    seed: int = 0


def sign(secret: str, body: bytes) -> str:
    """The `X-Hub-Signature-256` header: HMAC-SHA256 over the raw body.

    https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def encode(payload: Json, content_type: str) -> tuple[str, bytes]:
    """The content type and the bytes of a payload, in the form the hook is set to."""
    text = json.dumps(payload, separators=(",", ":"))
    if content_type == "form":
        return "application/x-www-form-urlencoded", urllib.parse.urlencode({"payload": text}).encode()
    return "application/json", text.encode()


class Postman:
    """Sends deliveries from a few threads and keeps the log. `observer` sees every payload that is sent."""

    def __init__(self, world: World, observer: Observer | None = None) -> None:
        self.world = world
        self.observer = observer
        self.log: list[Delivery] = []
        self.knobs = Knobs()
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(8, "twin-hook")
        self._client = httpx.Client(timeout=TIMEOUT_S, trust_env=False)
        self._random = random.Random(0)
        self._busy = 0
        self._settled = threading.Condition()
        self._thread = threading.Thread(target=self._sort, name="twin-hooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the threads; what was not sent yet is not sent any more."""
        self._queue.put(None)
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def turn(self, knobs: Knobs) -> None:
        """Sets the knobs for the deliveries to come."""
        self.knobs = knobs
        self._random = random.Random(knobs.seed)

    def wait_idle(self, timeout: float) -> bool:
        """True when everything queued has been sent (or has failed) within `timeout` seconds."""
        with self._settled:
            return self._settled.wait_for(lambda: self._busy == 0, timeout)

    def post(
        self,
        app: App,
        event: str,
        action: str | None,
        payload: Json,
        *,
        guid: str,
        installation_id: int | None = None,
        repository_id: int | None = None,
    ) -> None:
        """Queues one event for one App; an App without a webhook URL gets nothing."""
        if app.hook.url is None:
            return
        self._enqueue(
            Delivery(
                self.world.next_id(), guid, app.id, event, action, installation_id, repository_id, app.hook.url, payload
            )
        )

    def redeliver(self, delivery_id: int, app_id: int) -> bool:
        """Sends a logged delivery once more under the same GUID; False when the App has no such delivery."""
        found = self.find(delivery_id, app_id)
        if found is None:
            return False
        url = self.world.apps[app_id].hook.url or found.url
        again = replace(
            found,
            id=self.world.next_id(),
            redelivery=True,
            url=url,
            delivered_at=now(),
            status="pending",
            status_code=0,
            response_headers=None,
            response_body=None,
        )
        self._enqueue(again)
        return True

    def find(self, delivery_id: int, app_id: int) -> Delivery | None:
        return next((d for d in self.log if d.id == delivery_id and d.app_id == app_id), None)

    def _enqueue(self, delivery: Delivery) -> None:
        with self._settled:
            self._busy += 1
        self._queue.put(delivery)

    def _sort(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            window = [first]
            knobs = self.knobs
            deadline = time.monotonic() + GATHER_S
            while len(window) < knobs.shuffle:
                try:
                    following = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    break
                if following is None:
                    return
                window.append(following)
            self._dispatch(window, knobs)

    def _dispatch(self, window: list[Delivery], knobs: Knobs) -> None:
        letters = list(window)
        for delivery in window:
            letters += [replace(delivery, id=self.world.next_id()) for _ in range(knobs.copies - 1)]
        if knobs.shuffle > 1:
            self._random.shuffle(letters)
        with self._settled:
            self._busy += len(letters) - len(window)
        for delivery in letters:
            lost = knobs.lose > 0 and self._random.random() < knobs.lose
            self._pool.submit(self._send, delivery, lost)

    def _send(self, delivery: Delivery, lost: bool) -> None:
        try:
            self._exchange(delivery, lost)
        finally:
            with self.world.lock:
                self.log.append(delivery)
            with self._settled:
                self._busy -= 1
                self._settled.notify_all()

    def _exchange(self, delivery: Delivery, lost: bool) -> None:
        app = self.world.apps[delivery.app_id]
        kind, body = encode(delivery.payload, app.hook.content_type)
        headers = {
            "Accept": "*/*",
            "Content-Type": kind,
            "User-Agent": "GitHub-Hookshot/7f0c1d2",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(app.hook.id),
            "X-GitHub-Hook-Installation-Target-ID": str(app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
        }
        if app.hook.secret:
            headers["X-Hub-Signature-256"] = sign(app.hook.secret, body)
        delivery.request_headers = headers
        if self.observer is not None:
            self.observer(delivery.event, delivery.payload, headers)
        if lost:
            delivery.status, delivery.status_code = "failed to connect to host", 502
            return
        started = time.monotonic()
        try:
            response = self._client.post(delivery.url, content=body, headers=headers)
        except httpx.TimeoutException:
            delivery.status, delivery.status_code = "timed out", 504
        except httpx.HTTPError:
            delivery.status, delivery.status_code = "failed to connect to host", 502
        else:
            delivery.status_code = response.status_code
            delivery.status = "OK" if response.is_success else f"Invalid HTTP Response: {response.status_code}"
            delivery.response_headers = dict(response.headers)
            delivery.response_body = response.text[:1024]
        delivery.duration = round(time.monotonic() - started, 3)


def new_guid() -> str:
    """One GUID an event: every App that gets the event sees the same one."""
    return str(uuid.uuid1())
