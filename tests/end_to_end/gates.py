"""Places where an exchange is held open: a request to the twin before or after it is carried out, a model's answer.

The test learns that the place is reached, kills whom it likes, and lets the exchange go on. Nothing in the product
knows of it.
"""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.scripted_http import Answer, ScriptedServer, serving
from demo.scripted_model import ScriptedModel

HELD_AT_MOST_S = 60.0


@dataclass
class Hold:
    """One exchange that is to be held. `drop`: once released it is not carried out, as if it had never arrived."""

    method: str
    path: str
    when: Literal["before", "after"]
    drop: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def matches(self, scope: Scope) -> bool:
        return scope["method"] == self.method and re.search(self.path, scope["path"]) is not None


class Gate:
    """ASGI middleware for `Twin(wrap=gate.wrap)`."""

    def __init__(self) -> None:
        self._holds: list[Hold] = []
        self._app: ASGIApp | None = None

    def wrap(self, app: ASGIApp) -> ASGIApp:
        self._app = app
        return self

    def hold(self, method: str, path: str, when: Literal["before", "after"], *, drop: bool = False) -> Hold:
        """Holds the first request from now on that matches `method` and the pattern `path`."""
        hold = Hold(method, path, when, drop)
        self._holds.append(hold)
        return hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        hold = next((one for one in self._holds if scope["type"] == "http" and one.matches(scope)), None)
        if hold is None:
            await self._app(scope, receive, send)
            return
        self._holds.remove(hold)
        if hold.when == "before":
            # Read while the sender lives: what has arrived is carried out though its sender is gone.
            body = await _whole(receive)
            hold.reached.set()
            await _released(hold)
            if not hold.drop:
                await self._app(scope, body, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        hold.reached.set()
        await _released(hold)
        for message in answer:
            await send(message)


async def _whole(receive: Receive) -> Receive:
    messages: list[Message] = []
    while True:
        messages.append(await receive())
        if not messages[-1].get("more_body"):
            break
    left = iter(messages)

    async def again() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return again


async def _released(hold: Hold) -> None:
    deadline = asyncio.get_running_loop().time() + HELD_AT_MOST_S
    while not hold.released.is_set() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.01)


class GatedModel:
    """A scripted model that outlives the workers and thinks for `latency_s` seconds before each answer.

    `asked` counts the requests for each window and position.
    """

    def __init__(self, script: Path) -> None:
        self.latency_s = 0.0
        self._model = ScriptedModel.load(script)
        self._holds: dict[tuple[str, int], tuple[threading.Event, threading.Event]] = {}
        self._one_at_a_time = threading.Lock()
        self.price = self._model.price

    @property
    def asked(self) -> Counter[tuple[str, int]]:
        return Counter((one.window, one.position) for one in list(self._model.exchanges))

    @property
    def mismatches(self) -> list[str]:
        return self._model.mismatches

    def hold(self, window: str, position: int) -> tuple[threading.Event, threading.Event]:
        """Holds the next answer at this place back; the events are `reached` and `released`."""
        events = threading.Event(), threading.Event()
        self._holds[(window, position)] = events
        return events

    def _answer(self, request: Mapping[str, Any]) -> Answer:
        with self._one_at_a_time:
            answer = self._model.answer(request)
            exchanges = self._model.exchanges
            place = (exchanges[-1].window, exchanges[-1].position) if exchanges else ("", 0)
            held = self._holds.pop(place, None)
        time.sleep(self.latency_s)
        if held is not None:
            reached, released = held
            reached.set()
            released.wait(HELD_AT_MOST_S)
        return answer

    @contextmanager
    def serve(self) -> Iterator[ScriptedServer]:
        with serving(self._answer, "a-key-for-the-tests", lambda: ["scripted"], 0, self.mismatches) as server:
            try:
                yield server
            finally:
                for _, released in self._holds.values():
                    released.set()
